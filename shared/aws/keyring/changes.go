package keyring

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/names"
)

// times are stored beside a Tink key set, which has no place for them.
type times struct {
	Created time.Time `json:"created"`
	Primary time.Time `json:"primary,omitzero"` // when it became the primary key
}

// changing is a key set that is listed or changed, never used. A change returns
// another one.
type changing struct {
	handle *keyset.Handle
	times  map[string]times
	// stored is when the secret was written. A set without times was never
	// changed, so its keys are as old as the secret.
	stored time.Time
}

func newChanging(set json.RawMessage, known map[string]times, stored time.Time) (changing, error) {
	handle, err := readKeySet(string(set))
	if err != nil {
		return changing{}, err
	}
	c := changing{handle: handle, times: make(map[string]times), stored: stored.UTC()}
	info := handle.KeysetInfo()
	for _, key := range info.GetKeyInfo() {
		id := hexID(key.GetKeyId())
		t, ok := known[id]
		if !ok {
			t.Created = c.stored
			if key.GetKeyId() == info.GetPrimaryKeyId() {
				t.Primary = c.stored
			}
		}
		c.times[id] = t
	}
	return c, nil
}

// Keys returns the set's keys, oldest first.
func (c changing) Keys() []Key {
	var (
		info = c.handle.KeysetInfo()
		keys = make([]Key, len(info.GetKeyInfo()))
		past bool // the primary key
	)
	for i, key := range info.GetKeyInfo() {
		id, primary := hexID(key.GetKeyId()), key.GetKeyId() == info.GetPrimaryKeyId()
		live := key.GetStatus() == tinkpb.KeyStatusType_ENABLED
		keys[i] = Key{
			ID: id, Created: c.times[id].Created, PrimarySince: c.times[id].Primary,
			Primary: primary, Pending: past && live, live: live,
		}
		past = past || primary
	}
	return keys
}

// add appends a new key, which becomes the primary key if primary is true.
func (c changing) add(template *tinkpb.KeyTemplate, primary bool, now time.Time) (changing, string, error) {
	var id uint32
	next, err := c.change(func(m *keyset.Manager) (err error) {
		if id, err = m.Add(template); err == nil && primary {
			err = m.SetPrimary(id)
		}
		return err
	})
	if err != nil {
		return changing{}, "", err
	}
	t := times{Created: now.UTC()}
	if primary {
		t.Primary = t.Created
	}
	next.times[hexID(id)] = t
	return next, hexID(id), nil
}

func (c changing) promote(id string, now time.Time) (changing, error) {
	next, err := c.change(func(m *keyset.Manager) error { return m.SetPrimary(keyID(id)) })
	if err != nil {
		return changing{}, err
	}
	next.times[id] = times{Created: next.times[id].Created, Primary: now.UTC()}
	return next, nil
}

func (c changing) remove(id string) (changing, error) {
	next, err := c.change(func(m *keyset.Manager) error { return m.Delete(keyID(id)) })
	if err != nil {
		return changing{}, err
	}
	delete(next.times, id)
	return next, nil
}

func (c changing) change(how func(*keyset.Manager) error) (changing, error) {
	manager := keyset.NewManagerFromHandle(c.handle)
	if err := how(manager); err != nil {
		return changing{}, fmt.Errorf("changing a key set: %w", err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return changing{}, fmt.Errorf("changing a key set: %w", err)
	}
	next := changing{handle: handle, times: make(map[string]times, len(c.times)), stored: c.stored}
	maps.Copy(next.times, c.times)
	return next, nil
}

// hexID writes a key's id as people and canaries know it: 8 hexadecimal digits.
func hexID(id uint32) string { return fmt.Sprintf("%08x", id) }

// keyID is the inverse of hexID, 0 for anything else.
func keyID(hex string) uint32 {
	id, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || hexID(uint32(id)) != hex {
		return 0
	}
	return uint32(id)
}

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

// Pending returns the key that the next rotation makes the primary key, if there
// is one.
func (c Contacts) Pending() (Key, bool) {
	for _, key := range c.Keys() {
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
	for _, key := range c.Keys() {
		if key.live {
			live++
		}
	}
	if live >= contact.MaxLiveKeys {
		return c, Key{}, refuse("there are %d live contact keys, and no more may be: destroy a key that nothing uses first, with `stille keys destroy contact KEYID`", live)
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
	for _, key := range c.Keys() {
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
	for _, key := range c.Keys() {
		if key.ID == id {
			return key
		}
	}
	return Key{}
}

// rotationRest is the least time between two rotations: a schedule may deliver
// an order twice.
const rotationRest = 24 * time.Hour

// Links is the content of a link secret, to be listed and changed.
type Links struct{ email, sms changing }

// OpenLinks reads a link secret and takes the time when it was stored. An error
// wraps ErrUnreadable.
func OpenLinks(secret string, stored time.Time) (Links, error) {
	if _, err := ParseLink(secret); err != nil {
		return Links{}, err
	}
	var s linkSecret
	if json.Unmarshal([]byte(secret), &s) != nil {
		return Links{}, ErrUnreadable
	}
	email, err := newChanging(s.Email, s.EmailTimes, stored)
	if err != nil {
		return Links{}, err
	}
	sms, err := newChanging(s.SMS, s.SMSTimes, stored)
	return Links{email, sms}, err
}

// Secret returns the secret to store.
func (l Links) Secret() (string, error) {
	email, err := writeKeySet(l.email.handle)
	if err != nil {
		return "", err
	}
	sms, err := writeKeySet(l.sms.handle)
	if err != nil {
		return "", err
	}
	return marshal(linkSecret{Email: email, SMS: sms, EmailTimes: l.email.times, SMSTimes: l.sms.times})
}

// Email returns the keys of e-mail links, oldest first.
func (l Links) Email() []Key { return l.email.Keys() }

// SMS returns the keys of SMS links, oldest first, with the letters of their tokens.
func (l Links) SMS() []Key {
	keys := l.sms.Keys()
	for i := range keys {
		keys[i].Letter = link.KeyLetter(i)
	}
	return keys
}

// Rotate adds a primary key for both kinds of links and keeps all others, because
// old links open for ever. It returns a Refusal if a key was added within a day,
// or if no letter for SMS tokens is left.
func (l Links) Rotate(now time.Time) (next Links, email, sms Key, err error) {
	keys := l.Email()
	newest := keys[len(keys)-1]
	if from := newest.Created.Add(rotationRest); len(keys) > 1 && now.Before(from) {
		return l, Key{}, Key{}, refuse("the link key %s was added within the last day, and a repeated order counts once: try again from %s on",
			newest.ID, from.Format(time.RFC3339))
	}
	if n := len(l.SMS()); n >= link.MaxSMSKeys {
		return l, Key{}, Key{}, refuse("there are %d SMS link keys, and no letter is left for the tokens of another", n)
	}
	if next.email, _, err = l.email.add(daead.AESSIVKeyTemplate(), true, now); err != nil {
		return l, Key{}, Key{}, err
	}
	if next.sms, _, err = l.sms.add(prf.HMACSHA256PRFKeyTemplate(), true, now); err != nil {
		return l, Key{}, Key{}, err
	}
	emails, numbers := next.Email(), next.SMS()
	return next, emails[len(emails)-1], numbers[len(numbers)-1], nil
}
