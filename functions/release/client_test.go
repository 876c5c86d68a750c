package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	client "stille/shared/sdk/go"
	"stille/shared/suppression"
)

func TestTheGoClientReleases(t *testing.T) {
	h := apitest.New(t)
	mail, number := h.Key(t, contact.Email, "kari@example.no"), h.Key(t, contact.SMS, "+4791234567")
	list := optedOut(mail, suppression.Unsubscribed)
	api := h.Client(t, newHandler(h, list).call())
	for range 2 { // the answer to the first may have been lost
		got, err := api.Release(t.Context(), client.Consent{
			Scope: "acme", ConsentedAt: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Evidence: "form/4711",
			Contacts: []client.Contact{{Channel: client.Email, Address: "kari@example.no"}, {Channel: client.SMS, Address: "+4791234567"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		want := []client.Lifted{{Released: true, Key: string(mail)}, {Reason: "not-suppressed", Key: string(number)}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}
