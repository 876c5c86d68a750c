package keyword

import (
	_ "embed" // for the phrases
	"regexp"
	"slices"
	"strings"
	"sync"
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

//go:embed phrases.txt
var phrases string

// patterns are the rules of phrases.txt by their marks, made when they are first
// needed: most replies are a keyword.
var patterns = sync.OnceValue(func() (p struct{ asks, doubts, tells *regexp.Regexp }) { //nolint:gochecknoglobals // a constant
	p.asks, p.doubts, p.tells = regexp.MustCompile(rules(phrases, ">")), regexp.MustCompile(rules(phrases, "?")), regexp.MustCompile(rules(phrases, "!"))
	return p
})

// asksForSilence tells whether somebody who says the words wants no messages.
func asksForSilence(said []word) bool {
	text, is := unaccented(strings.Join(written(said), " ")), patterns()
	return slices.ContainsFunc([]string{text, corrected(text)}, func(text string) bool {
		return is.asks.MatchString(text) || is.doubts.MatchString(text) && !is.tells.MatchString(text)
	})
}

// stems are words of the rules that people mistype.
const stems = "stoppe stopper stoppa stoppen stoppi slutte sluta avslutte avsluta avmelding avmeldt avbestill avbestille avregistrert avanmal " +
	"avprenumerera afmelding afmeldt framelding fjern fjerne slett slette radera abmeldung abbestellen aufhoren loschen kundigen entfernen " +
	"peruuta lopettakaa lopettaa poista poistakaa atsisakau nebesiuskite nesiuskite nustokite stabdyti istrinkite pasalinkite unsubscribed cancelled " +
	"meld slet ikke inte send skicka keine nicht " +
	"meldinger meldingene beskeder meddelanden messages nachrichten reklame werbung interessert interested interesseret intresserad interessiert"

// corrected returns a text with its mistyped stems in their right spelling. A short
// word that lacks a letter is another word in most texts.
func corrected(text string) string {
	const short, long = 5, 8
	words := strings.Fields(text)
	for i, w := range words {
		for stem := range strings.FieldsSeq(stems) {
			if mistyped(w, stem) && (len(w) >= len(stem) || len(stem) >= long || len(words) == 1 && len(stem) > short) {
				words[i] = stem
			}
		}
	}
	return strings.Join(words, " ")
}

// rules makes one pattern of the rules that have the mark.
func rules(file, mark string) string {
	var named []string
	var all []string
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		if name, words, found := strings.Cut(line, " = "); found {
			named = append(named, "{"+name+"}", "(?:"+words+")")
			continue
		}
		if rule, found := strings.CutPrefix(line, mark+" "); found {
			all = append(all, strings.ReplaceAll(strings.ReplaceAll(rule, " __ ", ` (?:\pL+ ){0,6}`), " _ ", ` (?:\pL+ ){0,3}`))
		}
	}
	pattern := strings.NewReplacer(named...).Replace(strings.Join(all, "|"))
	return `(?:^|\s)(?:` + strings.ReplaceAll(pattern, "*", `\pL*`) + `)(?:\s|$)`
}

// unaccented writes words without accents, as many people do.
func unaccented(text string) string {
	text = strings.NewReplacer("ø", "o", "æ", "ae").Replace(text)
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(text))
}

// lookAlikes are digits and letters of other scripts, each before the letter
// that it looks like.
const lookAlikes = "0o1l3e4a5sаaеeоoрpсcѕsтtуyхxіiкkмm" + "οoτtρpαaεeιiσsυuκkνv" + "ꜱsᴛtᴏoᴘpᴇeɴnᴅd"

// latinised replaces look-alikes.
func latinised(word string) string {
	return strings.Map(func(r rune) rune {
		letters := []rune(lookAlikes)
		for i := 0; i < len(letters); i += 2 {
			if letters[i] == r {
				return letters[i+1]
			}
		}
		return r
	}, word)
}

// mistyped tells whether a word is a keyword with two letters swapped, one
// doubled or one left out, and never one replaced: a shop is no stop. The first
// letter is never left out: topp is praise. A keyword of ten letters and more has no
// neighbours: any letter may be replaced, added or left out.
func mistyped(word, keyword string) bool {
	const withoutNeighbours = 10
	w, k := []rune(word), []rune(keyword)
	alone := len(k) >= withoutNeighbours
	same := 0
	for same < len(w) && same < len(k) && w[same] == k[same] {
		same++
	}
	switch rest := string(k[same:]); len(w) - len(k) {
	case 0:
		return len(k) > same+1 && string(w[same:]) == string(k[same+1])+string(k[same])+string(k[same+2:]) ||
			alone && len(k) > same && string(w[same+1:]) == string(k[same+1:])
	case 1:
		return (alone || same > 0 && w[same] == w[same-1]) && string(w[same+1:]) == rest
	case -1:
		return (alone || same > 0) && string(w[same:]) == rest[len(string(k[same])):]
	}
	return false
}
