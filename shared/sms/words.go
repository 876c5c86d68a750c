// Package sms is what a person is told by SMS, in each language. It promises
// that a text never advertises anything.
package sms

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
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

// Words are the texts in one language: one file in text/, named by the language.
// {brand} and {contact} are placeholders.
type Words struct {
	Stopped      string `json:"stopped"`
	Started      string `json:"started"`
	StillStopped string `json:"stillStopped"` // START lifted what it may, and something else still stands
	Help         string `json:"help"`
}

// Say returns the text of an answer, "" for silence.
func (w Words) Say(a keyword.Answer) string {
	switch a {
	case keyword.Stopped:
		return w.Stopped
	case keyword.Started:
		return w.Started
	case keyword.StillStopped:
		return w.StillStopped
	case keyword.Helped, keyword.Unmatched:
		return w.Help
	case keyword.Silence:
	}
	return ""
}

//go:embed text/*.json
var files embed.FS

// Languages are the texts by language.
type Languages map[string]Words

// Load reads every language.
func Load() (Languages, error) {
	listed, err := files.ReadDir("text")
	if err != nil {
		return nil, fmt.Errorf("listing the languages of texts: %w", err)
	}
	all := Languages{}
	for _, f := range listed {
		content, err := files.ReadFile("text/" + f.Name())
		if err != nil {
			return nil, fmt.Errorf("reading texts: %w", err)
		}
		words, err := parse(content)
		if err != nil {
			return nil, fmt.Errorf("reading text/%s: %w", f.Name(), err)
		}
		all[strings.TrimSuffix(f.Name(), path.Ext(f.Name()))] = words
	}
	return all, nil
}

// parse refuses a text that is missing or unknown, or has an unknown placeholder.
func parse(content []byte) (Words, error) {
	var w Words
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return Words{}, err
	}
	filled := w.with("", "")
	for name, text := range map[string]string{"stopped": filled.Stopped, "started": filled.Started, "stillStopped": filled.StillStopped, "help": filled.Help} {
		if text == "" || strings.ContainsAny(text, "{}") {
			return Words{}, fmt.Errorf("%s is missing or has an unknown placeholder", name)
		}
	}
	return w, nil
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
	fill := strings.NewReplacer("{brand}", brand, "{contact}", address).Replace
	return Words{fill(w.Stopped), fill(w.Started), fill(w.StillStopped), fill(w.Help)}
}
