// Package outage keeps opt-outs that the store did not take, in a queue, until
// it takes them: an opt-out is made once, and nobody repeats it for us. It
// promises that what waits names a person by contact keys alone, and that it
// says when the person opted out, so that it may be carried out at any later
// time. It refuses a message that does not say all of it.
package outage

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

var (
	// ErrMalformed means that a message is no opt-out. It will never be one.
	ErrMalformed = errors.New("the message is no waiting opt-out")
	// ErrUnknownKeys means that none of an opt-out's keys was made with a key
	// that is live, so that nobody would be found by them.
	ErrUnknownKeys = errors.New("the waiting opt-out was named with keys that are not live")
)

// OptOut is one opt-out through a link.
type OptOut struct {
	Keys    []contact.Key      `json:"keys"` // the contact's, newest first; maybe made with an unproven set
	Channel contact.Channel    `json:"channel"`
	Scope   scope.Scope        `json:"scope"`
	Source  suppression.Source `json:"source"` // link or one-click
	At      time.Time          `json:"at"`     // when the person opted out
}

// Of is the opt-out that a change would have been.
func Of(who contact.Known, c suppression.Change) OptOut {
	return OptOut{Keys: who.Keys, Channel: who.Channel, Scope: c.Scope, Source: c.Source, At: c.At.UTC()}
}

// Change is what the opt-out does to the suppression list.
func (o OptOut) Change() suppression.Change {
	return suppression.Change{
		Action: suppression.Suppress, Scope: o.Scope, Reason: suppression.Unsubscribed, At: o.At, Source: o.Source,
	}
}

// Live returns the contact by those of the opt-out's keys that are live in a
// proven set, or ErrUnknownKeys where none is.
func (o OptOut) Live(proven *contact.KeySet) (contact.Known, error) {
	live := contact.Known{Channel: o.Channel}
	for _, key := range o.Keys {
		if proven.Live(key) {
			live.Keys = append(live.Keys, key)
		}
	}
	if len(live.Keys) == 0 {
		return contact.Known{}, ErrUnknownKeys
	}
	return live, nil
}

// Read reads a message. Its error wraps ErrMalformed and names what is wrong,
// never the value it is wrong with.
func Read(message string) (OptOut, error) {
	var o OptOut
	if err := json.Unmarshal([]byte(message), &o); err != nil {
		return OptOut{}, malformed("it is not JSON of the right shape")
	}
	if len(o.Keys) == 0 || len(o.Keys) > contact.MaxLiveKeys {
		return OptOut{}, malformed("the number of keys")
	}
	for _, key := range o.Keys {
		if _, err := contact.ParseKey(string(key)); err != nil {
			return OptOut{}, malformed("a key")
		}
	}
	_, err := scope.Parse(string(o.Scope))
	switch {
	case err != nil:
		return OptOut{}, malformed("the scope")
	case o.Channel != contact.Email && o.Channel != contact.SMS:
		return OptOut{}, malformed("the channel")
	case o.Source != suppression.SourceLink && o.Source != suppression.SourceOneClick:
		return OptOut{}, malformed("the source")
	case o.At.Year() < 1970:
		return OptOut{}, malformed("the time")
	}
	return o, nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }
