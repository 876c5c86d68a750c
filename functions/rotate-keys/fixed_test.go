package main

import (
	"encoding/json"
	"errors"
	"testing"

	"stille/shared/aws/keyring"
)

func TestListKeysListsAndChangesNothing(t *testing.T) {
	w := begun(t)
	h := w.handler()
	h.fixed = true
	for _, payload := range []string{
		rotateLink, rotateContact, `{"destroy":{"set":"contact","id":"0a1b2c3d"}}`, `{"RequestType":"Create"}`, `{"list":true,"rotate":"link"}`,
	} {
		if got, err := h.serve(t.Context(), json.RawMessage(payload)); !errors.Is(err, errOrder) || got != nil {
			t.Errorf("%s: it answers %v, error %v", payload, got, err)
		}
	}
	if len(w.writes) != 0 {
		t.Errorf("it writes %v", w.writes)
	}
	for _, payload := range []string{`{"list":true}`, `{"config":true}`} {
		got, err := h.serve(t.Context(), json.RawMessage(payload))
		if listing, ok := got.(keyring.Listing); err != nil || ok && len(listing.Sets) != 4 {
			t.Errorf("%s: it answers %v, error %v", payload, got, err)
		}
	}
}
