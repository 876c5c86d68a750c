package contact

import (
	"strings"
	"unicode"

	"stille/shared/contact/numbering"
)

// maxDigits is the length of an international number by ITU-T E.164.
const maxDigits = 15

// nowhere is the region of a number that says its own country.
const nowhere = "ZZ"

// normalisePhone returns the number in E.164. It keeps what parses even if it
// is in no plan: numbering plans change, an opt-out stays.
//
// Parsing gets + and digits only. What it would have to guess from anything else
// (letters as vanity numbers, an extension, the first of two numbers) is
// refused here; separators, and characters that cannot be seen, say nothing in
// a number and are dropped.
func normalisePhone(s, region string) (string, error) {
	if region != "" && !twoLetters(region) {
		return "", invalid("the region is not two letters")
	}
	s, err := dialled(s)
	if err != nil {
		return "", err
	}
	if rest, found := strings.CutPrefix(s, "00"); found {
		s = "+" + rest
	}
	switch {
	case strings.HasPrefix(s, "+"):
		region = nowhere
	case region == "":
		return "", invalid("a number without + or 00 needs a region")
	}
	return settled(s, strings.ToUpper(region))
}

// settled parses until the number stays what it is. Parsing strips a
// national prefix once a call, and what is left may begin with one again: the
// same number would otherwise have two contacts.
func settled(s, region string) (string, error) {
	const enough = 20 // more than digits: each round but the last drops one
	for range enough {
		number, err := numbering.Parse(s, region)
		if err != nil {
			return "", invalid("not a phone number, or not one of that region")
		}
		next := number.AppendE164(make([]byte, 0, enough))
		if string(next) == s {
			if !phoneShaped(s) {
				return "", invalid("more than 15 digits, or too few")
			}
			return s, nil
		}
		s, region = string(next), nowhere
	}
	return "", invalid("a number that reads differently each time")
}

// dialled reduces a number to what one dials: digits, behind a + where there
// was one.
func dialled(s string) (string, error) {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range strings.TrimFunc(s, blank) {
		digit, isDigit := digitOf(r)
		switch {
		case isDigit:
			b.WriteByte(digit)
		case (r == '+' || r == '＋') && b.Len() == 0:
			b.WriteByte('+')
		case separates(r) || invisible(r):
		case unicode.IsLetter(r):
			return "", invalid("a letter in the number")
		default:
			return "", invalid("a character that is no part of one phone number")
		}
	}
	return b.String(), nil
}

// digitOf reads the digits that libphonenumber reads: ASCII, full-width,
// Arabic-Indic and Extended Arabic-Indic.
func digitOf(r rune) (byte, bool) {
	for _, zero := range []rune{'0', '\uff10', '\u0660', '\u06f0'} {
		if r >= zero && r <= zero+9 {
			return '0' + byte(r-zero), true
		}
	}
	return 0, false
}

// separates reports libphonenumber's punctuation but x and ~, which announce
// an extension.
func separates(r rune) bool {
	return unicode.In(r, unicode.Zs, unicode.Pd) || strings.ContainsRune("()[]./（）［］．／−ー", r)
}

func twoLetters(s string) bool {
	return len(s) == 2 && !strings.ContainsFunc(s, func(r rune) bool {
		return r < 'A' || r > 'Z' && r < 'a' || r > 'z'
	})
}
