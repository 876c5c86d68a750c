package pages

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestEveryLanguageSaysEverything(t *testing.T) {
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, one := range all {
		tags = append(tags, one.Tag.String())
	}
	if diff := cmp.Diff([]string{"en", "nb"}, tags); diff != "" {
		t.Error(diff)
	}
}

func TestEveryLanguageNamesTheSameThings(t *testing.T) {
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	named := func(of texts) map[string][]string {
		found := map[string][]string{}
		eachText(reflect.ValueOf(of), func(name, value string) {
			placeholders := regexp.MustCompile(`{[a-z]+}`).FindAllString(value, -1)
			slices.Sort(placeholders)
			if name != "language" {
				found[name] = slices.Compact(placeholders)
			}
		})
		return found
	}
	for _, other := range all[1:] {
		if diff := cmp.Diff(named(all[0]), named(other), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: %s", other.Tag, diff)
		}
	}
}

func TestAnIncompleteLanguageIsRefused(t *testing.T) {
	content, err := textFiles.ReadFile(english)
	if err != nil {
		t.Fatal(err)
	}
	good := string(content)
	cases := []struct{ name, tag, content, says string }{
		{"a text that is empty", "en", strings.Replace(good, `"undoButton": "Undo"`, `"undoButton": ""`, 1), "undoButton"},
		{"a text that is missing", "en", strings.Replace(good, `"undoButton": "Undo",`, "", 1), "undoButton"},
		{"a text nobody uses", "en", strings.Replace(good, `"undoButton"`, `"undoKnob": "", "undoButton"`, 1), "undoKnob"},
		{"a placeholder nobody fills in", "en", strings.Replace(good, `Stop marketing by SMS from {brand}`, `{brnad}`, 1), "sms.brand.askTitle"},
		{"a file named for no language", "x!", good, "language"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parseTexts(c.tag, []byte(c.content)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want an error about %s, got %v", c.says, err)
			}
		})
	}
}
