//go:build store

package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

const planted = `{"channel":"email","address":"` + apitest.Address + `"},{"channel":"sms","address":"` + apitest.Number + `"}`

func onTheStore(h *apitest.House, list *dynamo.Suppressions) handler {
	return handler{keys: h, list: list, scopes: h.Scopes, now: func() time.Time { return h.Now }}
}

func TestAReleasedContactMaySendAndHasEntries(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	key := h.Key(t, contact.Email, "kari@example.no")
	for _, r := range []suppression.Reason{suppression.Unsubscribed, suppression.Erasure} {
		change := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: h.Now.Add(-48 * time.Hour), Source: suppression.SourceTool}
		if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, change, h.Now); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		resp := h.Serve(t, onTheStore(h, list).call(), h.Post(releasing("acme", "2026-11-21T08:00:00.123456789+01:00", email)))
		if got := apitest.Body[response](t, resp, http.StatusOK).Results[0]; !got.Released {
			t.Errorf("not released: %s", got.Reason)
		}
	}
	item, err := list.Get(t.Context(), []contact.Key{key})
	if err != nil || !suppression.Decide(item, suppression.Marketing, "acme").Send {
		t.Errorf("error %v; still suppressed", err)
	}
	history, err := list.History(t.Context(), key)
	if err != nil || len(history) != 4 || ledger.Verify(history, item.Head) != nil {
		t.Fatalf("%d entries, error %v", len(history), err)
	}
	for _, e := range history[2:] {
		if e.Action != ledger.Released || e.Source != "tool:crm" || e.Note != "form/4711" || e.Scope != "acme" {
			t.Errorf("entry %+v", e)
		}
	}
}

func TestReleasingLeavesNobodyBehind(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	key := h.Key(t, contact.Email, apitest.Address)
	change := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Stop, At: h.Now.Add(-48 * time.Hour), Source: suppression.SourceTool}
	if _, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, change, h.Now); err != nil {
		t.Fatal(err)
	}
	over := onTheStore(h, list)
	for _, body := range []string{
		releasing("acme", yesterday, planted),
		releasing(apitest.Address, apitest.Number, planted),
		strings.Replace(releasing("acme", yesterday, planted), "form/4711", apitest.Address, 1),
		releasing("acme", yesterday, planted)[1:],
	} {
		h.Serve(t, over.call(), h.Post(body))
	}
	h.Serve(t, over.call(), gateway.Request{Body: releasing("acme", yesterday, planted)})
	dead := dynamotest.Intercept(db, func(string) error { return errDown })
	h.Serve(t, onTheStore(h, dynamo.NewSuppressions(dead, stack)).call(), h.Post(releasing("acme", yesterday, planted)))
	dump := dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds), stack.Table(names.TableRuns))
	if !strings.Contains(dump, string(key)) || h.Logs.Len() == 0 {
		t.Error("there was nothing to look through")
	}
	h.NoLeak(t, []string{h.Token(t, contact.Email, apitest.Address)}, dump)
}
