package link

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Blocks that only a holder of the keys could make, and Mint never does.
func TestUnmintableSMSBlockIsForged(t *testing.T) {
	pack := func(version, scope, number uint64) uint64 {
		return version<<62 | scope<<50 | number
	}
	if got, err := unpack(0, pack(1, 7, 4791234567)); err != nil || got.ScopeID != 7 || got.Contact.Address() != "+4791234567" {
		t.Fatalf("a good block gave scope %d, %v", got.ScopeID, err)
	}
	tests := map[string]struct{ seal, packed uint64 }{
		"the lowest bit of the seal":  {1, pack(1, 7, 4791234567)},
		"the highest bit of the seal": {1 << 63, pack(1, 7, 4791234567)},
		"version 0":                   {0, pack(0, 7, 4791234567)},
		"version 2":                   {0, pack(2, 7, 4791234567)},
		"version 3":                   {0, pack(3, 7, 4791234567)},
		"scope 0":                     {0, pack(1, 0, 4791234567)},
		"number 0":                    {0, pack(1, 7, 0)},
		"a number of two digits":      {0, pack(1, 7, 47)},
		"a number of 16 digits":       {0, pack(1, 7, 1_000_000_000_000_000)},
		"the highest number":          {0, pack(1, 7, 1<<50-1)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := unpack(test.seal, test.packed); !errors.Is(err, ErrForged) || got != (Target{}) {
				t.Errorf("opened to scope %d: %v", got.ScopeID, err)
			}
		})
	}
}

func TestBase62AgreesWithArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		high, low := rapid.Uint64().Draw(t, "high"), rapid.Uint64().Draw(t, "low")
		s := string(appendBase62(nil, high, low))
		gotHigh, gotLow, ok := parseBase62(s)
		if len(s) != 22 || !ok || gotHigh != high || gotLow != low {
			t.Errorf("%x %x is %q is %x %x, %v", high, low, s, gotHigh, gotLow, ok)
		}
		number := new(big.Int)
		for _, c := range []byte(s) {
			number.Mul(number, big.NewInt(62)).Add(number, big.NewInt(int64(strings.IndexByte(base62Alphabet, c))))
		}
		want := new(big.Int).Lsh(new(big.Int).SetUint64(high), 64)
		want.Or(want, new(big.Int).SetUint64(low))
		if number.Cmp(want) != 0 {
			t.Errorf("%q is %s, want %s", s, number, want)
		}
	})
}

func TestBase62RefusesTooLargeNumbers(t *testing.T) {
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	write := func(n *big.Int) string {
		var s string
		n, rest := new(big.Int).Set(n), new(big.Int)
		for range 22 {
			n.DivMod(n, big.NewInt(62), rest)
			s = string(base62Alphabet[rest.Int64()]) + s
		}
		return s
	}
	last := write(new(big.Int).Sub(limit, big.NewInt(1)))
	if high, low, ok := parseBase62(last); !ok || high != 1<<64-1 || low != 1<<64-1 {
		t.Errorf("2^128-1 gave %x %x %v", high, low, ok)
	}
	for name, s := range map[string]string{
		"2^128":              write(limit),
		"2^128 + 61":         write(new(big.Int).Add(limit, big.NewInt(61))),
		"the highest number": strings.Repeat("z", 22),
		"nothing":            "",
		"a digit short":      last[1:],
		"a digit more":       "0" + last,
		"a hyphen":           last[:21] + "-",
		"a space":            " " + last[1:],
		"an @":               last[:21] + "@",
		"a bracket":          last[:21] + "[",
		"a brace":            last[:21] + "{",
		"a colon":            last[:21] + ":",
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, ok := parseBase62(s); ok {
				t.Error("accepted")
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`[0-9A-Za-z]{22}`).Draw(t, "digits")
		number := new(big.Int)
		for _, c := range []byte(s) {
			number.Mul(number, big.NewInt(62)).Add(number, big.NewInt(int64(strings.IndexByte(base62Alphabet, c))))
		}
		if _, _, ok := parseBase62(s); ok != (number.Cmp(limit) < 0) {
			t.Errorf("%q accepted: %v", s, ok)
		}
	})
}
