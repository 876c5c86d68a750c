package keyword

import (
	_ "embed" // for the phrases
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

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
	"meld slet ikke inte send skicka keine nicht"

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
