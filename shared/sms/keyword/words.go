package keyword

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// words are the words of a text, in one spelling each: compatible characters
// are one (full-width letters, accents written by themselves), and so are the
// cases; what cannot be seen is left out. Whatever is no letter or digit
// separates, as does the change between Latin letters, others and digits:
// "stop2" and "stop谢谢" have a word that opts out.
func words(text string) []string {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
	var said []string
	var word strings.Builder
	last := separator
	for _, r := range text {
		if unseen(r) {
			continue
		}
		kind := kindOf(r)
		if kind != last && word.Len() > 0 {
			said = append(said, word.String())
			word.Reset()
		}
		if kind != separator {
			word.WriteRune(r)
		}
		last = kind
	}
	if word.Len() > 0 {
		said = append(said, word.String())
	}
	return said
}

// kind is what a character is to a word.
type kind int

const (
	separator kind = iota
	latin
	letter // of another script
	digit
)

func kindOf(r rune) kind {
	switch {
	case unicode.IsNumber(r):
		return digit
	case unicode.Is(unicode.Latin, r):
		return latin
	case unicode.IsLetter(r):
		return letter
	}
	return separator
}

// unseen reports what Unicode calls default ignorable, and the other format
// characters.
func unseen(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
