package certificate_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stille/shared/certificate"
)

// chain is three certificates of a class, the last one sealed with its list.
func chain(t *testing.T, a authority) ([]certificate.Signed, sealed) {
	t.Helper()
	var before []certificate.Signed
	previous := ""
	for n := range 3 {
		c := sample()
		c.Run, c.Previous = fmt.Sprintf("run-%d", n+1), previous
		sealed := seal(t, a, c, hmacs)
		if n == 2 {
			return before, sealed
		}
		before, previous = append(before, sealed.Signed), certificate.Hash(sealed.JSON)
	}
	return nil, sealed{}
}

// altered is a certificate with one change, signed again.
func altered(t *testing.T, a authority, of certificate.Signed, change func(*certificate.Certificate)) certificate.Signed {
	t.Helper()
	var c certificate.Certificate
	if err := json.Unmarshal(of.JSON, &c); err != nil {
		t.Fatal(err)
	}
	change(&c)
	return seal(t, a, c, hmacs).Signed
}

func TestWholeChainHolds(t *testing.T) {
	a := newAuthority(t)
	before, last := chain(t, a)
	if err := certificate.Chain(before, last.Signed, a.public); err != nil {
		t.Error(err)
	}
	if err := certificate.Chain(nil, before[0], a.public); err != nil {
		t.Errorf("the first alone: %v", err)
	}
	if end, err := certificate.End(append(before, last.Signed), a.public); err != nil || end != certificate.Hash(last.JSON) {
		t.Errorf("the chain from its first ends at %q, error %v", end, err)
	}
}

func TestTamperedChainIsInvalid(t *testing.T) {
	a := newAuthority(t)
	type links = []certificate.Signed
	for name, tamper := range map[string]func(before links, last certificate.Signed) (links, certificate.Signed){
		"the first is missing":       func(b links, l certificate.Signed) (links, certificate.Signed) { return b[1:], l },
		"one is missing":             func(b links, l certificate.Signed) (links, certificate.Signed) { return b[:1], l },
		"all are missing":            func(_ links, l certificate.Signed) (links, certificate.Signed) { return nil, l },
		"two are swapped":            func(b links, l certificate.Signed) (links, certificate.Signed) { return links{b[1], b[0]}, l },
		"one is there twice":         func(b links, l certificate.Signed) (links, certificate.Signed) { return links{b[0], b[1], b[1]}, l },
		"the last is not at the end": func(b links, l certificate.Signed) (links, certificate.Signed) { return links{b[0], l}, b[1] },
		"one has the signature of another": func(b links, l certificate.Signed) (links, certificate.Signed) {
			return links{{JSON: b[0].JSON, Signature: b[1].Signature}, b[1]}, l
		},
		"one was signed by another key": func(b links, l certificate.Signed) (links, certificate.Signed) {
			return links{altered(t, newAuthority(t), b[0], func(*certificate.Certificate) {}), b[1]}, l
		},
		"one has other counts, signed again": func(b links, l certificate.Signed) (links, certificate.Signed) {
			return links{b[0], altered(t, a, b[1], func(c *certificate.Certificate) { c.Counts.Held--; c.Counts.Due-- })}, l
		},
		"the first names a predecessor": func(b links, l certificate.Signed) (links, certificate.Signed) {
			return links{altered(t, a, b[0], func(c *certificate.Certificate) { c.Previous = strings.Repeat("0", 64) }), b[1]}, l
		},
		"the last names no predecessor": func(b links, l certificate.Signed) (links, certificate.Signed) {
			return b, altered(t, a, l, func(c *certificate.Certificate) { c.Previous = "" })
		},
		"the last is of another class": func(b links, l certificate.Signed) (links, certificate.Signed) {
			return b, altered(t, a, l, func(c *certificate.Certificate) { c.Class = "communication" })
		},
		"all before are of another class": func(_ links, l certificate.Signed) (links, certificate.Signed) {
			other := altered(t, a, l, func(c *certificate.Certificate) { c.Class, c.Run, c.Previous = "communication", "run-8", "" })
			next := func(c *certificate.Certificate) { c.Previous = certificate.Hash(other.JSON) }
			return links{other}, altered(t, a, l, next)
		},
		"a run is certified twice": func(b links, l certificate.Signed) (links, certificate.Signed) {
			return b, altered(t, a, l, func(c *certificate.Certificate) { c.Run = "run-1" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			before, last := chain(t, a)
			others, end := tamper(before, last.Signed)
			if err := certificate.Chain(others, end, a.public); !errors.Is(err, certificate.ErrInvalid) {
				t.Errorf("error %v, want ErrInvalid", err)
			}
		})
	}
}

func TestChainErrorNamesTheCertificate(t *testing.T) {
	a := newAuthority(t)
	before, last := chain(t, a)
	for name, test := range map[string]struct {
		before []certificate.Signed
		want   []string
	}{
		"the first is missing":  {before[1:], []string{"certificate 1 of", "not the first"}},
		"the second is missing": {before[:1], []string{"certificate 2 of", "before it"}},
	} {
		err := certificate.Chain(test.before, last.Signed, a.public)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q in it", name, err, want)
			}
		}
	}
}

