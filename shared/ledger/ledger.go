// Package ledger is the history of a contact's suppressions: one entry for each
// change. Each entry names the hash of the entry before it, so that an altered,
// dropped or inserted entry is found by reading the chain. An entry is written in
// the same transaction as its change; the package promises the chain, not the
// storage. Entries carry the contact's key, never an address.
package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
)

// ErrBroken means that entries do not form one unbroken chain.
var ErrBroken = errors.New("the ledger's chain is broken")

// Hash is the SHA-256 of an entry, in hex; empty before a contact's first.
type Hash string

// Action is what an entry says was done.
type Action string

const (
	// Suppressed means that messages stop.
	Suppressed Action = "suppressed"
	// Released means that a reason was lifted.
	Released Action = "released"
	// Noted means that an event arrived after a newer event: recorded, without
	// effect.
	Noted Action = "noted"
	// Rekeyed means that this key took over the item of an older key of the
	// contact. A Rekeyed entry has no scope, reason or source.
	Rekeyed Action = "rekeyed"
)

// Entry is one change. Its place in the chain is Version, counted from 1
// without gaps for each key.
type Entry struct {
	ID         string          `json:"id"` // ULID of the moment it was recorded
	Key        contact.Key     `json:"key"`
	Version    int64           `json:"version"`
	Channel    contact.Channel `json:"channel"`
	Action     Action          `json:"action"`
	Scope      scope.Scope     `json:"scope"`
	Reason     string          `json:"reason"`
	Source     string          `json:"source"`         // where the event came from
	Note       string          `json:"note,omitempty"` // a reference, never free text
	At         time.Time       `json:"at"`             // when it happened
	RecordedAt time.Time       `json:"recordedAt"`     // when it was written down
	Previous   Hash            `json:"previous,omitempty"`

	// Only a Rekeyed entry has these: the older key, and the last hash of its
	// chain. Other entries omit both, so that stored hashes stay valid.
	Former     contact.Key `json:"former,omitempty"`
	FormerHead Hash        `json:"formerHead,omitempty"`

	// Asked is what an undo or a noted event asked for: suppress, release or undo.
	// Other entries, and the entries of older versions, omit Asked.
	Asked string `json:"asked,omitempty"`
}

// Page is some entries of the whole ledger.
type Page struct {
	Entries    []Entry
	Unreadable int
	Last       string // the place to go on from; "" on the last page
}

// Hash is the SHA-256 over the entry's JSON form with all times in UTC: every
// field counts, Previous among them.
func (e Entry) Hash() Hash {
	e.At, e.RecordedAt = e.At.UTC(), e.RecordedAt.UTC()
	// Strings, integers and times always marshal: suppression.Apply has checked
	// that the years have four digits.
	b, _ := json.Marshal(e)
	sum := sha256.Sum256(b)
	return Hash(hex.EncodeToString(sum[:]))
}

// Verify checks that the entries, oldest first, are the whole history of one key
// and end in head. The error wraps ErrBroken and names the first version that
// does not fit.
func Verify(entries []Entry, head Hash) error {
	var previous Hash
	for i, e := range entries {
		switch {
		case e.Version != int64(i)+1:
			return fmt.Errorf("%w: version %d stands where %d belongs", ErrBroken, e.Version, i+1)
		case e.Key != entries[0].Key:
			return fmt.Errorf("%w: version %d belongs to another contact", ErrBroken, e.Version)
		case e.Previous != previous:
			return fmt.Errorf("%w: version %d does not follow the one before it", ErrBroken, e.Version)
		}
		previous = e.Hash()
	}
	if previous != head {
		return fmt.Errorf("%w: the last entry is not the entry that the suppression names", ErrBroken)
	}
	return nil
}

// VerifyTie checks that former, oldest first, is the history of the older key
// that the Rekeyed entry took over, up to the taking-over. The error wraps
// ErrBroken, also where e is no Rekeyed entry. Verify checks that former is
// whole.
func (e Entry) VerifyTie(former []Entry) error {
	if e.Action != Rekeyed || len(former) == 0 || former[0].Key != e.Former || former[len(former)-1].Hash() != e.FormerHead {
		return fmt.Errorf("%w: version %d is not tied to the history of the older key it names", ErrBroken, e.Version)
	}
	return nil
}
