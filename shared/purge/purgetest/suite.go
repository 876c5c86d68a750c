package purgetest

import (
	"errors"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
)

// Pages returns the pages of a manifest, up to the first error.
func Pages(each iter.Seq2[purge.Page, error]) ([]purge.Page, error) {
	var all []purge.Page
	for page, err := range each {
		if err != nil {
			return all, err
		}
		all = append(all, page)
	}
	return all, nil
}

// Manifest checks that a purge.Manifest keeps its promises. The manifest must
// not already hold a run of the given name.
func Manifest(t *testing.T, m purge.Manifest, run string) {
	t.Helper()
	begin := func(shard string, ids ...string) string {
		page, err := m.Begin(t.Context(), "messaging", run, shard, ids)
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	first := begin("00", "a", "b")
	second := begin("00", "a", "b")
	begin("01", "c")
	if first == second {
		t.Fatal("two pages of the same ids are one")
	}
	objects := map[string]certificate.Objects{"b": {Count: 1, Versions: 3}}
	if err := m.NoteObjects(t.Context(), second, objects); err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]purge.Outcome{"a": purge.Gone, "b": purge.Held}
	if err := m.Finish(t.Context(), second, outcomes); err != nil {
		t.Fatal(err)
	}
	got, err := Pages(m.Pages(t.Context(), "messaging", run, "00"))
	if err != nil {
		t.Fatal(err)
	}
	want := []purge.Page{{IDs: []string{"a", "b"}}, {IDs: []string{"a", "b"}, Objects: objects, Outcomes: outcomes}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages, the page that was cut off first (-want +got):\n%s", diff)
	}
	for _, other := range [][3]string{{"messaging", run, "02"}, {"messaging", run + "x", "00"}, {"contact", run, "00"}} {
		if got, err := Pages(m.Pages(t.Context(), other[0], other[1], other[2])); err != nil || len(got) != 0 {
			t.Errorf("pages of %v: %d, error %v", other, len(got), err)
		}
	}
	opened := func(want bool) {
		t.Helper()
		if got, err := m.Opened(t.Context(), "messaging", run); got != want || err != nil {
			t.Errorf("opened %v, want %v, error %v", got, want, err)
		}
	}
	opened(false)
	if err := m.Open(t.Context(), "messaging", run); err != nil {
		t.Fatal(err)
	}
	opened(true)
	is := func(of string) func(string) (bool, error) {
		return func(id string) (bool, error) { return id == of, nil }
	}
	pages := func(run, shard string, want int) {
		t.Helper()
		if got, err := Pages(m.Pages(t.Context(), "messaging", run, shard)); err != nil || len(got) != want {
			t.Errorf("%d pages of %s, want %d, error %v", len(got), run, want, err)
		}
	}
	if _, err := m.Begin(t.Context(), "messaging", run+"x", "00", []string{"d"}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time pages of a function that lives on
		if err := m.Remove(t.Context(), "messaging", is(run)); err != nil {
			t.Fatal(err)
		}
		opened(false)
		pages(run, "00", 0)
		begin("00", "a")
	}
	pages(run+"x", "00", 1)
	unknown := errors.New("unknown")
	if err := m.Remove(t.Context(), "messaging", func(string) (bool, error) { return true, unknown }); !errors.Is(err, unknown) {
		t.Errorf("error %v", err)
	}
	pages(run, "00", 1)
	for _, left := range []string{run, run + "x"} {
		if err := m.Remove(t.Context(), "messaging", is(left)); err != nil {
			t.Fatal(err)
		}
		pages(left, "00", 0)
	}
}