// TestEveryFieldIsSigned changes each field of the JSON. The signature of the
// certificate then fails. If the changed certificate is signed again, the next
// certificate no longer follows it.
func TestEveryFieldIsSigned(t *testing.T) {
	a := newAuthority(t)
	var change func(path []int, name string, of reflect.Type)
	changed := 0
	change = func(path []int, name string, of reflect.Type) {
		if of.Kind() == reflect.Pointer {
			of = of.Elem()
		}
		if of.Kind() == reflect.Struct && of != reflect.TypeFor[time.Time]() {
			for field := range of.Fields() {
				change(append(slices.Clone(path), field.Index...), name+"."+field.Name, field.Type)
			}
			return
		}
		changed++
		t.Run(name, func(t *testing.T) {
			before, last := chain(t, a)
			var c certificate.Certificate
			if err := json.Unmarshal(before[1].JSON, &c); err != nil {
				t.Fatal(err)
			}
			alter(t, reflect.ValueOf(&c).Elem().FieldByIndex(path))
			encoded, err := json.MarshalIndent(c, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			other := certificate.Signed{JSON: append(encoded, '\n'), Signature: before[1].Signature}
			if slices.Equal(other.JSON, before[1].JSON) {
				t.Fatal("the JSON does not carry it")
			}
			if err := certificate.Chain([]certificate.Signed{before[0], other}, last.Signed, a.public); !errors.Is(err, certificate.ErrInvalid) {
				t.Errorf("changed: error %v, want ErrInvalid", err)
			}
			if other.Signature, err = a.sign(digest(other.JSON)); err != nil {
				t.Fatal(err)
			}
			if err := certificate.Chain([]certificate.Signed{before[0], other}, last.Signed, a.public); !errors.Is(err, certificate.ErrInvalid) {
				t.Errorf("signed again: error %v, want ErrInvalid", err)
			}
		})
	}
	change(nil, "certificate", reflect.TypeFor[certificate.Certificate]())
	if changed == 0 {
		t.Error("a certificate has no fields")
	}
}

// alter changes the value of a field.
func alter(t *testing.T, field reflect.Value) {
	t.Helper()
	switch {
	case field.Kind() == reflect.String:
		field.SetString(field.String() + "x")
	case field.Kind() == reflect.Int:
		field.SetInt(field.Int() + 1)
	case field.Kind() == reflect.Bool:
		field.SetBool(!field.Bool())
	case field.Type() == reflect.TypeFor[map[string]certificate.List]():
		field.Set(reflect.ValueOf(map[string]certificate.List{"08": {}}))
	case field.Type() == reflect.TypeFor[time.Time]():
		field.Set(reflect.ValueOf(field.Interface().(time.Time).Add(time.Second)))
	default:
		t.Fatalf("no other value of the type %v", field.Type())
	}
}

func TestFingerprintIsThatOfOpenSSL(t *testing.T) {
	a := newAuthority(t)
	got, err := certificate.Fingerprint(a.public)
	if err != nil {
		t.Fatal(err)
	}
	out := openSSL(t, map[string][]byte{"public-key.pem": a.public},
		"pkey", "-pubin", "-in", "public-key.pem", "-outform", "DER")
	if want := fmt.Sprintf("%x", digest(out)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if _, err := certificate.Fingerprint([]byte("not PEM")); !errors.Is(err, certificate.ErrInvalid) {
		t.Errorf("of no key: error %v", err)
	}
}
