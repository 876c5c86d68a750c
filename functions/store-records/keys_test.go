package main

import (
	"net/http"
	"slices"
	"testing"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/api/apitest"
	"stille/shared/contact"
)

// What is known of a contact under an older key (a hold, an opt-out) is to be
// found from the record, too.
func TestARecordKeepsEveryLiveKey(t *testing.T) {
	h := apitest.New(t)
	manager := keyset.NewManager()
	for range 2 {
		id, err := manager.Add(prf.HMACSHA256PRFKeyTemplate())
		if err != nil {
			t.Fatal(err)
		}
		if err := manager.SetPrimary(id); err != nil {
			t.Fatal(err)
		}
	}
	handle, err := manager.Handle()
	if err != nil {
		t.Fatal(err)
	}
	if h.Contacts, err = contact.NewKeySet(handle); err != nil {
		t.Fatal(err)
	}
	kari, err := contact.Normalise(contact.Email, "kari@example.no", "")
	if err != nil {
		t.Fatal(err)
	}
	want, err := h.Contacts.Keys(kari)
	if err != nil {
		t.Fatal(err)
	}
	tables := &memory{}
	resp := h.Serve(t, newHandler(h, tables).call(), h.Post(storing("messaging", consent())))
	if resp.StatusCode != http.StatusOK || !slices.Equal(want, tables.last.Subjects()) {
		t.Errorf("status %d, and it keeps %d of %d keys", resp.StatusCode, len(tables.last.Subjects()), len(want))
	}
}
