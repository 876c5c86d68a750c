// Package contact names whom a message would reach: one address on one
// channel, written in exactly one way, and the key under which everything else
// knows it.
//
// It promises that two spellings of an address that a mail system or a phone
// network treats alike become one contact, that normalising twice changes
// nothing, and that a contact never shows its address by being printed, logged
// or marshalled. It refuses to guess: what it cannot read for certain is
// ErrInvalid, because a wrong reading is a missed lookup, and a missed lookup
// sends. Plus tags and dots are not folded: the mailbox's owner decides what
// they mean.
package contact

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"
	"unique"
)

// ErrInvalid is wrapped by every error about an address, channel or key that
// cannot be read. The message says why and never holds what was given.
var ErrInvalid = errors.New("invalid contact")

// Channel is a way to reach a person. An opt-out holds for one channel only.
type Channel string

// The channels there are.
const (
	Email Channel = "email"
	SMS   Channel = "sms"
)

// Channels returns every channel.
func Channels() []Channel { return []Channel{Email, SMS} }

// ParseChannel returns the channel of exactly this name, or an error wrapping
// ErrInvalid.
func ParseChannel(name string) (Channel, error) {
	if ch := Channel(name); slices.Contains(Channels(), ch) {
		return ch, nil
	}
	return "", invalid("the channel is neither email nor sms")
}

// Contact is a normalised address on a channel. Two contacts are the same
// person's same mailbox or number exactly if they are ==. The zero Contact
// reaches nobody and has no key.
type Contact struct {
	channel Channel
	// A plain string would be printed by fmt wherever a Contact sits in an
	// unexported field, where no method of ours is asked.
	address unique.Handle[string]
}

// Normalise returns the contact of an address as a person or a tool wrote it,
// or an error wrapping ErrInvalid. The region, two letters (ISO 3166-1), is
// needed for a phone number without + or 00 and ignored otherwise. A phone
// number must have a length that its country's numbering plan allows.
func Normalise(ch Channel, address, region string) (Contact, error) {
	return normalise(ch, address, region, false)
}

// NormaliseAnyLength is Normalise for a phone number that is in use whatever
// the numbering plan says: the sender of a message, or a contact that is on the
// list. Plans change; an opt-out stays.
func NormaliseAnyLength(ch Channel, address, region string) (Contact, error) {
	return normalise(ch, address, region, true)
}

func normalise(ch Channel, address, region string, anyLength bool) (Contact, error) {
	if !utf8.ValidString(address) {
		return Contact{}, invalid("not UTF-8")
	}
	_, err := ParseChannel(string(ch))
	switch ch {
	case Email:
		address, err = normaliseEmail(address)
	case SMS:
		address, err = normalisePhone(address, region, anyLength)
	}
	if err != nil {
		return Contact{}, err
	}
	return Contact{channel: ch, address: unique.Make(address)}, nil
}

// FromNormalised returns the contact of an address that Normalise returned once
// and that nobody else can have written, for example inside a link. The shape
// is checked, and no other rule: a link never expires, so a younger edition of
// the rules must not refuse its address. Any other shape is an error wrapping
// ErrInvalid.
func FromNormalised(ch Channel, address string) (Contact, error) {
	shaped := false
	switch ch {
	case Email:
		if shaped = emailShaped(address); shaped {
			address = foldEmail(address)
		}
	case SMS:
		if shaped = phoneShaped(address); shaped {
			address = foldPhone(address)
		}
	}
	if !shaped {
		return Contact{}, invalid("not a normalised address")
	}
	return Contact{channel: ch, address: unique.Make(address)}, nil
}

// Channel is the channel the address belongs to.
func (c Contact) Channel() Channel { return c.channel }

// Address is the normalised address: local@a-label.example, or E.164 with +.
func (c Contact) Address() string {
	if c == (Contact{}) {
		return ""
	}
	return c.address.Value()
}

// String names the channel only, so that a contact can stand in a message.
func (c Contact) String() string { return "contact(" + string(c.channel) + ")" }

// Format writes String for every verb, %+v and %#v too.
func (c Contact) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String.
func (c Contact) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText refuses, so that no encoder writes a contact or, worse, an empty
// one: what is stored or sent out is the key.
func (c Contact) MarshalText() ([]byte, error) {
	return nil, errors.New("a contact is not written out; its key is")
}

func emailShaped(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= maxEmail && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) &&
		!strings.Contains(domain, "@")
}

// phoneShaped accepts + and 3 to 15 digits: a country code has at least one,
// and libphonenumber takes no national number under two.
func phoneShaped(s string) bool {
	if len(s) < 4 || len(s) > 1+maxDigits || s[0] != '+' || s[1] == '0' {
		return false
	}
	return !strings.ContainsFunc(s[1:], func(r rune) bool { return r < '0' || r > '9' })
}

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }
