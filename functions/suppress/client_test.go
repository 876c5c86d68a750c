package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	client "stille/shared/sdk/go"
	"stille/shared/suppression/suppressiontest"
)

func TestTheGoClientSuppresses(t *testing.T) {
	h, list := apitest.New(t), &suppressiontest.List{}
	api := h.Client(t, newHandler(h, list).call())
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	key := string(h.Key(t, contact.Email, "kari@example.no"))
	for _, added := range []bool{true, false} {
		got, err := api.Suppress(t.Context(), client.OptOut{Scope: "acme", Reason: "objection", At: at, Note: "ticket-81", Contacts: []client.Contact{
			{Channel: client.Email, Address: "kari@example.no"}, {Channel: client.Email, Address: "kari@"},
		}})
		if err != nil {
			t.Fatal(err)
		}
		want := []client.Suppressed{{Added: added, Suppressed: true, Key: key}, {Reason: "invalid-address"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	if c := list.Changes()[0]; !c.At.Equal(at) || c.Reason != "objection" || c.Note != "ticket-81" || c.Scope != "acme" {
		t.Errorf("the change: %+v", c)
	}
}
