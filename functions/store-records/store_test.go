//go:build store

package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

func TestAnOlderEventChangesNothing(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t, "messaging", "communication")
	records := dynamo.NewRecords(db, stack)
	over := newHandler(h, records)
	for _, step := range []struct {
		record string
		stored bool
	}{
		{consent(), true}, {consent(), true}, {consent("08:00:00Z", "07:00:00Z"), false}, {consent("08:00:00Z", "09:00:00Z"), true},
	} {
		resp := h.Serve(t, over.call(), h.Post(storing("messaging", step.record)))
		if got := apitest.Body[response](t, resp, http.StatusOK).Results[0].Stored; got != step.stored {
			t.Errorf("stored %v, want %v", got, step.stored)
		}
	}
	stored, err := records.Get(t.Context(), "messaging", "sub-81")
	if err != nil || stored.Start.Hour() != 9 || stored.Subject != h.Key(t, contact.Email, "kari@example.no") {
		t.Errorf("start %v, error %v, or another's key", stored.Start, err)
	}
}

func TestOneBadRecordStoresNothing(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t, "messaging")
	records := dynamo.NewRecords(db, stack)
	resp := h.Serve(t, newHandler(h, records).call(), h.Post(storing("messaging", consent(), consent("acme", "amce"))))
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", resp.StatusCode)
	}
	if _, err := records.Get(t.Context(), "messaging", "sub-81"); !errors.Is(err, retention.ErrNoRecord) {
		t.Errorf("error %v, want ErrNoRecord", err)
	}
}

func TestOnlyTheClassTableHoldsThePerson(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t, "messaging")
	over := newHandler(h, dynamo.NewRecords(db, stack))
	token := h.Token(t, contact.Email, apitest.Address)
	planted := consent("kari@example.no", apitest.Address, "spring", apitest.Number)
	for _, body := range []string{
		storing("messaging", planted),
		storing("messaging", planted, consent("sub-81", strings.ToLower(apitest.Address))),
		storing("messaging", consent("sub-81", "+4798765432", "acme", apitest.Address, `"consent"`, `"`+apitest.Number+`"`, "2024-11-20T08:00:00Z", apitest.Address)),
		storing(apitest.Address, planted),
		storing("messaging", consent("kari@example.no", token)),
		storing("messaging", planted)[1:],
	} {
		h.Serve(t, over.call(), h.Post(body))
	}
	dead := dynamotest.Intercept(db, func(string) error { return errDown })
	h.Serve(t, newHandler(h, dynamo.NewRecords(dead, stack)).call(), h.Post(storing("messaging", planted)))
	h.Tool.Rights = nil
	h.Serve(t, over.call(), h.Post(storing("messaging", planted)))
	if !strings.Contains(dynamotest.Dump(t, db, stack.Records("messaging")), apitest.Number) || h.Logs.Len() == 0 {
		t.Error("there was nothing to look through")
	}
	h.NoLeak(t, []string{token}, dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds), stack.Table(names.TableRuns)))
}
