// Package language chooses one of the languages of scope.Languages for a reader.
// It promises that a wish which cannot be read discards itself alone, and that
// a language is understood in every form in which systems keep it: no, NB,
// en_US, da_DK.UTF-8.
package language

import (
	"strings"
	"sync"

	"golang.org/x/text/language"

	"stille/shared/scope"
)

var matcher = sync.OnceValue(func() language.Matcher { //nolint:gochecknoglobals // a constant, made when first needed
	var ours []language.Tag
	for _, l := range scope.Languages() {
		ours = append(ours, language.Make(l))
	}
	return language.NewMatcher(ours)
})

// Best returns the language of ours that fits the wishes best: Accept-Language,
// or one language. It is empty where none fits.
func Best(wishes string) string {
	if wishes == "" {
		return ""
	}
	_, i, confidence := matcher().Match(read(wishes)...)
	if confidence == language.No {
		return ""
	}
	return scope.Languages()[i]
}

// read lists the languages of Accept-Language, the most wanted first.
func read(wishes string) []language.Tag {
	var readable []string
	for element := range strings.SplitSeq(strings.ToLower(wishes), ",") {
		name, weight, _ := strings.Cut(element, ";")
		if end := strings.IndexAny(name, ".@"); end >= 0 { // a charset or variant of POSIX
			name = name[:end]
		}
		element = name + ";" + weight
		if tags, weights, err := language.ParseAcceptLanguage(element); err == nil && len(tags) == 1 && weights[0] > 0 { // or no number
			readable = append(readable, element)
		}
	}
	tags, _, _ := language.ParseAcceptLanguage(strings.Join(readable, ","))
	return tags
}
