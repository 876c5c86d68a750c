package link_test

import (
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/link"
)

func TestOldLinksOpenAfterRotations(t *testing.T) {
	s := newSets(t)
	old := s.keys(t)
	s.grow(t)
	s.grow(t)
	grown := s.keys(t)
	rapid.Check(t, func(t *rapid.T) {
		want := drawTarget(t)
		ch := want.Contact.Channel()
		oldToken, newToken := mint(t, old, want), mint(t, grown, want)
		if oldToken == newToken {
			t.Error("the newest key does not mint")
		}
		for _, token := range []string{oldToken, newToken} {
			if got, err := grown.Open(ch, token); err != nil || got != want {
				t.Errorf("the grown set opened scope %d: %v", got.ScopeID, err)
			}
		}
		if _, err := old.Open(ch, newToken); !errors.Is(err, link.ErrUnknownKey) || !errors.Is(err, link.ErrForged) {
			t.Errorf("a token of a newer key: %v, want ErrUnknownKey", err)
		}
	})
}

func TestAnotherStacksTokenIsForged(t *testing.T) {
	ours, theirs := newSets(t).keys(t), newSets(t).keys(t)
	rapid.Check(t, func(t *rapid.T) {
		mustBeForged(t, ours, mint(t, theirs, drawTarget(t)))
	})
}

func TestDisabledKeyKeepsItsPlaceAndOpensNothing(t *testing.T) {
	s := sets{email: keyset.NewManager(), sms: keyset.NewManager()}
	firstEmail := addKey(t, s.email, daead.AESSIVKeyTemplate())
	firstSMS := addKey(t, s.sms, prf.HMACSHA256PRFKeyTemplate())
	want := []link.Target{target(t, 1, contact.Email, "kari@example.no"), target(t, 1, contact.SMS, "+4791234567")}
	old := s.keys(t)
	s.grow(t)
	second := s.keys(t)
	if err := errors.Join(s.email.Disable(firstEmail), s.sms.Disable(firstSMS)); err != nil {
		t.Fatal(err)
	}
	after := s.keys(t)
	for _, w := range want {
		ch := w.Contact.Channel()
		if _, err := after.Open(ch, mint(t, old, w)); !errors.Is(err, link.ErrUnknownKey) {
			t.Errorf("%s under the disabled key: %v, want ErrUnknownKey", ch, err)
		}
		if got, err := after.Open(ch, mint(t, second, w)); err != nil || got != w {
			t.Errorf("%s under the key behind it: %v", ch, err)
		}
	}
}

func TestKeySetsOfTheWrongKindAreRefused(t *testing.T) {
	set := func(templates ...*tinkpb.KeyTemplate) *keyset.Handle {
		m := keyset.NewManager()
		for _, template := range templates {
			addKey(t, m, template)
		}
		return mustHandle(t, m)
	}
	raw := daead.AESSIVKeyTemplate()
	raw.OutputPrefixType = tinkpb.OutputPrefixType_RAW
	many := make([]*tinkpb.KeyTemplate, 63)
	for i := range many {
		many[i] = prf.HMACSHA256PRFKeyTemplate()
	}
	email, sms := set(daead.AESSIVKeyTemplate()), set(prf.HMACSHA256PRFKeyTemplate())
	tests := map[string]struct{ email, sms *keyset.Handle }{
		"the sets swapped":         {sms, email},
		"no e-mail keys":           {nil, sms},
		"no SMS keys":              {email, nil},
		"an e-mail key unprefixed": {set(raw), sms},
		"a PRF too short":          {email, set(prf.AESCMACPRFKeyTemplate())},
		"more keys than names":     {email, set(many...)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if k, err := link.NewKeys(test.email, test.sms); err == nil || k != nil {
				t.Error("the key sets were accepted")
			}
		})
	}
	if _, err := link.NewKeys(email, set(many[:62]...)); err != nil {
		t.Errorf("62 keys: %v", err)
	}
}
