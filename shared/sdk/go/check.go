package client

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Channels of a contact.
const (
	Email = "email"
	SMS   = "sms"
)

// Purposes of a message.
const (
	Marketing     = "marketing"
	Transactional = "transactional"
)

// Contact is an address or a number on a channel.
type Contact struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
	Region  string `json:"region,omitzero"` // ISO 3166, of a number without + or 00
}

// Format implements fmt.Formatter: every verb hides the address.
func (c Contact) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[contact]") }

// Basis is what a Question can require.
const Basis = "basis"

// Question asks about messages to any number of contacts.
type Question struct {
	Scope    string    `json:"scope,omitzero"`   // a brand or a topic; where it is empty, any opt-out anywhere is a no
	Purpose  string    `json:"purpose,omitzero"` // Marketing where it is empty
	Require  string    `json:"require,omitzero"` // Basis: no message without a live basis
	Contacts []Contact `json:"contacts"`
}

// Unavailable is the reason of every Result after an error.
const Unavailable = "unavailable"

// Result is the answer about one contact. The zero Result says no.
type Result struct {
	send   bool
	Reason string    // why not
	Scope  string    // where the contact is suppressed
	Since  time.Time // since when
	Key    string    // the contact's key, the same that events carry

	Basis      string // on which the message may be sent
	BasisUntil string // the last day of the basis
	Evidence   string // the id of the record that holds the basis
}

// MaySend tells whether the message may be sent.
func (r Result) MaySend() bool { return r.send }

const checkRoute = "/v1/check"

// wireResult is a result as the API writes it. A pointer is nil where a member
// is absent.
type wireResult struct {
	Send   *bool      `json:"send"`
	Reason *string    `json:"reason"`
	Scope  *string    `json:"scope"`
	Since  *time.Time `json:"since"`
	Key    *string    `json:"key"`

	Basis      any `json:"basis"`
	BasisUntil any `json:"basisUntil"`
	Evidence   any `json:"evidence"`
}

// MaySend tells whether a marketing message may be sent to one contact. Any
// doubt is a no.
func (c *Client) MaySend(ctx context.Context, channel, address, scope string) bool {
	results, _ := c.Check(ctx, Question{Scope: scope, Contacts: []Contact{{Channel: channel, Address: address}}})
	return results[0].MaySend()
}

// Check returns a Result for every contact, in their order. After an error every
// Result says no, for the reason Unavailable.
func (c *Client) Check(ctx context.Context, q Question) ([]Result, error) {
	request := func(part []Contact) any { return Question{q.Scope, q.Purpose, q.Require, part} }
	checked, err := results(ctx, c, checkRoute, q.Contacts, request, func(_ Contact, w wireResult) (Result, error) { return w.result() })
	if err == nil && c != nil && !c.seen.accept(q.Contacts, checked) {
		err = fmt.Errorf("%s: %w: its results look swapped", checkRoute, ErrAnswer)
	}
	if err != nil {
		for i := range checked {
			checked[i] = Result{Reason: Unavailable}
		}
	}
	return checked, err
}

// result refuses all but a clear yes and a clear no.
func (w wireResult) result() (Result, error) {
	switch {
	case w.Send == nil:
		return Result{}, errors.New("says neither yes nor no")
	case *w.Send && (w.Reason != nil || w.Scope != nil || w.Since != nil):
		return Result{}, errors.New("says yes, with a reason against it")
	case *w.Send && value(w.Key) == "":
		return Result{}, errors.New("says yes without a contact's key")
	case !*w.Send && value(w.Reason) == "":
		return Result{}, errors.New("says no without a reason")
	}
	r := Result{send: *w.Send, Reason: value(w.Reason), Scope: value(w.Scope), Since: value(w.Since), Key: value(w.Key)}
	r.Basis, _ = w.Basis.(string)
	r.BasisUntil, _ = w.BasisUntil.(string)
	r.Evidence, _ = w.Evidence.(string)
	return r, nil
}

func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

// remembered is how many contacts' keys a Client remembers.
const remembered = 10_000

// keys remembers the last key of each contact, to notice answers whose results
// were swapped.
type keys struct {
	mu     sync.Mutex
	last   map[Contact]*list.Element
	recent *list.List // of owned, the newest first
}

type owned struct {
	contact Contact
	key     string
}

func newKeys() *keys { return &keys{last: make(map[Contact]*list.Element), recent: list.New()} }

// accept remembers the keys of one answer, or returns false if results look
// swapped.
func (k *keys) accept(contacts []Contact, results []Result) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if onTwoChannels(contacts, results) || k.swapped(contacts, results) {
		return false
	}
	for i, contact := range contacts {
		if results[i].Key != "" {
			k.remember(owned{contact, results[i].Key})
		}
	}
	return true
}

func (k *keys) remember(o owned) {
	if known, ok := k.last[o.contact]; ok {
		known.Value = o
		k.recent.MoveToFront(known)
		return
	}
	k.last[o.contact] = k.recent.PushFront(o)
	if k.recent.Len() > remembered {
		oldest, _ := k.recent.Remove(k.recent.Back()).(owned)
		delete(k.last, oldest.contact)
	}
}

// key is the last key of a contact, or empty.
func (k *keys) key(of Contact) string {
	if known, ok := k.last[of]; ok {
		o, _ := known.Value.(owned)
		return o.key
	}
	return ""
}

// swapped tells whether a result has the key that was another contact's of the
// same call.
func (k *keys) swapped(contacts []Contact, results []Result) bool {
	answered := make(map[Contact]string, len(contacts))
	owners := make(map[string][]Contact) // of the last keys
	for i, contact := range contacts {
		if _, ok := answered[contact]; !ok {
			owners[k.key(contact)] = append(owners[k.key(contact)], contact)
		}
		answered[contact] = results[i].Key
	}
	for i, contact := range contacts {
		key, own := results[i].Key, k.key(contact)
		if key == "" || key == own {
			continue
		}
		for _, first := range owners[key] {
			// A second spelling of one address has the key of the first, which keeps it.
			if own != "" || answered[first] != key || !mayBeSame(first, contact) {
				return true
			}
		}
	}
	return false
}

// mayBeSame tells whether two contacts may be spellings of one: but for case and
// space, or the same last digits.
func mayBeSame(one, other Contact) bool {
	if one.Channel != other.Channel {
		return false
	}
	if one.Channel == Email {
		return strings.EqualFold(strings.TrimSpace(one.Address), strings.TrimSpace(other.Address))
	}
	return lastDigits(one.Address) == lastDigits(other.Address)
}

func lastDigits(number string) string {
	var digits []byte
	for _, b := range []byte(number) {
		if '0' <= b && b <= '9' {
			digits = append(digits, b)
		}
	}
	return string(digits[max(0, len(digits)-7):])
}

// onTwoChannels tells whether one key stands at contacts of different channels.
func onTwoChannels(contacts []Contact, results []Result) bool {
	channels := make(map[string]string)
	for i, contact := range contacts {
		key := results[i].Key
		if first, ok := channels[key]; key != "" && ok && first != contact.Channel {
			return true
		}
		channels[key] = contact.Channel
	}
	return false
}
