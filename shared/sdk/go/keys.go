package client

import (
	"container/list"
	"strings"
	"sync"
)

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
