package certificate_test

import (
	"errors"
	"testing"

	"stille/shared/certificate"
)

func TestCountsOfShardsAddUp(t *testing.T) {
	one := certificate.Counts{Due: 1, Deleted: 2, Held: 3, Changed: 4, Failed: 5, Left: 6}
	more := certificate.Counts{Due: 10, Deleted: 20, Held: 30, Changed: 40, Failed: 50, Left: 60}
	if got, want := one.Plus(more), (certificate.Counts{Due: 11, Deleted: 22, Held: 33, Changed: 44, Failed: 55, Left: 66}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	few, many := certificate.Objects{Count: 1, Versions: 20}, certificate.Objects{Count: 3, Versions: 4}
	if got, want := few.Plus(many), (certificate.Objects{Count: 4, Versions: 24}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := few.Most(many), (certificate.Objects{Count: 3, Versions: 20}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestOnlyACompletedRunMustAddUp(t *testing.T) {
	a := newAuthority(t)
	for outcome, want := range map[certificate.Outcome]error{
		certificate.Completed: certificate.ErrInvalid, certificate.Halted: nil, certificate.Stopped: nil, certificate.Failed: nil,
	} {
		c := certificate.Certificate{Outcome: outcome, Counts: certificate.Counts{Due: 1}}
		if _, err := certificate.Seal(c, a.sign); !errors.Is(err, want) {
			t.Errorf("%s: %v", outcome, err)
		}
	}
}

func TestASignatureAloneIsVerified(t *testing.T) {
	a, b := newAuthority(t), newAuthority(t)
	signed, err := certificate.Seal(certificate.Certificate{}, a.sign)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint, err := certificate.Fingerprint(a.public)
	if err != nil {
		t.Fatal(err)
	}
	other, err := certificate.Fingerprint(b.public)
	if err != nil {
		t.Fatal(err)
	}
	bundle := certificate.Bundle{Signed: signed, PublicKey: a.public, Keys: [][]byte{b.public}}
	for _, trusted := range [][]string{nil, {fingerprint}, {other, fingerprint}} {
		if got, err := bundle.VerifySignature(trusted...); got != fingerprint || err != nil {
			t.Errorf("trusting %d keys: %q, error %v", len(trusted), got, err)
		}
	}
	changed := certificate.Signed{JSON: append([]byte(" "), signed.JSON...), Signature: signed.Signature}
	for name, c := range map[string]struct {
		bundle  certificate.Bundle
		trusted []string
	}{
		"another key is trusted": {bundle, []string{other}},
		"a changed byte":         {certificate.Bundle{Signed: changed, PublicKey: a.public}, nil},
		"an invalid key":         {certificate.Bundle{Signed: signed, PublicKey: a.public, Keys: [][]byte{[]byte("none")}}, nil},
		"a trusted key is none":  {certificate.Bundle{Signed: signed, PublicKey: []byte("none")}, []string{fingerprint}},
	} {
		if got, err := c.bundle.VerifySignature(c.trusted...); got != "" || !errors.Is(err, certificate.ErrInvalid) {
			t.Errorf("%s: %q, error %v", name, got, err)
		}
	}
}

func TestAnotherKeyThanTheNamedOneSignsNothing(t *testing.T) {
	a, b := newAuthority(t), newAuthority(t)
	named, err := certificate.Fingerprint(a.public)
	if err != nil {
		t.Fatal(err)
	}
	for signer, want := range map[*authority]error{&a: nil, &b: certificate.ErrInvalid} {
		signed, err := certificate.Seal(certificate.Certificate{Fingerprint: named}, signer.sign)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := certificate.Verify(signed, nil, a.public, b.public); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}
