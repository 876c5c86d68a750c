// Package contact names the recipient of messages: one address on one channel,
// in exactly one spelling, and the key that stands for the contact everywhere
// else.
//
// It promises that two spellings of an address that a mail system or a phone
// network treats alike become one contact, that normalising twice changes
// nothing, and that printing, logging or marshalling a contact never shows its
// address. It refuses to guess: an uncertain reading is ErrInvalid, because
// a wrong reading is a missed lookup, and a missed lookup sends. Plus tags and
// dots are not folded: the mailbox's owner decides their meaning.
package contact

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"log/slog"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"stille/shared/contact/numbering"
)

// ErrInvalid is wrapped by every error about an unreadable address, channel or
// key. The message gives the reason and never the input.
var ErrInvalid = errors.New("invalid contact")

// Channel is a way to reach a person. An opt-out holds for one channel only.
type Channel string

// The channels.
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
// mailbox or number exactly if they are ==. The zero Contact reaches nobody and
// has no key.
type Contact struct {
	channel Channel
	address sealed
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
	return Contact{channel: ch, address: seal(address)}, nil
}

// FromNormalised returns the contact of an address that Normalise returned once
// and that nobody else can have written, for example inside a link. The shape
// is checked, and no other rule: a link never expires, so a younger edition of
// the rules must not refuse its address. Any other shape is an error wrapping
// ErrInvalid.
func FromNormalised(ch Channel, address string) (Contact, error) {
	switch ch {
	case Email:
		if emailShaped(address) {
			return Contact{channel: ch, address: seal(foldEmail(address))}, nil
		}
	case SMS:
		if phoneShaped(address) {
			return Contact{channel: ch, address: seal(foldPhone(address))}, nil
		}
	}
	return Contact{}, invalid("not a normalised address")
}

// Channel is the channel of the address.
func (c Contact) Channel() Channel { return c.channel }

// Address is the normalised address: local@a-label.example, or E.164 with +.
func (c Contact) Address() string {
	var room [maxEmail]byte
	return string(c.address.appendTo(room[:0]))
}

// String names the channel and hides the address.
func (c Contact) String() string { return "contact(" + string(c.channel) + ")" }

// Format writes String for every verb, including %+v and %#v.
func (c Contact) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue is String.
func (c Contact) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText always returns an error: an encoder must not write a contact, nor
// an empty text in its place. The key is what is stored and sent.
func (c Contact) MarshalText() ([]byte, error) {
	return nil, errors.New("a contact must not be marshalled: marshal its key")
}

func emailShaped(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && local != "" && domain != "" && len(s) <= maxEmail && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) &&
		!strings.Contains(domain, "@")
}

// phoneShaped accepts + and 3 to 15 digits: a country code has at least one
// digit, and libphonenumber's shortest national number has two.
func phoneShaped(s string) bool {
	if len(s) < 4 || len(s) > 1+maxDigits || s[0] != '+' || s[1] == '0' {
		return false
	}
	return !strings.ContainsFunc(s[1:], func(r rune) bool { return r < '0' || r > '9' })
}

func invalid(why string) error { return fmt.Errorf("%w: %s", ErrInvalid, why) }

// seed is this process's own. It never leaves the process, and neither does
// a sealed text.
var seed = maphash.MakeSeed() //nolint:gochecknoglobals // a constant of the process

// sealed is a text in a form that shows nothing: the text's hash, and the text
// xored with hashes of that hash. fmt prints a string in an unexported field
// without a call of Format, so the string must not be the address. Two sealed
// texts are == exactly if the texts are ==. Sealing guards logs against mistakes;
// it is no encryption. Interning by package unique, which hides a text as well,
// took a third of the time of a check.
type sealed string

const (
	hashSize    = 8
	longAddress = hashSize + maxEmail
)

func seal(text string) sealed {
	var room [longAddress]byte
	key := maphash.String(seed, text)
	b := binary.LittleEndian.AppendUint64(room[:0], key)
	b = append(b, text...)
	xor(b[hashSize:], key)
	return sealed(b)
}

// appendTo appends the text.
func (s sealed) appendTo(b []byte) []byte {
	if s == "" {
		return b
	}
	start := len(b)
	b = append(b, s...)
	key := binary.LittleEndian.Uint64(b[start:])
	b = append(b[:start], b[start+hashSize:]...)
	xor(b[start:], key)
	return b
}

// xor is its own inverse.
func xor(b []byte, key uint64) {
	var block [2 * hashSize]byte
	binary.LittleEndian.PutUint64(block[:], key)
	for i := range b {
		if i%hashSize == 0 {
			binary.LittleEndian.PutUint64(block[hashSize:], uint64(i))
			binary.LittleEndian.PutUint64(block[hashSize:], maphash.Bytes(seed, block[:]))
		}
		b[i] ^= block[hashSize+i%hashSize]
	}
}

// Masked is the contact for pages: the owner recognises the contact, other
// people do not. It shows the first letter, a +tag and the domain of an address,
// by which people tell their addresses apart, or the country code and the last
// four digits of a number. The number of dots is always the same.
func (c Contact) Masked() string {
	switch c.channel {
	case Email:
		return maskEmail(c.Address())
	case SMS:
		return maskPhone(c.Address())
	}
	return ""
}

func maskEmail(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	// The owner knows the name and not its A-label.
	if name, err := idna.Display.ToUnicode(domain); err == nil {
		domain = name
	}
	tag := ""
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		tag = local[plus:]
	}
	_, first := utf8.DecodeRuneInString(local)
	return local[:first] + "•••" + tag + "@" + domain
}

// shownDigits is how many of a number's last digits a mask shows; fewer of a
// number that is as short.
const shownDigits = 4

func maskPhone(address string) string {
	number, err := numbering.Parse(address, nowhere)
	if err != nil {
		return "•••"
	}
	shown := min(shownDigits, len(number.National)-1)
	return fmt.Sprintf("+%d •••• %s", number.Country, number.National[len(number.National)-shown:])
}
