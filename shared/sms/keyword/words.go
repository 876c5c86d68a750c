package keyword

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"stille/shared/contact"
)

// word is a run of characters of one kind. It is glued if nothing stands between
// it and the word before.
type word struct {
	text  string
	kind  kind
	glued bool
}

// words are the words of a text, each in one spelling: compatible characters
// (full-width letters, combining accents) and cases become one, invisible
// characters are left out. Words end at every other character, and where Latin
// letters, other letters and digits meet: "stop2" and "stop谢谢" have a keyword.
func words(text string) []word {
	text = strings.ToValidUTF8(text, "\ufffd")
	text = norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
	var said []word
	last := separator
	for _, r := range text {
		if contact.Invisible(r) {
			continue
		}
		kind := kindOf(r)
		switch {
		case kind == separator:
		case kind == last:
			said[len(said)-1].text += string(r)
		default:
			said = append(said, word{string(r), kind, last != separator})
		}
		last = kind
	}
	return said
}

func written(said []word) []string {
	texts := make([]string, len(said))
	for i, w := range said {
		texts[i] = w.text
	}
	return texts
}

// pieces are the words as they were written, of whatever kinds.
func pieces(said []word) []string {
	var all []string
	for _, w := range said {
		if w.glued {
			all[len(all)-1] += w.text
			continue
		}
		all = append(all, w.text)
	}
	return all
}

// kind is the kind of a character.
type kind int

const (
	separator kind = iota
	latin
	letter // of another script
	digit
	sign // that says stop
)

func kindOf(r rune) kind {
	switch {
	case unicode.IsNumber(r):
		return digit
	case unicode.Is(unicode.Latin, r):
		return latin
	case unicode.IsLetter(r):
		return letter
	case strings.ContainsRune("🛑⛔🚫🔕📵✋🙅❌🖕", r):
		return sign
	}
	return separator
}

func isSign(w word) bool { return w.kind == sign }
