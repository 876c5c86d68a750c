//go:build store

package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/suppression"
)

// onTheStore is the handler over real tables, which were written with the
// house's keys.
func onTheStore(t *testing.T, h *apitest.House) (handler, func(contact.Key, map[string]any), func() string) {
	t.Helper()
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	canaries, err := h.Contacts.Canaries()
	if err != nil {
		t.Fatal(err)
	}
	if err := list.PutCanaries(t.Context(), canaries); err != nil {
		t.Fatal(err)
	}
	for ch, address := range map[contact.Channel]string{contact.Email: apitest.Address, contact.SMS: apitest.Number} {
		change := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Stop, At: h.Now, Source: suppression.SourceTool}
		if _, err := list.Apply(t.Context(), contact.Known{Channel: ch, Keys: []contact.Key{h.Key(t, ch, address)}}, change, h.Now); err != nil {
			t.Fatal(err)
		}
	}
	put := func(key contact.Key, item map[string]any) {
		item["key"] = string(key)
		dynamotest.Put(t, db, stack.Table(names.TableSuppressions), item)
	}
	dump := func() string {
		return dynamotest.Dump(t, db, stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds), stack.Table(names.TableRuns))
	}
	return handler{keys: keyring.NewRing(h, stack, list, time.Now), checker: suppression.Checker{List: list}, scopes: h.Scopes, now: func() time.Time { return h.Now }, log: h.Log}, put, dump
}

const planted = `{"channel":"email","address":"` + apitest.Address + `"},{"channel":"sms","address":"` + apitest.Number + `"}`

func TestACheckReadsTheTable(t *testing.T) {
	h := apitest.New(t)
	over, put, _ := onTheStore(t, h)
	broken := h.Key(t, contact.Email, "ola@example.no")
	put(broken, map[string]any{"marks": "none"})
	resp := h.Serve(t, over.call(), h.Post(asking("acme", "", planted+`,{"channel":"email","address":"ola@example.no"},`+email)))
	want := []result{
		{Reason: "stop", Scope: "acme", Since: h.Now, Key: h.Key(t, contact.Email, apitest.Address)},
		{Reason: "stop", Scope: "acme", Since: h.Now, Key: h.Key(t, contact.SMS, apitest.Number)},
		{Reason: "unreadable", Key: broken},
		{Send: true, Key: h.Key(t, contact.Email, "kari@example.no")},
	}
	if diff := cmp.Diff(want, apitest.Body[response](t, resp, http.StatusOK).Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	alone := h.Serve(t, over.call(), h.Post(asking("acme", "", `{"channel":"email","address":"ola@example.no"}`)))
	if diff := cmp.Diff(want[2:3], apitest.Body[response](t, alone, http.StatusOK).Results); diff != "" {
		t.Errorf("the same alone (-want +got):\n%s", diff)
	}
}

func TestAThousandContactsAreReadFromTheTable(t *testing.T) {
	h := apitest.New(t)
	over, _, _ := onTheStore(t, h)
	var contacts strings.Builder
	for n := range 998 {
		fmt.Fprintf(&contacts, `{"channel":"email","address":"kari.%d@example.no"},`, n)
	}
	resp := h.Serve(t, over.call(), h.Post(asking("acme", "", contacts.String()+planted)))
	var stopped []int
	for i, r := range apitest.Body[response](t, resp, http.StatusOK).Results {
		if !r.Send {
			stopped = append(stopped, i)
		}
	}
	if diff := cmp.Diff([]int{998, 999}, stopped); diff != "" {
		t.Errorf("who is not sent to (-want +got):\n%s", diff)
	}
}

func TestKeysOfAnotherTableAnswerNobody(t *testing.T) {
	h := apitest.New(t)
	over, _, _ := onTheStore(t, h)
	stranger := apitest.New(t)
	over.keys = keyring.NewRing(stranger, "stille", over.checker.List.(*dynamo.Suppressions), time.Now)
	resp := h.Serve(t, over.call(), h.Post(asking("acme", "", planted)))
	if resp.StatusCode != http.StatusServiceUnavailable || strings.Contains(resp.Body, "send") {
		t.Errorf("status %d: %s", resp.StatusCode, resp.Body)
	}
}

func TestACheckLeavesNobodyBehind(t *testing.T) {
	h := apitest.New(t)
	over, put, dump := onTheStore(t, h)
	put(h.Key(t, contact.Email, "ola@example.no"), map[string]any{"marks": 1})
	token := h.Token(t, contact.Email, apitest.Address)
	for _, body := range []string{
		asking("acme", "", planted+`,{"channel":"email","address":"ola@example.no"}`),
		asking(apitest.Address, "", planted),
		asking("acme", apitest.Number, planted),
		asking("acme", "", `{"channel":"`+apitest.Address+`","address":"x"}`),
		asking("acme", "", `{"channel":"email","address":"`+token+`"}`),
		`{"scope":"` + apitest.Address + `","contacts":"` + apitest.Number + `"}`,
		`{"contacts":[` + planted,
		apitest.Address,
	} {
		h.Serve(t, over.call(), h.Post(body))
	}
	h.Tool.Rights = nil
	h.Serve(t, over.call(), h.Post(asking("acme", "", planted)))
	req := h.Post(asking("acme", "", planted))
	req.Headers["authorization"] = "Bearer " + apitest.Address
	h.Serve(t, over.call(), req)
	h.ToolsErr = errDown
	h.Serve(t, over.call(), h.Post(asking("acme", "", planted)))
	h.NoLeak(t, []string{token}, dump())
	if !strings.Contains(dump(), string(h.Key(t, contact.Email, apitest.Address))) || h.Logs.Len() == 0 {
		t.Error("there was nothing to look through")
	}
}
