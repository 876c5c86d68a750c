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
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/feedback/hook"
	"stille/shared/ledger"
	"stille/shared/link"
	"stille/shared/scope"
	"stille/shared/suppression"
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

// longestURL bounds the registry, which has one secret's room.
const longestURL = 1024

// CheckURL returns nil, or an error that says what is wrong with the URL of a
// webhook. A local stack takes http on the loopback address as well.
func CheckURL(raw string, local bool) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || len(raw) > longestURL || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("it must look like https://receiver.example/path")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	literal := err == nil
	loopback := strings.EqualFold(u.Hostname(), "localhost") || literal && ip.Unmap().IsLoopback()
	switch {
	case u.User != nil:
		return errors.New("it must not hold a name or a password: the signature proves who calls")
	case u.Fragment != "":
		return errors.New("it must not have a part after #")
	case u.Scheme == "http" && local && loopback:
		return nil
	case u.Scheme != "https":
		return errors.New("it must begin with https://")
	case loopback && !local, literal && !loopback && !IsPublic(ip):
		return ErrPrivate
	}
	return nil
}

// ErrPrivate means that a host is no address of the public internet.
var ErrPrivate = errors.New("its host is no public address: a webhook must not lead into a private network")

// MayReach tells whether a call may connect to an address. Only the dialled
// address counts: a name may lead elsewhere than when it was added.
func MayReach(ip netip.Addr, local bool) bool {
	return IsPublic(ip) || local && ip.Unmap().IsLoopback()
}

// IsPublic tells whether the address is one of the public internet, by the
// registries of IANA for special-purpose addresses.
func IsPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	if ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", // 6to4 and Teredo hold an address of version 4
	} {
		if netip.MustParsePrefix(special).Contains(ip) {
			return false
		}
	}
	return true
}

// Clicks tell the address of a person who used a link to the webhooks that were
// added with the address. Nothing else that goes out holds an address.
type Clicks struct {
	Webhooks func(ctx context.Context) (Registry, error)
	Keys     func(ctx context.Context) (*link.Keys, error)                         // seal addresses
	Queue    func(ctx context.Context, after time.Duration, all ...Delivery) error // once it has returned without an error, they are durable
	Now      func() time.Time
}

// clickPatience is how long the person waits for the queue at most. A delivery
// without the address follows from the ledger in any case.
const clickPatience = 500 * time.Millisecond

// Tell queues what the person changed, with the address. After an error the
// webhooks are told without the address.
func (c Clicks) Tell(ctx context.Context, person contact.Contact, e ledger.Entry) error {
	if !suppression.Announced(e) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, clickPatience)
	defer cancel()
	all, err := c.Webhooks(ctx)
	if err != nil {
		return err
	}
	delivery := Of(e, c.Now())
	var out []Delivery
	for _, w := range all {
		if !w.Hears(e.Scope) || !delivery.MayHaveAddress(w) {
			continue
		}
		if delivery.Sealed == "" {
			keys, err := c.Keys(ctx)
			if err != nil {
				return fmt.Errorf("getting the keys that seal an address: %w", err)
			}
			if delivery.Sealed, err = keys.Seal(person); err != nil {
				return err
			}
		}
		to, _ := delivery.To(w)
		out = append(out, to)
	}
	if len(out) == 0 {
		return nil
	}
	return c.Queue(ctx, 0, out...)
}
