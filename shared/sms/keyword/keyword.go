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
	Stop   Verdict = "stop"   // it is a word that opts out
	Start  Verdict = "start"  // it is a word that lifts an opt-out
	Help   Verdict = "help"   // it is a word that asks who this is
	Review Verdict = "review" // it asks for silence in other words: it counts as an opt-out, for somebody to look at
	Ignore Verdict = "ignore" // it is none of this system's business
)

// Read reads a reply. Case, punctuation, emoji, characters that cannot be seen
// and polite words do not matter; nor, in a word that opts out, how often a
// letter is drawn out ("stoppp") or where it is broken up ("opt-out",
// "S T O P").
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
	case "help", "info", "hjelp":
		return Help
	}
	return Ignore
}

// longest is how long a word that opts out may be. Twice that is looked at of
// words that might be one broken up: letters may be drawn out in it, too.
const longest = len("avregistrera")

// optsOut tells whether a word, or several without what was between them, is
// one of those that opt out: those of the FCC (47 CFR 64.1200(a)(10)), of the
// carriers, and of the languages that we send in.
func optsOut(word string) bool {
	for _, w := range []string{word, shortened(word, 2), shortened(word, 1)} {
		switch w {
		case "stop", "quit", "end", "revoke", "optout", "cancel", "unsubscribe", "stopall", "unsub", "remove", "td",
			"stopp", "avslutt", "avmeld", "meldav", "slutt", // Norwegian
			"avregistrera",      // Swedish
			"afmeld", "frameld", // Danish
			"lopeta",              // Finnish
			"abmelden",            // German
			"atsisakyti",          // Lithuanian
			"arret", "arr\u00eat": // French
			return true
		}
	}
	return false
}

// optOut looks for words that opt out, also broken up: whether there are any,
// and whether they are all that is said.
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

// shortened leaves n of a letter that stands there three times or more in a
// row, which no language does by itself.
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

// hasMistyped looks for a mistyped keyword, or one of look-alikes. A short
// keyword that lacks a letter is another word in most texts: it counts if the
// text has no other word.
func hasMistyped(all []word, alone bool) bool {
	const long = 6
	before := ""
	for _, spelt := range pieces(all) {
		seen := latinised(unaccented(spelt))
		if seen != spelt && optsOut(seen) || isPair(before+seen) {
			return true
		}
		before = seen
		for _, keyword := range []string{
			"stop", "stopp", "quit", "cancel", "remove", "revoke", "optout", "unsubscribe", "avslutt", "avmeld", "slutt",
			"avregistrera", "afmeld", "frameld", "lopeta", "abmelden", "atsisakyti",
		} {
			if mistyped(seen, keyword) && (alone || len(seen) >= len(keyword) || len(keyword) >= long && seen != "avslut") {
				return true
			}
		}
	}
	return false
}

// isPair tells whether two words are a keyword of two, perhaps mistyped.
func isPair(both string) bool {
	for _, keyword := range []string{"meldav", "optout"} {
		if both == keyword || mistyped(both, keyword) {
			return true
		}
	}
	return false
}
