package keyring

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/contact"
)

const (
	// Settled is how long after a change of the contact keys no container, and
	// nothing it was doing, uses an older set: twice what one may use it for.
	Settled = 2 * (Fresh + Grace)

	// Drained is how long after a contact key ceased to be the primary one no
	// queue holds anything that names a contact by it: they keep a message for
	// four days.
	Drained = 5 * 24 * time.Hour
)

// Refusal says why a key set stays as it is, and what to do instead. It may be
// shown to anybody.
type Refusal string

func (r Refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return Refusal(fmt.Sprintf(format, args...)) }

// Key is what may be told of a key: everything but the key.
type Key struct {
	ID           string    `json:"id"`               // 8 hexadecimal digits
	Letter       string    `json:"letter,omitempty"` // of an SMS link key: what its tokens begin with
	Created      time.Time `json:"created"`
	PrimarySince time.Time `json:"primarySince,omitzero"` // when it became the primary key
	Primary      bool      `json:"primary"`
	Waiting      bool      `json:"waiting,omitempty"` // newer than the primary key, to take its place
	live         bool      // enabled: opens and looks up
}

// Contacts is what a contact secret holds, to be looked at and changed. A
// change returns another; what refuses it is a Refusal.
type Contacts struct{ changing }

// OpenContacts reads a contact secret that was stored at a time. An error
// wraps ErrUnreadable.
func OpenContacts(secret string, stored time.Time) (Contacts, error) {
	if _, err := ParseContact(secret); err != nil {
		return Contacts{}, err
	}
	parts := readContact(secret)
	c, err := newChanging(parts.Contact, parts.Times, stored)
	return Contacts{c}, err
}

// Secret is what to store.
func (c Contacts) Secret() (string, error) {
	set, err := c.set()
	if err != nil {
		return "", err
	}
	secret, err := json.Marshal(contactSecret{Contact: set, Times: c.times})
	if err != nil {
		return "", fmt.Errorf("writing a key set: %w", err)
	}
	return string(secret), nil
}

// Keys are the set's, oldest first.
func (c Contacts) Keys() []Key { return c.keys() }

// Waiting is the key that waits to become the primary one, if one does.
func (c Contacts) Waiting() (Key, bool) {
	for _, key := range c.keys() {
		if key.Waiting {
			return key, true
		}
	}
	return Key{}, false
}

// Add adds a key that every lookup tries and nothing is written under yet. It
// refuses while a key waits, and where it would be one too many.
func (c Contacts) Add(now time.Time) (Contacts, Key, error) {
	if waiting, ok := c.Waiting(); ok {
		return c, Key{}, refuse("the contact key %s waits to become the primary one", waiting.ID)
	}
	live := 0
	for _, key := range c.keys() {
		if key.live {
			live++
		}
	}
	if live >= contact.MaxLiveKeys {
		return c, Key{}, refuse("there are %d live contact keys, and no more may be: first `stille keys destroy contact KEYID` one that nothing uses", live)
	}
	next, id, err := c.add(prf.HMACSHA256PRFKeyTemplate(), false, now)
	if err != nil {
		return c, Key{}, err
	}
	return Contacts{next}, Contacts{next}.key(id), nil
}

// PromotableAt is when Promote will no longer refuse a key that waits. It
// counts from the last time the secret was written: before that, containers
// may have read anything.
func (c Contacts) PromotableAt(waiting Key) time.Time {
	since := waiting.Created
	if c.stored.After(since) {
		since = c.stored
	}
	return since.Add(Settled)
}

// Promote makes the key that waits the primary one: the one to write under. It
// refuses until every container knows the key, because what is written under
// an unknown key is missed, and a missed lookup sends.
func (c Contacts) Promote(now time.Time) (Contacts, Key, error) {
	waiting, ok := c.Waiting()
	if !ok {
		return c, Key{}, refuse("no contact key waits to become the primary one")
	}
	if from := c.PromotableAt(waiting); now.Before(from) {
		return c, Key{}, refuse("the contact key %s was added, and every container must know it before anything is written under it: `stille keys rotate contact` again from %s on",
			waiting.ID, from.Format(time.RFC3339))
	}
	next, err := c.promote(waiting.ID, now)
	if err != nil {
		return c, Key{}, err
	}
	return Contacts{next}, Contacts{next}.key(waiting.ID), nil
}

// RemovableAt is when Remove will no longer refuse a former primary key.
func (c Contacts) RemovableAt() time.Time {
	for _, key := range c.keys() {
		if key.Primary {
			return key.PrimarySince.Add(Drained)
		}
	}
	return time.Time{} // no set is without a primary key
}

// Remove takes a former primary key out of the set. That nothing uses the key
// is for the caller to know. It refuses every other key, and one that a queue
// may still name a contact by.
func (c Contacts) Remove(id string, now time.Time) (Contacts, error) {
	key := c.key(id)
	switch {
	case key == (Key{}):
		return c, refuse("there is no such contact key: `stille keys list` shows them")
	case key.Primary:
		return c, refuse("%s is the primary contact key, everything is written under it: `stille keys rotate contact` makes another", id)
	case key.Waiting:
		return c, refuse("the contact key %s waits to become the primary one: `stille keys rotate contact` finishes that", id)
	case now.Before(c.RemovableAt()):
		return c, refuse("the contact key %s was the primary one lately, and what waits in a queue may name a contact by it: try again from %s on",
			id, c.RemovableAt().Format(time.RFC3339))
	}
	next, err := c.remove(id)
	return Contacts{next}, err
}

// key is the key of this id, or none.
func (c Contacts) key(id string) Key {
	for _, key := range c.keys() {
		if key.ID == id {
			return key
		}
	}
	return Key{}
}
