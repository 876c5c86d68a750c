package scope_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/scope"
)

func TestParse(t *testing.T) {
	for _, s := range []string{"acme", "acme/newsletter", "a", "a-1/b-2", "*", strings.Repeat("a", 64)} {
		if got, err := scope.Parse(s); err != nil || string(got) != s {
			t.Errorf("Parse(%q) = %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "/", "acme/", "/news", "acme/news/daily", "Acme", "1acme", "-acme", "acme ", "acme/*", "**", "acme_no", "æ", "acme\n", strings.Repeat("a", 65)} {
		if got, err := scope.Parse(s); !errors.Is(err, scope.ErrInvalid) || got != "" {
			t.Errorf("Parse(%q) = %q, %v", s, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("acme/newsletter")
	f.Add("*")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := scope.Parse(text)
		if err != nil {
			return
		}
		if string(s) != text || !s.Covers(s) || !s.Brand().Covers(s) || !scope.Everywhere.Covers(s) {
			t.Fatalf("%q is %q", text, s)
		}
		if s.Topic() != "" && string(s.Brand())+"/"+s.Topic() != text {
			t.Fatalf("%q has brand %q and topic %q", text, s.Brand(), s.Topic())
		}
	})
}

func TestWhatAScopeCovers(t *testing.T) {
	all := []scope.Scope{"*", "acme", "acme/news", "acme/offers", "acme-2", "globex"}
	got := map[scope.Scope][]scope.Scope{}
	for _, s := range all {
		for _, other := range all {
			if s.Covers(other) {
				got[s] = append(got[s], other)
			}
		}
	}
	want := map[scope.Scope][]scope.Scope{
		"*":           all,
		"acme":        {"acme", "acme/news", "acme/offers"},
		"acme/news":   {"acme/news"},
		"acme/offers": {"acme/offers"},
		"acme-2":      {"acme-2"},
		"globex":      {"globex"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
