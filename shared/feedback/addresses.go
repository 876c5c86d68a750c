package feedback

import (
	"html"
	"io"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"stille/shared/contact"
)

var (
	// address is a run of characters around an @. A second @ is in the run, so
	// that a part of the run is not taken for an address.
	address = regexp.MustCompile(`[^\s\p{Z}\p{Cc}<>,;:"“”„‚«»‹›‘、…()\[\]{}|\\@]+@[^\s\p{Z}\p{Cc}<>,;:"“”„‚«»‹›‘’、…()\[\]{}|\\?/&#]+[?/&#]*`)
	// named is an address in angle brackets behind a name. A name that looks
	// like an address is a name.
	named  = regexp.MustCompile(`(?:"(?:[^"\\]|\\.)*"|[^<>,;"])*<+([^<>]*@[^<>]*)>+`)
	quoted = regexp.MustCompile(`"([^\s"\\@]+)"@`)
	// exotic is an address whose quotes are needed: contact refuses it, and a part of
	// it is somebody else's.
	exotic = regexp.MustCompile(`"(?:[^"\\]|\\.)*"@[^\s\p{Z}<>,;]*`)
	spaced = regexp.MustCompile(`[\s\p{Z}]*@[\s\p{Z}]*`)
	// linked is what a mailto: URI names, percent-encoded. The subject is not in it.
	linked = regexp.MustCompile(`(?i)(?:mailto:|[?&](?:to|cc|bcc)=)([^\s<>?&]*)`)
)

// Addresses finds every e-mail address in a recipient as mail systems write it:
// with a name in any encoding, in angle brackets, in a list, folded, with a
// scheme, with a dot or comma behind it. It returns none where there is none.
func Addresses(recipient string) []contact.Contact {
	whole := recipient
	recipient = quoted.ReplaceAllString(spaced.ReplaceAllString(recipient, "@"), "$1@")
	recipient = linked.ReplaceAllStringFunc(exotic.ReplaceAllString(recipient, ""), func(uri string) string {
		return "," + unescape(linked.FindStringSubmatch(uri)[1])
	})
	found := plainAddresses(recipient)
	for _, decode := range []func(string) string{decodeWords, unescape, unquote, html.UnescapeString, norm.NFKC.String} {
		if len(found) == 0 {
			recipient = decode(recipient)
			found = plainAddresses(recipient)
		}
	}
	if c, err := contact.Normalise(contact.Email, whole, ""); err == nil && len(found) == 0 { // of marks
		found = append(found, c)
	}
	return found
}

func plainAddresses(text string) []contact.Contact {
	var found []contact.Contact
	take := func(candidates string) bool {
		before := len(found)
		for _, run := range address.FindAllString(candidates, -1) {
			if c, err := readRun(run); err == nil && !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
		return len(found) > before
	}
	rest := named.ReplaceAllStringFunc(text, func(group string) string {
		if take(named.FindStringSubmatch(group)[1]) {
			return ","
		}
		return group
	})
	take(rest)
	return found
}

// readRun reads a run without the punctuation that a sentence puts around it.
func readRun(run string) (contact.Contact, error) {
	const marks = "'`´*_~=-"
	run = strings.TrimLeft(run, "./")
	bare := strings.TrimRightFunc(run, func(r rune) bool { return !unicode.In(r, unicode.L, unicode.M, unicode.N) })
	if strings.ContainsAny(run[len(bare):], marks) { // a mark at both ends stands around the address
		bare = strings.TrimLeft(bare, marks)
	}
	return contact.Normalise(contact.Email, bare, "")
}

// decodeWords decodes encoded words. The characters of an address are the same
// in all charsets that mail is written in, so the charset does not matter.
func decodeWords(s string) string {
	decoder := mime.WordDecoder{CharsetReader: func(_ string, text io.Reader) (io.Reader, error) { return text, nil }}
	if decoded, err := decoder.DecodeHeader(s); err == nil {
		return decoded
	}
	return s
}

// unescape decodes percent-encoding.
func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// unquote decodes quoted-printable text as far as it is.
func unquote(s string) string { return unescape(strings.ReplaceAll(s, "=", "%")) }
