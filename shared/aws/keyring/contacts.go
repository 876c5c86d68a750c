package keyring

import (
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/contact"
	"stille/shared/names"
)

const (
	// Settled is how long after a change of the contact keys no container and no
	// request uses an older set: twice the longest use of a set.
	Settled = 2 * (Fresh + Grace)

	// Drained is how long after a contact key ceased to be the primary key no
	// container queues an opt-out under it: in an outage, a container names contacts
	// by the set that it read last, for as long as the container lives.
	Drained = 5 * 24 * time.Hour
)

// Refusal says why a key set stays unchanged, and what to do instead. It holds no
// secret.
type Refusal string

func (r Refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return Refusal(fmt.Sprintf(format, args...)) }

// Key is what may be shown of a key: everything but the key itself.
type Key struct {
	ID           string    `json:"id"`               // 8 hexadecimal digits
	Letter       string    `json:"letter,omitempty"` // of an SMS link key: what its tokens begin with
	Created      time.Time `json:"created"`
	PrimarySince time.Time `json:"primarySince,omitzero"` // when it became the primary key
	Primary      bool      `json:"primary"`
	Pending      bool      `json:"pending,omitempty"` // newer than the primary key; the next rotation makes it the primary key
	live         bool      // enabled: opens and looks up
}

// Contacts is the content of a contact secret, to be listed and changed. A change
// returns another Contacts, or a Refusal.
type Contacts struct{ changing }

// OpenContacts reads a contact secret and takes the time when it was stored. An
// error wraps ErrUnreadable.
func OpenContacts(secret string, stored time.Time) (Contacts, error) {
	if _, err := ParseContact(secret); err != nil {
		return Contacts{}, err
	}
	parts := readContact(secret)
	c, err := newChanging(parts.Contact, parts.Times, stored)
	return Contacts{c}, err
}

// Secret returns the secret to store.
func (c Contacts) Secret() (string, error) {
	set, err := writeKeySet(c.handle)
	if err != nil {
		return "", err
	}
	return marshal(contactSecret{Contact: set, Times: c.times})
}

// Keys returns the set's keys, oldest first.
func (c Contacts) Keys() []Key { return c.keys() }

// Pending returns the key that the next rotation makes the primary key, if there
// is one.
func (c Contacts) Pending() (Key, bool) {
	for _, key := range c.keys() {
		if key.Pending {
			return key, true
		}
	}
	return Key{}, false
}

// Add adds a pending key: every lookup tries it, and nothing is written under it
// yet. It refuses while another key is pending, and if there would be more keys
// than a set may hold.
func (c Contacts) Add(now time.Time) (Contacts, Key, error) {
	if pending, ok := c.Pending(); ok {
		return c, Key{}, refuse("the contact key %s is already pending: `stille keys rotate contact` makes it the primary key", pending.ID)
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

// PromotableAt is the time from which Promote takes the pending key. It counts
// from the last time the secret was written: before that time, containers may
// have read another set.
func (c Contacts) PromotableAt(pending Key) time.Time {
	since := pending.Created
	if c.stored.After(since) {
		since = c.stored
	}
	return since.Add(Settled)
}

// Promote makes the pending key the primary key, which everything is written
// under. It refuses until every container knows the key: a container misses what
// is written under an unknown key, and a missed lookup sends.
func (c Contacts) Promote(now time.Time) (Contacts, Key, error) {
	pending, ok := c.Pending()
	if !ok {
		return c, Key{}, refuse("no contact key is pending")
	}
	if from := c.PromotableAt(pending); now.Before(from) {
		return c, Key{}, refuse("the contact key %s was added, and every container must know it before anything is written under it: `stille keys rotate contact` again from %s on",
			pending.ID, from.Format(time.RFC3339))
	}
	next, err := c.promote(pending.ID, now)
	if err != nil {
		return c, Key{}, err
	}
	return Contacts{next}, Contacts{next}.key(pending.ID), nil
}

// RemovableAt is the time from which Remove takes a former primary key.
func (c Contacts) RemovableAt() time.Time {
	for _, key := range c.keys() {
		if key.Primary {
			return key.PrimarySince.Add(Drained)
		}
	}
	return time.Time{} // every set has a primary key
}

// Remove takes a former primary key out of the set. The caller must know that
// nothing uses the key, and that no queue holds a message that may name a contact by
// it. Remove refuses every other key, and a key that a container may still queue an
// opt-out under.
func (c Contacts) Remove(id string, now time.Time) (Contacts, error) {
	key := c.key(id)
	switch {
	case key == (Key{}):
		return c, refuse("there is no such contact key: `stille keys list` shows them")
	case key.Primary:
		return c, refuse("%s is the primary contact key, everything is written under it: `stille keys rotate contact` makes another", id)
	case key.Pending:
		return c, refuse("the contact key %s is pending: `stille keys rotate contact` makes it the primary key", id)
	case now.Before(c.RemovableAt()):
		return c, refuse("the contact key %s was the primary key until lately, and a message in the queue %s may still name a contact by it: try again from %s on",
			id, names.QueueOutage, c.RemovableAt().Format(time.RFC3339))
	}
	next, err := c.remove(id)
	return Contacts{next}, err
}

// key returns the key of this id, or the zero Key.
func (c Contacts) key(id string) Key {
	for _, key := range c.keys() {
		if key.ID == id {
			return key
		}
	}
	return Key{}
}
