// Package link makes and opens the tokens of the opt-out links in messages, and
// finds a token in the path of a request.
//
// It promises that a token opens to its target as long as its key is in the set,
// and that nobody without the keys can read, alter or make a token: anything but
// the characters that Mint returned is ErrForged. A token of one channel never
// opens on the other channel. The package does not know which scopes exist.
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

// ErrForged means that a token is not genuine, for any reason.
var ErrForged = errors.New("not a genuine token")

// ErrUnknownKey is an ErrForged: the token names a key that is not in the set.
// A token of a newer key set looks the same.
var ErrUnknownKey = fmt.Errorf("%w: its key is unknown", ErrForged)

// Target is a contact and the scope of scopes.yaml that a link opts out of.
type Target struct {
	ScopeID uint16
	Contact contact.Contact
}

// Keys mint and open links. They are safe for concurrent use.
type Keys struct {
	email *emailKeys
	sms   *smsKeys
}

// NewKeys takes the two Tink key sets. Both key sets only grow. E-mail has
// AES-SIV keys with Tink's prefix, SMS has PRF keys with an output of 32 octets.
// New links are minted with the primary key.
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

// Mint returns the target's token, always the same under one primary key: about
// 66 base64url characters for an e-mail address of 25, exactly 23 letters and
// digits for a number.
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
	return "", errors.New("minting a link: the target has no contact")
}

// Open returns the token's target. The channel is the channel of the path, as
// Parse returns it. Every error is ErrForged; ErrUnknownKey if newer keys may
// open the token.
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
// ends of the token. A path without a door, or without a token that some key could
// open, is ErrForged.
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
	within := func(alphabet string) string {
		return strings.TrimFunc(token, func(r rune) bool { return !strings.ContainsRune(alphabet, r) })
	}
	wellFormed := false
	switch ch {
	case contact.Email:
		token = within(base62Alphabet + "-_")
		_, wellFormed = decodeEmail(token)
	case contact.SMS:
		token = within(base62Alphabet)
		_, wellFormed = decodeSMS(token)
	}
	if !wellFormed {
		return "", "", ErrForged
	}
	return ch, token, nil
}

func validScope(id uint16) bool { return id >= 1 && id <= scope.MostID }
