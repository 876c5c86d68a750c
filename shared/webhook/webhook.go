// Package webhook tells other systems of opt-outs and releases, by signed calls as
// the Standard Webhooks specification has them. It is pure: package deliver in
// functions makes the calls.
//
// It promises that a change reaches every webhook whose scope the change touches
// at least once, that all attempts of one change carry one id and one body, and
// that an address is sealed until the call that delivers it. It refuses a URL
// that leads into a private network or carries a password.
package webhook

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"time"

	"stille/shared/feedback/hook"
	"stille/shared/scope"
)

// Webhook is an address that is told of changes. It holds secrets: it must not be
// logged.
type Webhook struct {
	URL         string      `json:"url"`
	Scope       scope.Scope `json:"scope"`
	WithAddress bool        `json:"withAddress,omitempty"` // after a link's click
	AddedAt     time.Time   `json:"addedAt"`
	hook.Credential
}

// ID names the webhook in queues and logs. It tells nothing of the URL, which may
// hold a token.
func (w Webhook) ID() string {
	sum := sha256.Sum256([]byte(string(w.Scope) + " " + w.URL))
	return hex.EncodeToString(sum[:8])
}

// Hears tells whether a change in a scope touches the webhook's scope: an opt-out
// of a brand stops its topics, and an opt-out of everything stops every brand.
func (w Webhook) Hears(in scope.Scope) bool { return w.Scope.Covers(in) || in.Covers(w.Scope) }

// With returns the webhook with another credential.
func (w Webhook) With(c hook.Credential) Webhook {
	w.Credential = c
	return w
}

// Registry is every webhook there is.
type Registry = hook.Entries[Webhook]

// Find returns the webhooks of a URL, in one scope, or in all where it is empty.
func Find(all Registry, url string, in scope.Scope) Registry {
	return slices.DeleteFunc(slices.Clone(all), func(w Webhook) bool { return w.URL != url || in != "" && w.Scope != in })
}

// NewSecret returns a secret of the form that Standard Webhooks libraries take.
func NewSecret() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key)
}
