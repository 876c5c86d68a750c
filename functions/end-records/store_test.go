//go:build store

package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

func anyone(retention.Record) error { return nil }

func TestAnEndIsWrittenOverWhatIsStored(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t, "messaging", "communication")
	records := dynamo.NewRecords(db, stack)
	over := newHandler(h, records)
	put := func(class string, r retention.Record) {
		t.Helper()
		if _, err := records.Put(t.Context(), class, r, anyone); err != nil {
			t.Fatal(err)
		}
	}
	kari := h.Key(t, contact.Email, "kari@example.no")
	put("messaging", retention.Record{ID: "sub-1", Subject: kari, Scope: "acme", Basis: retention.Customer, OccurredAt: spoke})
	put("communication", retention.Record{ID: "conv-1", OccurredAt: spoke})
	for _, step := range []struct {
		class, id string
		do        func()
		want      time.Time
	}{
		{"messaging", "sub-1", func() { h.Serve(t, over.call(), h.Post(service)) }, ended},
		{"communication", "conv-1", func() { h.Serve(t, over.call(), h.Post(conversation)) }, ended},
		{"communication", "conv-1", func() {
			put("communication", retention.Record{ID: "conv-1", OccurredAt: ended.Add(-time.Hour), Data: []byte(`"late"`)})
		}, ended},
		{"communication", "conv-1", func() { put("communication", retention.Record{ID: "conv-1", OccurredAt: ended.Add(time.Hour)}) }, time.Time{}},
		{"communication", "conv-1", func() { h.Serve(t, over.call(), h.Post(conversation)) }, time.Time{}},
	} {
		step.do()
		stored, err := records.Get(t.Context(), step.class, step.id)
		if err != nil || !stored.Start.Equal(step.want) {
			t.Errorf("%s: start %v, want %v, error %v", step.id, stored.Start, step.want, err)
		}
	}
}

func TestTheNewestOfManyEndsAtOnceStands(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t, "communication")
	records := dynamo.NewRecords(db, stack)
	if _, err := records.Put(t.Context(), "communication", retention.Record{ID: "conv-1", OccurredAt: spoke}, anyone); err != nil {
		t.Fatal(err)
	}
	class, _ := h.Policy.Class("communication")
	var group sync.WaitGroup
	for n := range 8 {
		at := spoke.Add(time.Duration(n) * time.Hour)
		group.Go(func() {
			err := records.End(t.Context(), "communication", "conv-1", func(r retention.Record) (retention.Record, error) {
				next, err := class.End(r, retention.Ending{At: at})
				if err != nil {
					return r, nil //nolint:nilerr // a newer one was faster
				}
				return next, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	stored, err := records.Get(t.Context(), "communication", "conv-1")
	if want := spoke.Add(7 * time.Hour); err != nil || !stored.Start.Equal(want) {
		t.Errorf("start %v, want %v, error %v", stored.Start, want, err)
	}
}

func TestARecordBeingPurgedIsUnchanged(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t, "communication")
	dynamotest.Put(t, db, stack.Records("communication"), map[string]any{"id": "conv-1", "purgingBy": "run-1"})
	dynamotest.Put(t, db, stack.Records("communication"), map[string]any{"id": "conv-2", "occurredAt": "yesterday"})
	body := strings.Replace(conversation, `"conv-1"`, `"conv-1","conv-2","conv-3"`, 1)
	resp := h.Serve(t, newHandler(h, dynamo.NewRecords(db, stack)).call(), h.Post(body))
	got := fmt.Sprint(apitest.Body[response](t, resp, http.StatusOK).Results)
	if want := fmt.Sprint([]result{{Reason: beingPurged}, {Reason: unreadable}, {Reason: unknown}}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if dump := dynamotest.Dump(t, db, stack.Records("communication")); strings.Contains(dump, "retentionStart") || strings.Contains(dump, "conv-3") {
		t.Errorf("the table has %s", dump)
	}
}

func TestEndingLeavesNobodyBehind(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t, "messaging")
	records := dynamo.NewRecords(db, stack)
	planted := strings.Replace(service, "kari@example.no", apitest.Address, 1)
	dynamotest.Put(t, db, stack.Records("messaging"), map[string]any{
		"id": apitest.Address, "subject": string(h.Key(t, contact.Email, apitest.Address)), "scope": "acme", "basis": "customer",
	})
	resp := h.Serve(t, newHandler(h, records).call(), h.Post(planted))
	if !apitest.Body[response](t, resp, http.StatusOK).Results[0].Updated {
		t.Error("there was nothing to look through")
	}
	dead := dynamotest.Intercept(db, func(string) error { return errDown })
	h.Serve(t, newHandler(h, dynamo.NewRecords(dead, stack)).call(), h.Post(planted))
	h.Serve(t, newHandler(h, records).call(), h.Post(strings.NewReplacer("conv-1", apitest.Address, "communication", apitest.Number).Replace(conversation)))
	h.NoLeak(t, nil, dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds), stack.Table(names.TableRuns)))
}
