//go:build store

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

func TestAddedOptOutIsStoredWithItsEntry(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	var contacts []string
	for n := range 40 {
		contacts = append(contacts, fmt.Sprintf(`{"channel":"email","address":"kari.%d@example.no"}`, n))
	}
	resp := h.Serve(t, newHandler(h, list).call(), h.Post(`{"scope":"acme","reason":"objection","contacts":[`+strings.Join(contacts, ",")+`]}`))
	for n, r := range apitest.Body[response](t, resp, http.StatusOK).Results {
		if !r.Added || r.Key != h.Key(t, contact.Email, fmt.Sprintf("kari.%d@example.no", n)) {
			t.Fatalf("contact %d: added %v, or another's key", n, r.Added)
		}
		item, err := list.Get(t.Context(), []contact.Key{r.Key})
		if err != nil {
			t.Fatal(err)
		}
		if d := suppression.Decide(item, suppression.Marketing, "acme"); d.Send || d.Reason != suppression.Objection {
			t.Errorf("contact %d: %+v", n, d)
		}
		history, err := list.History(t.Context(), r.Key)
		if err != nil || len(history) != 1 || ledger.Verify(history, item.Head) != nil {
			t.Errorf("contact %d: %d entries, error %v", n, len(history), err)
		}
	}
}

func TestARepeatedContactIsAddedOnce(t *testing.T) {
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t)
	resp := h.Serve(t, newHandler(h, dynamo.NewSuppressions(db, stack)).call(),
		h.Post(`{"scope":"acme","reason":"stop","contacts":[`+email+`,`+email+`,`+email+`]}`))
	added := 0
	for _, r := range apitest.Body[response](t, resp, http.StatusOK).Results {
		if r.Added {
			added++
		}
	}
	if diff := cmp.Diff(1, added); diff != "" {
		t.Errorf("how often it was added (-want +got):\n%s", diff)
	}
}

func TestSuppressingLeavesNobodyBehind(t *testing.T) {
	const planted = `{"channel":"email","address":"` + apitest.Address + `"},{"channel":"sms","address":"` + apitest.Number + `"}`
	h := apitest.New(t)
	db, stack := dynamotest.Tables(t)
	over := newHandler(h, dynamo.NewSuppressions(db, stack))
	token := h.Token(t, contact.SMS, apitest.Number)
	for _, body := range []string{
		`{"scope":"acme","reason":"stop","contacts":[` + planted + `]}`,
		`{"scope":"acme","reason":"stop","contacts":[` + planted + `],"note":"` + apitest.Number + `"}`,
		`{"scope":"acme","reason":"stop","contacts":[` + planted + `],"note":"` + apitest.Address + `"}`,
		`{"scope":"` + apitest.Address + `","reason":"` + apitest.Number + `","contacts":[` + planted + `],"at":"` + apitest.Address + `"}`,
		`{"scope":"acme","reason":"stop","contacts":[{"channel":"email","address":"` + token + `"},{"channel":"sms","address":"` + apitest.Address + `"}]}`,
		`{"scope":"acme","contacts":["` + apitest.Address + `"`,
	} {
		h.Serve(t, over.call(), h.Post(body))
	}
	dead := dynamotest.Intercept(db, func(string) error { return errDown })
	h.Serve(t, newHandler(h, dynamo.NewSuppressions(dead, stack)).call(), h.Post(`{"scope":"acme","reason":"stop","contacts":[`+planted+`]}`))
	dump := dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds), stack.Table(names.TableRuns))
	if strings.Count(dump, string(h.Key(t, contact.Email, apitest.Address))) != 2 || h.Logs.Len() == 0 {
		t.Error("there was nothing to look through")
	}
	h.NoLeak(t, []string{token}, dump)
}
