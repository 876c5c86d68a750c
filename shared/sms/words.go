// Package sms is what a person is told by SMS, in each language. It promises
// that a text never advertises anything.
package sms

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/sms/keyword"
)

// Text is one SMS.
type Text struct {
	From string // a brand's own number, E.164
	To   contact.Contact
	Body string
}

// Words are the texts of the answers in one language: one file in text/, named by
// the language. {brand} and {contact} are placeholders.
type Words map[keyword.Answer]string

// Say returns the text of an answer, "" for silence.
func (w Words) Say(a keyword.Answer) string {
	if a == keyword.Unmatched {
		a = keyword.Helped
	}
	return w[a]
}

//go:embed text/*.json
var files embed.FS

// Languages are the texts by language.
type Languages map[string]Words

// Load reads every language.
func Load() (Languages, error) {
	all := Languages{}
	for _, language := range scope.Languages() {
		content, err := files.ReadFile("text/" + language + ".json")
		if err == nil {
			all[language], err = parse(content)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the texts of %s: %w", language, err)
		}
	}
	return all, nil
}

// parse refuses a text that is missing or unknown, or has an unknown placeholder.
func parse(content []byte) (Words, error) {
	var given Words
	if err := json.Unmarshal(content, &given); err != nil {
		return nil, err
	}
	unknown := given.with("", "")
	for _, answer := range []keyword.Answer{keyword.Stopped, keyword.Started, keyword.StillStopped, keyword.Helped} {
		if text := unknown[answer]; text == "" || strings.ContainsAny(text, "{}") {
			return nil, fmt.Errorf("%s is missing or has an unknown placeholder", answer)
		}
		delete(unknown, answer)
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("nothing says %v", slices.Collect(maps.Keys(unknown)))
	}
	return given, nil
}

// For returns the texts of a brand, in the brand's language.
func (l Languages) For(brand scope.Entry) Words {
	words, ok := l[brand.Language]
	if !ok {
		words = l[scope.DefaultLanguage]
	}
	return words.with(brand.DisplayName(brand.Language), brand.Contact)
}

func (w Words) with(brand, address string) Words {
	fill, filled := strings.NewReplacer("{brand}", brand, "{contact}", address), Words{}
	for answer, text := range w {
		filled[answer] = fill.Replace(text)
	}
	return filled
}
