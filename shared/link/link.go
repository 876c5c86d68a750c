// Package link makes and opens the tokens of the opt-out links in messages.
//
// It promises that a token opens to exactly what it was minted for, for as
// long as its key is in the set, and that nobody without the keys can read,
// alter or make one: whatever is not, character for character, what Mint
// returned is ErrForged. A token of one channel never opens on the other. It
// knows nothing of whether the scope still exists.
package link

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/scope"
)

// ErrForged means that a token is not one of ours, whatever is wrong with it.
var ErrForged = errors.New("not a token of ours")

// ErrUnknownKey is an ErrForged: the token names a key that is not in the set,
// which is also what a token from a newer key set looks like.
var ErrUnknownKey = fmt.Errorf("%w: its key is unknown", ErrForged)

// Target is what a link opts out: a contact, in a scope of scopes.yaml.
type Target struct {
	ScopeID uint16
	Contact contact.Contact
}

// Keys mint and open links. They are safe for concurrent use.
type Keys struct {
	email *emailKeys
	sms   *smsKeys
}

// NewKeys takes the two Tink key sets, both of which only ever grow: the one
// for e-mail of AES-SIV keys with Tink's prefix, the one for SMS of PRF keys
// with an output of 32 octets. New links are minted with the primary key.
func NewKeys(email, sms *keyset.Handle) (*Keys, error) {
	e, err := newEmailKeys(email)
	if err != nil {
		return nil, fmt.Errorf("e-mail link keys: %w", err)
	}
	s, err := newSMSKeys(sms)
	if err != nil {
		return nil, fmt.Errorf("SMS link keys: %w", err)
	}
	return &Keys{email: e, sms: s}, nil
}

// Mint returns the target's token, the same one every time as long as the
// primary key stays: about 66 base64url characters for an e-mail address of
// 25, exactly 23 letters and digits for a number.
func (k *Keys) Mint(t Target) (string, error) {
	if !validScope(t.ScopeID) {
		return "", fmt.Errorf("minting a link: scope id %d is not 1 to %d", t.ScopeID, scope.MostID)
	}
	switch t.Contact.Channel() {
	case contact.Email:
		return k.email.mint(t)
	case contact.SMS:
		return k.sms.mint(t)
	}
	return "", errors.New("minting a link: nobody to opt out")
}

// Open returns what the token was minted for. The channel is the one of the
// door the token came through. Every error is ErrForged; ErrUnknownKey if
// younger keys might open it.
func (k *Keys) Open(ch contact.Channel, token string) (Target, error) {
	switch ch {
	case contact.Email:
		return k.email.open(token)
	case contact.SMS:
		return k.sms.open(token)
	}
	return Target{}, ErrForged
}

// Path is the path of the page that the channel's token opens; empty for a
// channel without a page.
func Path(ch contact.Channel, token string) string {
	if d := door(ch); d != "" {
		return d + token
	}
	return ""
}

// door is what the path of a channel's page begins with; empty for a channel
// without a page.
func door(ch contact.Channel) string {
	route := ""
	switch ch {
	case contact.Email:
		route = names.RouteEmailLink
	case contact.SMS:
		route = names.RouteSMSLink
	}
	return strings.TrimSuffix(route, "{token+}")
}

var escaped = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// Parse is the inverse of Path for a path as it arrives, below a base path or
// not: mail programs, messengers and people put characters around a link. Parse
// cuts off what is outside the token's alphabet, percent-encoded or not, at both
// ends of the token. A path without a door or a token is ErrForged.
func Parse(path string) (contact.Channel, string, error) {
	// API Gateway decodes once, except a percent sign, and links are encoded
	// twice at times.
	for range 3 {
		path = escaped.ReplaceAllStringFunc(path, func(octet string) string {
			value, _ := strconv.ParseUint(octet[1:], 16, 8)
			return string([]byte{byte(value)})
		})
	}
	var ch contact.Channel
	last, token := -1, ""
	for _, candidate := range contact.Channels() { // the last door of the path counts
		before := door(candidate)
		if at := strings.LastIndex(path, before); before != "" && at > last {
			ch, last, token = candidate, at, path[at+len(before):]
		}
	}
	token = strings.TrimFunc(token, func(r rune) bool { return !isLetter(ch, r) })
	if token == "" {
		return "", "", ErrForged
	}
	return ch, token, nil
}

// isLetter tells whether a token of the channel may hold the character.
func isLetter(ch contact.Channel, r rune) bool {
	switch ch {
	case contact.Email:
		return isBase64URL(r)
	case contact.SMS:
		return isBase62(r)
	}
	return false
}

func isBase62(r rune) bool { return strings.ContainsRune(base62Alphabet, r) }

func isBase64URL(r rune) bool { return isBase62(r) || r == '-' || r == '_' }

func validScope(id uint16) bool { return id >= 1 && id <= scope.MostID }
