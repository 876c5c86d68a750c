// Package reference checks references: a note, a piece of evidence, a case, the
// name of a tool. A reference says where a matter is written down, and never the
// matter itself, so that no personal data gets into a table or a log.
package reference

import (
	"errors"
	"strings"
)

// ErrInvalid means that a text is no reference.
var ErrInvalid = errors.New("must be 1 to 64 characters of A-Za-z0-9._:/-")

const longest = 64

// Check returns ErrInvalid where the text is no reference. The error does not
// repeat the text.
func Check(text string) error {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/-"
	if text == "" || len(text) > longest || strings.Trim(text, allowed) != "" || HoldsAPIKey(text) {
		return ErrInvalid
	}
	return nil
}

// HoldsAPIKey tells whether a text may hold a tool's key: a key's prefix, and
// behind it as many characters as no reference has.
func HoldsAPIKey(text string) bool {
	const tail = 40
	_, after, found := strings.Cut(text, "stille_")
	return found && len(after) >= tail
}
