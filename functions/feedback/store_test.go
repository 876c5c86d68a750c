//go:build store

package main

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/sqsbatch"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

func TestFeedbackIsStoredWithItsLedgerEntry(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	var batch events.SQSEvent
	h.Event(t, "feedback.batch.json", &batch)
	serve := sqsbatch.Each(h.Log, newHandler(h, list).take)
	for range 2 { // every queue repeats itself
		got, err := serve(t.Context(), batch)
		if err != nil || len(got.BatchItemFailures) != 1 {
			t.Fatalf("%d failures, error %v", len(got.BatchItemFailures), err)
		}
	}
	for _, test := range []struct {
		address string
		want    suppression.Decision
		source  suppression.Source
	}{
		{"kari@example.no", suppression.Decision{Reason: suppression.HardBounce, Scope: "*", Since: friday}, suppression.SourceSESBounce},
		{"ola@example.com", suppression.Decision{Reason: suppression.Complaint, Scope: "acme", Since: friday.Add(3597331e6)}, suppression.SourceSESComplaint},
	} {
		key := h.Key(t, contact.Email, test.address)
		item, err := list.Get(t.Context(), []contact.Key{key})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, suppression.Decide(item, suppression.Marketing, "acme")); diff != "" {
			t.Errorf("decision (-want +got):\n%s", diff)
		}
		history, err := list.History(t.Context(), key)
		if err != nil || len(history) != 1 || ledger.Verify(history, item.Head) != nil || history[0].Source != string(test.source) {
			t.Errorf("%d entries, error %v", len(history), err)
		}
	}
}

func TestFeedbackLeaksNoAddress(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t)
	down := dynamotest.Intercept(db, func(string) error { return errDown })
	planted := naming(apitest.Address, "Kanari Fugl "+apitest.Address)
	var batch events.SQSEvent
	for _, event := range []string{
		planted, planted + "}", strings.ReplaceAll(planted, "General", apitest.Address), strings.ReplaceAll(planted, "Permanent", apitest.Address),
		strings.ReplaceAll(planted, `"Bounce"`, `"`+apitest.Address+`"`), strings.ReplaceAll(planted, "2026-11-20T08:00:00Z", apitest.Address),
		strings.ReplaceAll(planted, `"`+apitest.Address+`"`, "98765432"), apitest.Address,
	} {
		batch.Records = append(batch.Records, events.SQSMessage{MessageId: "1", Body: event})
	}
	for _, over := range []handler{newHandler(h, dynamo.NewSuppressions(db, stack)), newHandler(h, dynamo.NewSuppressions(down, stack))} {
		if _, err := sqsbatch.Each(h.Log, over.take)(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	dump := dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger))
	if key := h.Key(t, contact.Email, apitest.Address); strings.Count(dump, string(key)) < 2 || !strings.Contains(h.Logs.String(), key.Short()) {
		t.Error("there was nothing to look through")
	}
	h.NoLeak(t, nil, dump)
}
