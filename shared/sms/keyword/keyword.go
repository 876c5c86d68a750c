// Package keyword reads what a person writes back to a marketing SMS: does it
// opt out, lift an opt-out, or ask for help? It is pure. It promises that doubt
// means silence: nothing but the bare word lifts an opt-out or asks for help,
// and a text that has a keyword which opts out, a mistyped keyword, or a phrase
// that asks for silence is never passed over.
package keyword

import (
	"slices"
	"strings"
)

// Verdict is what a reply does.
type Verdict string

// The verdicts there are.
const (
	Stop   Verdict = "stop"   // a keyword that opts out
	Start  Verdict = "start"  // a keyword that lifts an opt-out
	Help   Verdict = "help"   // a keyword that asks who writes
	Review Verdict = "review" // asks for silence in other words: it counts as an opt-out, for somebody to look at
	Ignore Verdict = "ignore" // none of these
)

// Read reads a reply. Case, punctuation, emoji, invisible characters and polite
// words do not matter. A keyword that opts out may have a letter drawn out
// ("stoppp") and may be broken up ("opt-out", "S T O P").
func Read(text string) Verdict {
	all := words(text)
	said := withoutPoliteness(all)
	switch somewhere, alone := optOut(said); {
	case alone:
		return Stop
	case somewhere || hasMistyped(all, len(said) == 1) || asksForSilence(said) || len(said) == 0 && slices.ContainsFunc(all, isSign):
		return Review
	}
	switch strings.Join(written(said), " ") {
	case "start", "unstop":
		return Start
	case "help", "info", "hjelp", "hjälp", "hjælp", "apua", "hilfe", "pagalba":
		return Help
	}
	return Ignore
}

// keywords opt out: those of the FCC (47 CFR 64.1200(a)(10)), of AWS and the
// carriers, and of the languages that messages are sent in.
func keywords() []string {
	return []string{
		"stop", "quit", "end", "revoke", "optout", "cancel", "unsubscribe", "stopall", "unsub", "remove", "td",
		"stopp", "avslutt", "avmeld", "meldav", "slutt", // Norwegian
		"avregistrera",      // Swedish
		"afmeld", "frameld", // Danish
		"lopeta",     // Finnish
		"abmelden",   // German
		"atsisakyti", // Lithuanian
		french, "arr\u00eat",
	}
}

// french without a letter is the Norwegian word for "the year".
const french = "arret"

// longest is the length of the longest keyword. optOut joins words up to twice
// that length: letters of a keyword may be drawn out.
const longest = len("avregistrera")

// optsOut tells whether a word, or several joined, is a keyword, maybe repeated.
func optsOut(word string) bool {
	two, one := shortened(word, 2), shortened(word, 1)
	return slices.ContainsFunc(keywords(), func(known string) bool {
		return two == known || one == known || strings.HasPrefix(word, known) && strings.ReplaceAll(word, known, "") == ""
	})
}

// optOut looks for keywords, whole or broken up. somewhere: the text has a
// keyword. alone: the text is a keyword.
func optOut(said []word) (somewhere, alone bool) {
	for first := range said {
		run := ""
		for i, w := range said[first:] {
			if run += w.text; optsOut(run) {
				somewhere = true
				alone = alone || i == len(said)-1
			}
			if len(run) > 2*longest {
				break
			}
		}
	}
	return somewhere, alone
}

// shortened leaves n of a letter that stands three times or more in a row: no
// language has three.
func shortened(word string, n int) string {
	var b strings.Builder
	letters := []rune(word)
	for i := 0; i < len(letters); {
		end := i + 1
		for end < len(letters) && letters[end] == letters[i] {
			end++
		}
		count := end - i
		if count > 2 {
			count = n
		}
		for range count {
			b.WriteRune(letters[i])
		}
		i = end
	}
	return b.String()
}

// withoutPoliteness leaves out thanks, pleas and stop signs.
func withoutPoliteness(said []word) []word {
	rest := make([]word, 0, len(said))
	for i := 0; i < len(said); i++ {
		switch said[i].text {
		case "takk", "tack", "tak", "thanks", "thx", "please", "pls", "plz", "vennligst", "venligst", "nå", "now", "kiitos", "danke", "bitte", "ačiū", "prašau":
			continue
		case "thank":
			if i+1 < len(said) && said[i+1].text == "you" {
				i++
				continue
			}
		}
		if !isSign(said[i]) {
			rest = append(rest, said[i])
		}
	}
	return rest
}

// hasMistyped looks for a mistyped keyword, or a keyword of look-alikes. A short
// keyword that lacks a letter is another word in most texts: it counts if the
// text has no other word.
func hasMistyped(all []word, alone bool) bool {
	const short, long = 4, 6
	before := ""
	for _, spelt := range pieces(all) {
		seen := latinised(unaccented(spelt))
		if seen != spelt && optsOut(seen) || isPair(before+seen) {
			return true
		}
		before = seen
		for _, keyword := range keywords() {
			if len(keyword) >= short && unaccented(keyword) != french && mistyped(seen, keyword) && (alone || len(seen) >= len(keyword) || len(keyword) >= long && seen != "avslut") {
				return true
			}
		}
	}
	return false
}

// isPair tells whether two words are a keyword of two, perhaps mistyped.
func isPair(both string) bool {
	return slices.ContainsFunc([]string{"meldav", "optout"}, func(keyword string) bool { return both == keyword || mistyped(both, keyword) })
}
