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

// normalisePhone returns the number in E.164.
//
// The parser gets + and digits only. What a parser would have to guess (letters
// as vanity numbers, an extension, the first of two numbers) is refused here;
// separators and characters that cannot be seen mean nothing in a number and
// are dropped.
func normalisePhone(s, region string, anyLength bool) (string, error) {
	if err := CheckRegion(region); err != nil {
		return "", err
	}
	region = strings.ToUpper(region)
	s, err := withoutDecimals(unwrapped(s))
	if err != nil {
		return "", err
	}
	s, trunk, err := dialled(s)
	if err != nil {
		return "", err
	}
	if rest, found := strings.CutPrefix(s, "00"); found && !numbering.IsCallAbroad(s, region) {
		s, trunk = "+"+rest, trunk-1
	}
	switch {
	case strings.HasPrefix(s, "+"):
		region = nowhere
	case region == "":
		return "", invalid("a number without + or 00 needs a region")
	}
	if trunk >= 0 {
		s = numbering.WithoutTrunkZero(s, trunk, region)
	}
	return settled(s, region, anyLength)
}

// settled parses until the number stays the same. Parsing strips a national
// prefix once a call, and the rest may begin with a national prefix again: one
// number would otherwise have two contacts.
func settled(s, region string, anyLength bool) (string, error) {
	const enough = 20 // more than digits: each round but the last drops one
	for range enough {
		number, err := numbering.Parse(s, region)
		if err != nil {
			return "", invalid("not a phone number, or not one of that region")
		}
		if next := foldPhone(string(number.AppendE164(make([]byte, 0, enough)))); next != s {
			s, region = next, nowhere
			continue
		}
		switch {
		case !phoneShaped(s):
			return "", invalid("more than 15 digits, or too few")
		case !anyLength && !number.HasPossibleLength():
			return "", invalid("no number of that country has as many digits")
		}
		return s, nil
	}
	return "", invalid("a number that reads differently each time")
}

// foldPhone gives a mobile number of Mexico or Argentina one form. Both
// countries have two: Mexico's had a 1 behind the country code until 2019,
// Argentina's has a 9 when dialled from abroad. The result has the form in
// which a message arrives.
func foldPhone(s string) string {
	const behindCode = len("+52") + 10
	switch {
	case strings.HasPrefix(s, "+521") && len(s) == behindCode+1:
		return "+52" + s[len("+521"):]
	case strings.HasPrefix(s, "+54") && len(s) == behindCode && s[len("+54")] != '9':
		return "+549" + s[len("+54"):]
	}
	return s
}

// unwrapped drops what a spreadsheet, a list or a web page puts around a number: an
// apostrophe, the formula ="…", a comma, the scheme of a URI.
func unwrapped(s string) string {
	around := func(r rune) bool { return blank(r) || strings.ContainsRune("='\"`´‘’“”,;<>", r) }
	s = strings.TrimFunc(s, around)
	for _, scheme := range []string{"tel:", "sms:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			return strings.TrimFunc(s[len(scheme):], around)
		}
	}
	return s
}

// withoutDecimals drops the decimals of a number that a spreadsheet took for
// an amount: 91234567.0. Digits with one separator are an amount if few digits
// follow the separator, or if a whole number precedes it; other decimals than
// zeros are an error.
func withoutDecimals(s string) (string, error) {
	const mostDecimals, wholeNumber = 2, 8
	i := strings.IndexAny(s, ".,")
	if i < 0 {
		return s, nil
	}
	digits, decimals := strings.TrimPrefix(s[:i], "+"), s[i+1:]
	if digits == "" || decimals == "" || !numbering.IsDecimal(digits+decimals) || len(decimals) > mostDecimals && len(digits) < wholeNumber {
		return s, nil
	}
	if strings.Trim(decimals, "0") != "" {
		return "", invalid("a number with decimals")
	}
	return s[:i], nil
}

// dialled reduces a number to what a person dials: digits, behind a + where the
// number has one. trunk is the index of a zero that stands alone in brackets,
// -1 for none.
func dialled(s string) (number string, trunk int, err error) {
	var b strings.Builder
	b.Grow(len(s))
	open, trunk := -1, -1
	for _, r := range s {
		digit, isDigit := digitOf(r)
		switch {
		case isDigit:
			b.WriteByte(digit)
		case (r == '+' || r == '＋') && b.Len() == 0:
			b.WriteByte('+')
		case strings.ContainsRune("([（［", r):
			open = b.Len()
		case strings.ContainsRune(")]）］", r):
			if open >= 0 && trunk < 0 && b.String()[open:] == "0" {
				trunk = open
			}
			open = -1
		case separates(r) || Invisible(r):
		case unicode.IsLetter(r):
			return "", 0, invalid("a letter in the number")
		default:
			return "", 0, invalid("a character that is no part of one phone number")
		}
	}
	return b.String(), trunk, nil
}

// digitOf reads the digits of libphonenumber: ASCII, full-width, Arabic-Indic
// and Extended Arabic-Indic.
func digitOf(r rune) (byte, bool) {
	for _, zero := range []rune{'0', '\uff10', '\u0660', '\u06f0'} {
		if r >= zero && r <= zero+9 {
			return '0' + byte(r-zero), true
		}
	}
	return 0, false
}

// separates tells whether a character is punctuation to libphonenumber, except
// x and ~, which announce an extension, and brackets.
func separates(r rune) bool {
	return unicode.In(r, unicode.Zs, unicode.Pd) || strings.ContainsRune("./．／−ー", r)
}

// CheckRegion returns nil for two letters, which may name no country, and for no
// region at all.
func CheckRegion(region string) error {
	noLetter := func(r rune) bool { return r < 'A' || r > 'Z' && r < 'a' || r > 'z' }
	if region != "" && (len(region) != 2 || strings.ContainsFunc(region, noLetter)) {
		return invalid("the region is not two letters")
	}
	return nil
}
