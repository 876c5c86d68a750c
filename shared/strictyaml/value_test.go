package strictyaml_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/strictyaml"
)

func TestEveryValueHasItsLineAndPath(t *testing.T) {
	got := strictyaml.Values([]byte(`
list:
  - a: " one "
    b: {c: 111122223333}
  - a: >-
      two
      three
flow: [x, y]
on: true
`))
	want := []strictyaml.Value{
		{3, []string{"list", "a"}, "one"},
		{4, []string{"list", "b", "c"}, "111122223333"},
		{5, []string{"list", "a"}, "two three"},
		{8, []string{"flow"}, "x"},
		{8, []string{"flow"}, "y"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := strictyaml.Values([]byte("a: [")); got != nil {
		t.Errorf("of a file that cannot be read: %v", got)
	}
}

func TestNamesComeInTheOrderOfTheFile(t *testing.T) {
	if diff := cmp.Diff([]string{"z", "a", "m"}, strictyaml.Parse([]byte("z: 1\na: 2\nm: 3\n")).Top().Names()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNumberOrAWord(t *testing.T) {
	doc := strictyaml.Parse([]byte("a: 7\nb: none\nc: some\nd: 9\n"))
	top := doc.Top()
	got := []uint64{top.WholeOr("a", "none", 1, 8), top.WholeOr("b", "none", 1, 8), top.WholeOr("c", "none", 1, 8), top.WholeOr("d", "none", 1, 8)}
	if diff := cmp.Diff([]uint64{7, 0, 0, 0}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want := strictyaml.Mistakes{{3, "c: must be a whole number from 1 to 8, or none"}, {4, "d: must be a whole number from 1 to 8, or none"}}
	if diff := cmp.Diff(want, mistakes(t, doc.Err())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
