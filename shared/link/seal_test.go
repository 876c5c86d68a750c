package link_test

import (
	"errors"
	"strings"
	"testing"

	"stille/shared/contact"
	"stille/shared/link"
)

func TestASealedContactIsNoToken(t *testing.T) {
	s := newSets(t)
	k := s.keys(t)
	for ch, address := range map[contact.Channel]string{contact.Email: "kari.nordmann@example.no", contact.SMS: "+4791234567"} {
		want := target(t, 1, ch, address)
		sealed, err := k.Seal(want.Contact)
		if err != nil || strings.Contains(sealed, address) {
			t.Fatalf("error %v", err)
		}
		if got, err := k.Unseal(sealed); err != nil || got != want.Contact {
			t.Errorf("%s: error %v", ch, err)
		}
		if _, err := k.Open(ch, sealed); !errors.Is(err, link.ErrForged) {
			t.Errorf("%s: a sealed contact opens a page", ch)
		}
		if _, err := k.Unseal(mint(t, k, target(t, 1, contact.Email, "kari.nordmann@example.no"))); !errors.Is(err, link.ErrForged) {
			t.Errorf("%s: a token is taken for a sealed contact", ch)
		}
		if _, err := newSets(t).keys(t).Unseal(sealed); !errors.Is(err, link.ErrUnknownKey) {
			t.Errorf("%s: under other keys: error %v", ch, err)
		}
		for _, bad := range []string{"", "AQ", sealed[1:], sealed + "A", "B" + sealed[1:], sealed[:len(sealed)-2] + "AA"} {
			if got, err := k.Unseal(bad); !errors.Is(err, link.ErrForged) || got != (contact.Contact{}) {
				t.Errorf("%s: error %v", ch, err)
			}
		}
	}
}
