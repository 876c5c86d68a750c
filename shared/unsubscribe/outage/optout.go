// Package outage keeps every "no" through an outage of the store, from every
// door: a link, an SMS reply, a complaint, a bounce, a hook. An opt-out that
// the list does not take waits in the outage queue, because nobody repeats an
// opt-out for us. The package promises that a message in the queue names a person
// by contact keys, or by a link that no key could open, holds no text, and says when
// the person opted out, so that the opt-out may be carried out at any later time. It
// refuses a message that lacks a part.
package outage

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

var (
	// ErrMalformed means that a message is not an opt-out; a retry is useless.
	ErrMalformed = errors.New("the message is not an opt-out")
	// ErrUnknownKeys means that no key of an opt-out was made with a live key:
	// a lookup by them would find nobody.
	ErrUnknownKeys = errors.New("none of the opt-out's keys is live")
)

// OptOut is one opt-out, with either Keys and Scope or a Link.
type OptOut struct {
	Keys    []contact.Key      `json:"keys,omitempty"` // the contact's, newest first; maybe made with an unproven set
	Link    *Link              `json:"link,omitempty"`
	Channel contact.Channel    `json:"channel"`
	Scope   scope.Scope        `json:"scope,omitempty"`
	Reason  suppression.Reason `json:"reason"`
	Source  suppression.Source `json:"source"`
	At      time.Time          `json:"at"` // when the person opted out
}

// Link is a link that no key could open, and what the person wished. The link may
// be invented.
type Link struct {
	Token  string `json:"token"`
	Action string `json:"action"`          // of the page
	Topic  string `json:"topic,omitempty"` // of the action
}

// sources are where an opt-out that waits may come from beside a link. A tool
// repeats its call, and an operator the command.
func sources() []suppression.Source {
	return []suppression.Source{
		suppression.SourceSMS, suppression.SourceSMSReview,
		suppression.SourceSESBounce, suppression.SourceSESComplaint, suppression.SourceSESUnsubscribe,
	}
}

// Of is the opt-out that a change would have been.
func Of(who contact.Known, c suppression.Change) OptOut {
	return OptOut{Keys: who.Keys, Channel: who.Channel, Scope: c.Scope, Reason: c.Reason, Source: c.Source, At: c.At.UTC()}
}

// Change is what the opt-out does to the suppression list.
func (o OptOut) Change() suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: o.Scope, Reason: o.Reason, At: o.At, Source: o.Source}
}

// Group is the same for all opt-outs of a contact, which keep their order, and of a
// link. A queue's encryption leaves the group readable, so it is a hash.
func (o OptOut) Group() string {
	var of []byte
	if o.Link != nil {
		of = []byte(o.Link.Token)
	} else {
		of = []byte(o.Keys[0])
	}
	sum := sha256.Sum256(of)
	return hex.EncodeToString(sum[:])
}

// Live returns the contact by those of the opt-out's keys that are live in a
// proven set, or ErrUnknownKeys where none is.
func (o OptOut) Live(proven *contact.KeySet) (contact.Known, error) {
	live := slices.DeleteFunc(slices.Clone(o.Keys), func(key contact.Key) bool { return !proven.Live(key) })
	if len(live) == 0 {
		return contact.Known{}, ErrUnknownKeys
	}
	return contact.Known{Channel: o.Channel, Keys: live}, nil
}

// Read reads a message. Its error wraps ErrMalformed and names what is wrong,
// never the value it is wrong with. A message without a reason is from a version
// in which only links had a queue.
func Read(message string) (OptOut, error) {
	o := OptOut{Reason: suppression.Unsubscribed}
	if err := json.Unmarshal([]byte(message), &o); err != nil {
		return OptOut{}, malformed("it is not JSON of the right shape")
	}
	if (len(o.Keys) == 0) == (o.Link == nil) || len(o.Keys) > contact.MaxLiveKeys {
		return OptOut{}, malformed("the number of keys")
	}
	for _, key := range o.Keys {
		if _, err := contact.ParseKey(string(key)); err != nil {
			return OptOut{}, malformed("a key")
		}
	}
	_, err := scope.Parse(string(o.Scope))
	_, known := suppression.ParseReason(string(o.Reason))
	switch {
	case err != nil && o.Link == nil:
		return OptOut{}, malformed("the scope")
	case !known:
		return OptOut{}, malformed("the reason")
	case !slices.Contains(contact.Channels(), o.Channel):
		return OptOut{}, malformed("the channel")
	case !o.Source.FromLink() && !o.Source.FromHook() && !slices.Contains(sources(), o.Source):
		return OptOut{}, malformed("the source")
	case suppression.CheckTime(o.At, o.At) != nil: // whether it lies ahead is for Apply to say
		return OptOut{}, malformed("the time")
	}
	return o, nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }
