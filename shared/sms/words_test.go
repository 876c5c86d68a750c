package sms

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"stille/shared/scope"
	"stille/shared/sms/keyword"
)

func load(t *testing.T) Languages {
	t.Helper()
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTextsNameTheBrandAndTheNextStep(t *testing.T) {
	for language, w := range load(t) {
		for name, check := range map[string]struct {
			text string
			says []string
		}{
			"stopped":       {w[keyword.Stopped], []string{"{brand}", "START"}},
			"started":       {w[keyword.Started], []string{"{brand}", "STOP"}},
			"still-stopped": {w[keyword.StillStopped], []string{"{brand}", "{contact}"}},
			"help":          {w[keyword.Helped], []string{"{brand}", "STOP", "{contact}"}},
		} {
			for _, says := range check.says {
				if strings.Count(check.text, says) != 1 {
					t.Errorf("%s, %s: says %s %d times", language, name, says, strings.Count(check.text, says))
				}
			}
		}
	}
}

// gsm7 are the characters of which an SMS takes 160 (3GPP TS 23.038).
const gsm7 = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

// parts is how many SMS a text takes.
func parts(text string) int {
	length, one, each := len([]rune(text)), 160, 153
	if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(gsm7, r) }) {
		length, one, each = len(utf16.Encode([]rune(text))), 70, 67
	}
	if length <= one {
		return 1
	}
	return (length + each - 1) / each
}

func TestATextFitsOneSms(t *testing.T) {
	brand := scope.Entry{Name: map[string]string{"en": strings.Repeat("B", 24)}, Contact: strings.Repeat("c", 40)}
	acme := scope.Entry{Name: map[string]string{"en": "Acme"}, Contact: "privacy@acme.example"}
	all := load(t)
	for _, brand.Language = range scope.Languages() {
		of, most := brand, 1
		if brand.Language == "lt" { // letters that take two octets
			of, most = acme, 2
			of.Language = "lt"
		}
		w := all.For(of)
		for _, text := range w {
			if n := parts(text); n > most {
				t.Errorf("%s: %d SMS: %s", brand.Language, n, text)
			}
		}
	}
}

func TestATextHasTheBrandsNameAndContact(t *testing.T) {
	all := load(t)
	acme := scope.Entry{Name: map[string]string{"en": "Acme", "nb": "Akme"}, Contact: "privacy@acme.example", Language: "nb"}
	want := "Akme sender meldinger fra dette nummeret. Svar STOP for å stoppe reklame på SMS. Kontakt: privacy@acme.example"
	if diff := cmp.Diff(want, all.For(acme)[keyword.Helped]); diff != "" {
		t.Errorf("in Norwegian (-want +got)\n%s", diff)
	}
	acme.Language = "fr"
	if got := all.For(acme)[keyword.Started]; !strings.HasPrefix(got, "Acme: You may get") {
		t.Errorf("in a language that we lack: %s", got)
	}
}

func TestAnIncompleteLanguageIsRefused(t *testing.T) {
	for _, c := range []struct{ name, content, says string }{
		{"no JSON", `{`, "JSON"},
		{"a text that is missing", `{"stopped":"a","started":"b","help":"c"}`, "still-stopped"},
		{"a text nobody uses", `{"stopped":"a","started":"b","still-stopped":"c","help":"d","hello":"e"}`, "hello"},
		{"a placeholder nobody fills in", `{"stopped":"{brnad}","started":"b","still-stopped":"c","help":"d"}`, "stopped"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parse([]byte(c.content)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("want an error about %s, got %v", c.says, err)
			}
		})
	}
}
