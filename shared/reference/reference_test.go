package reference_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"stille/shared/reference"
)

func TestOnlyReferencesPass(t *testing.T) {
	good := []string{"a", "case:2026/11-22_a.b", strings.Repeat("x", 64), "stille_" + strings.Repeat("x", 39)}
	bad := []string{"", strings.Repeat("x", 65), "two words", "a@b", "+47", "ø", "a\n", "#1", "stille_" + strings.Repeat("x", 40)}
	for _, s := range slices.Concat(good, bad) {
		if err := reference.Check(s); (err == nil) != slices.Contains(good, s) || err != nil && !errors.Is(err, reference.ErrInvalid) {
			t.Errorf("%q: error %v", s, err)
		}
	}
}
