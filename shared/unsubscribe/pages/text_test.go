package pages

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/scope"
)

func TestEveryLanguageSaysEverything(t *testing.T) {
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, one := range all {
		tags = append(tags, one.Tag)
	}
	slices.Sort(tags)
	if diff := cmp.Diff(slices.Sorted(slices.Values(scope.Languages())), tags); diff != "" {
		t.Error(diff)
	}
}

func TestNoLanguageIsEnglishInDisguise(t *testing.T) {
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	english := map[string]string{}
	eachText(reflect.ValueOf(all[0]), func(name, value string) { english[name] = value })
	for _, other := range all[1:] {
		eachText(reflect.ValueOf(other), func(name, value string) {
			if value == english[name] {
				t.Errorf("%s: %s is as in English", other.Tag, name)
			}
		})
	}
}

func TestNoTextBeginsWithATopic(t *testing.T) {
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		eachText(reflect.ValueOf(one), func(name, value string) {
			if strings.HasPrefix(value, "{topic}") {
				t.Errorf("%s: %s begins with a name that may be in lower case", one.Tag, name)
			}
		})
	}
}

func TestNynorskHasNoWordsOfBokmaal(t *testing.T) {
	all, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	nn := all[slices.IndexFunc(all, func(one texts) bool { return one.Tag == "nn" })]
	foreign := regexp.MustCompile(`(?i)(^|\P{L})(ikke|fra|en|et|mer|noe|hvis|nå|meldinger|e-postadressen|lenken|timer|ble|fortsatt|virker|mangler|trenger|tjeneste|gjelder|åpne|bare|annen|stopper|stoppet)(\P{L}|$)`)
	eachText(reflect.ValueOf(nn), func(name, value string) {
		if found := foreign.FindString(value); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	})
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
