package keyring

import (
	"encoding/json"
	"time"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/link"
)

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
func (l Links) Email() []Key { return l.email.keys() }

// SMS returns the keys of SMS links, oldest first, with the letters of their tokens.
func (l Links) SMS() []Key {
	keys := l.sms.keys()
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
