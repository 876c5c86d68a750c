package contact

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// RFC 5321, 4.5.3.1, in octets; 254 is what its path of 256 leaves.
const (
	maxLocal = 64
	maxEmail = 254
	maxLabel = 63 // RFC 1035, 2.3.4
)

// normaliseEmail trims, composes and lower-cases the address and turns its
// domain into A-labels.
//
// A character that cannot be seen (zero-width space, byte order mark, soft
// hyphen, bidi mark, variation selector) is white space at either end, where
// files and clipboards leave it, and refused inside: dropping it there would
// make one contact of two, keeping it would hide an opt-out from a person who
// types the address as it looks. Joiners in the domain are left to UTS-46,
// which knows the scripts that spell with them.
func normaliseEmail(s string) (string, error) {
	s = norm.NFC.String(strings.TrimFunc(s, blank))
	s = norm.NFC.String(strings.ToLower(s))
	// Punycode takes the square of a domain's length in time, and no character
	// of four octets becomes less than one.
	if len(s) > 4*maxEmail {
		return "", invalid("longer than 254 octets")
	}
	at := strings.IndexByte(s, '@')
	if at < 0 {
		return "", invalid("no @")
	}
	local, domain := s[:at], s[at+1:]
	if err := checkLocal(local); err != nil {
		return "", err
	}
	ascii, err := normaliseDomain(domain)
	if err != nil {
		return "", err
	}
	if ascii != domain {
		s = local + "@" + ascii
	}
	if s = foldEmail(s); len(s) > maxEmail {
		return "", invalid("longer than 254 octets")
	}
	return s, nil
}

// foldEmail folds the small letters that share a capital: an address in
// capitals is the same contact. Greek has two small sigmas, and a dotted capital I is
// small as i, or as i and a dot. In the domain, sigma alone is folded: the other
// letters make different domains.
func foldEmail(s string) string {
	const sigmas, dotted = "\u03c2", "i\u0307"
	at := strings.IndexByte(s, '@')
	local, domain := s[:at], s[at:]
	if !isASCII(local) {
		local = norm.NFC.String(strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, local))
		for strings.Contains(local, dotted) {
			local = strings.ReplaceAll(local, dotted, "i")
		}
	}
	if strings.Contains(domain, "xn--") {
		if name, err := idna.Lookup.ToUnicode(domain[1:]); err == nil && strings.Contains(name, sigmas) {
			if folded, err := idna.Lookup.ToASCII(strings.ReplaceAll(name, sigmas, "\u03c3")); err == nil {
				domain = "@" + folded
			}
		}
	}
	return local + domain
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// checkLocal accepts the dot-string of RFC 5321 with the letters of RFC 6531.
// Quoted local parts are refused: no mailbox in use needs quotes, and one
// mailbox has several quoted spellings.
func checkLocal(local string) error {
	switch {
	case local == "":
		return invalid("nothing before the @")
	case len(local) > maxLocal:
		return invalid("more than 64 octets before the @")
	case strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, ".."):
		return invalid("a dot at the wrong place before the @")
	}
	for _, r := range local {
		if err := checkVisible(r); err != nil {
			return err
		}
		if strings.ContainsRune(`"(),:;<>[\]`, r) {
			return invalid("a display name, comment, quote or other special character before the @")
		}
	}
	return nil
}

func normaliseDomain(domain string) (string, error) {
	ascii, plain := plainDomain(domain)
	if !plain {
		var err error
		if ascii, err = mappedDomain(domain); err != nil {
			return "", err
		}
	}
	// idna.Lookup accepts empty and long labels, and maps other full stops to dots.
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" {
			return "", invalid("an empty label in the domain, or a dot at its end")
		}
		if len(label) > maxLabel {
			return "", invalid("a label of more than 63 octets in the domain")
		}
	}
	return ascii, nil
}

// plainDomain is mappedDomain for the domains that most addresses have, which idna
// takes long to leave as they are: letters, digits and dots of ASCII, and single
// hyphens inside.
func plainDomain(domain string) (string, bool) {
	alphanumeric := func(i int) bool {
		return i >= 0 && i < len(domain) && (domain[i]|0x20 >= 'a' && domain[i]|0x20 <= 'z' || domain[i] >= '0' && domain[i] <= '9')
	}
	for i := range len(domain) {
		if !alphanumeric(i) && domain[i] != '.' && (domain[i] != '-' || !alphanumeric(i-1) || !alphanumeric(i+1)) {
			return "", false
		}
	}
	return strings.ToLower(domain), true
}

func mappedDomain(domain string) (string, error) {
	const joiners = "\u200c\u200d"
	for _, r := range domain {
		if strings.ContainsRune(joiners, r) {
			continue
		}
		if err := checkVisible(r); err != nil {
			return "", err
		}
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil { // its text holds the domain
		return "", invalid("not a domain name after the @")
	}
	// A few letter-like symbols map to a name that idna refuses the second time.
	if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii {
		return "", invalid("not a domain name after its mapping")
	}
	return ascii, nil
}

func checkVisible(r rune) error {
	switch {
	case r > ' ' && r < 0x7f:
	case unicode.IsSpace(r):
		return invalid("a space inside")
	case unicode.IsControl(r):
		return invalid("a control character")
	case Invisible(r):
		return invalid("a character that cannot be seen")
	case !unicode.IsGraphic(r) || r == unicode.ReplacementChar:
		return invalid("a character that means nothing")
	}
	return nil
}

func blank(r rune) bool { return unicode.IsSpace(r) || Invisible(r) }

// Invisible tells whether Unicode calls a character default ignorable, or
// a format character.
func Invisible(r rune) bool {
	return unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}
