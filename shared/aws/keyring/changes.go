package keyring

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
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

// keys returns the set's keys in the order in which they were added.
func (c changing) keys() []Key {
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
