package strictyaml_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/strictyaml"
)

func mistakes(t *testing.T, err error) strictyaml.Mistakes {
	t.Helper()
	var all strictyaml.Mistakes
	if err != nil && !errors.As(err, &all) {
		t.Fatal(err)
	}
	return all
}

func TestEveryKindOfField(t *testing.T) {
	doc := strictyaml.Parse([]byte(`
text: " trimmed "
folded: >-
  one
  two
number: 7
on: true
texts: [a, "b"]
list:
  - x: 1
  - {x: 2}
inside:
  y: z
`))
	top := doc.Top()
	var xs []uint64
	for _, f := range top.List("list") {
		xs = append(xs, f.Whole("x", 1, 2))
	}
	got := []any{
		top.Text("text"), top.Text("folded"), top.Whole("number", 0, 7), top.Flag("on"), top.Flag("off"),
		top.Texts("texts"), xs, top.Mapping("inside").Text("y"), top.Has("text"), top.Has("off"),
		top.Optional().Text("none"), top.Optional().Whole("none", 1, 2), len(top.Optional().Texts("none")), top.Optional().Mapping("none").Text("y"),
		top.Optional().Text("text"), top.Matching("text", regexp.MustCompile("^[a-z]+$"), "must be lower case"),
	}
	want := []any{"trimmed", "one two", uint64(7), true, false, []string{"a", "b"}, []uint64{1, 2}, "z", true, false, "", uint64(0), 0, "", "trimmed", "trimmed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := doc.Err(); err != nil {
		t.Errorf("mistakes: %v", err)
	}
}

func TestEveryKindOfMistakeHasItsLine(t *testing.T) {
	doc := strictyaml.Parse([]byte(`text: 1
number: seven
negative: -1
large: 8
flag: "yes"
texts: [a, 1]
empty: []
list:
  - x: 1
    z: 2
  - text
inside:
  - y
alias: *anchor
tagged: !!str x
null:
7: x
text: again
unknown: 1
nothing:
blank: "  "
word: small
`))
	top := doc.Top()
	top.Text("text")
	for _, field := range []string{"number", "negative", "large"} {
		top.Whole(field, 0, 7)
	}
	top.Flag("flag")
	top.Texts("texts")
	top.Texts("empty")
	for _, f := range top.List("list") {
		f.Whole("x", 1, 1)
		f.Text("y")
		f.Wrong("x", "is %d", 1)
		f.Wrong("y", "is what?")
	}
	top.Mapping("inside").Text("silent, since inside is a mistake already")
	for _, field := range []string{"alias", "tagged", "nothing", "absent"} {
		top.Text(field)
	}
	top.Optional().Text("blank")
	capital := regexp.MustCompile("^[A-Z]+$")
	top.Matching("word", capital, "must be in capitals")
	want := strictyaml.Mistakes{
		{1, "absent is missing"},
		{1, "text: must be text: write it in quotation marks"},
		{2, "number: must be a whole number from 0 to 7"},
		{3, "negative: must be a whole number from 0 to 7"},
		{4, "large: must be a whole number from 0 to 7"},
		{5, "flag: must be true or false"},
		{6, "texts: must be a list of texts"},
		{7, "empty: must be a list that is not empty"},
		{9, "x: is 1"},
		{9, "y is missing"},
		{9, "y: is what?"},
		{10, "z is not a field here"},
		{11, "must be a mapping, field: value"},
		{12, "must be a mapping, field: value"},
		{14, "alias: must be text: write it out, without an anchor, an alias or a tag"},
		{15, "tagged: must be text: write it out, without an anchor, an alias or a tag"},
		{16, "a field's name must be plain text"},
		{17, "a field's name must be plain text"},
		{18, "text is here twice, first on line 1"},
		{19, "unknown is not a field here"},
		{20, "nothing: must be text"},
		{21, "blank: must be text"},
		{22, "word: must be in capitals"},
	}
	if diff := cmp.Diff(want, mistakes(t, doc.Err())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatCannotBeReadIsOneMistake(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want strictyaml.Mistakes
	}{
		"nothing":       {"", strictyaml.Mistakes{{1, "must be a mapping, field: value"}}},
		"only comments": {"# no\n", strictyaml.Mistakes{{1, "must be a mapping, field: value"}}},
		"a list":        {"- a\n", strictyaml.Mistakes{{1, "must be a mapping, field: value"}}},
		"two documents": {"a: b\n---\na: b\n", strictyaml.Mistakes{{1, "must hold one document"}}},
		"bad syntax":    {"a: b\nc: [d\n", strictyaml.Mistakes{{2, "sequence end token ']' not found"}}},
	} {
		t.Run(name, func(t *testing.T) {
			doc := strictyaml.Parse([]byte(c.data))
			doc.Top().Text("a")
			doc.Top().List("b")
			if diff := cmp.Diff(c.want, mistakes(t, doc.Err())); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTheErrorHasALineForEachMistake(t *testing.T) {
	doc := strictyaml.Parse([]byte("b: 1\na: 1\n"))
	if got, want := doc.Err().Error(), "line 1: b is not a field here\nline 2: a is not a field here"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := mistakes(t, doc.Err()).In("x.yaml").Error(), "x.yaml:1: b is not a field here\nx.yaml:2: a is not a field here"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := (strictyaml.Mistakes)(nil).In("x.yaml"); err != nil {
		t.Errorf("without mistakes: %v", err)
	}
}
