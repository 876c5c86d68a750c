package contact

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPlainDomainsAreWhatTheirMappingIs(t *testing.T) {
	parts := []string{"a", "Z", "0", "9", "xn", ".", "-", "--", "example", "NO", "K", "_", "ß", "\u212a", "{"}
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		domain := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 8).Draw(t, "parts"), "")
		got, ok := plainDomain(domain)
		if !ok {
			return
		}
		plain++
		if want, err := mappedDomain(domain); err != nil || got != want {
			t.Fatalf("%q is plain, and mapped to %q, error %v", domain, want, err)
		}
	})
	if _, ok := plainDomain("mail.Example-shop.no"); !ok || plain == 0 {
		t.Error("no domain is plain")
	}
}
