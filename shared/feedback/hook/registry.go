package hook

import (
	"slices"
	"time"

	"stille/shared/scope"
)

// Overlap is how long a secret that was replaced still works: the operator has to
// paste the new one on the other side.
const Overlap = 24 * time.Hour

// Hook is an address that one provider may call. It holds secrets: it must not be
// logged.
type Hook struct {
	Provider string      `json:"provider"`
	Scope    scope.Scope `json:"scope"`
	URL      string      `json:"url"` // as the provider was given it
	AddedAt  time.Time   `json:"addedAt"`
	Credential
}

// Credential is a secret, and for Overlap the secret that it replaced.
type Credential struct {
	Secret      string    `json:"secret"`
	Former      string    `json:"former,omitempty"`
	FormerUntil time.Time `json:"formerUntil,omitzero"`
}

// Secrets returns the secrets that are valid now, the newest first.
func (c Credential) Secrets(now time.Time) []string {
	if c.Former != "" && now.Before(c.FormerUntil) {
		return []string{c.Secret, c.Former}
	}
	return []string{c.Secret}
}

// Replaced returns the credential with another secret. The present one works for
// Overlap longer.
func (c Credential) Replaced(secret string, now time.Time) Credential {
	if c.Secret == secret {
		return c
	}
	return Credential{Secret: secret, Former: c.Secret, FormerUntil: now.Add(Overlap)}
}

// Only returns the credential in which the newest secret alone works.
func (c Credential) Only() Credential { return Credential{Secret: c.Secret} }

// Registry is every hook there is.
type Registry []Hook

func (r Registry) index(provider string, in scope.Scope) int {
	return slices.IndexFunc(r, func(h Hook) bool { return h.Provider == provider && h.Scope == in })
}

// Find returns the hook of a provider and a scope, and whether there is one.
func (r Registry) Find(provider string, in scope.Scope) (Hook, bool) {
	if at := r.index(provider, in); at >= 0 {
		return r[at], true
	}
	return Hook{}, false
}

// Add returns the registry with the hook, which takes the place of a hook of the
// same provider and scope. The secret of that one works for Overlap longer.
func (r Registry) Add(h Hook, now time.Time) Registry {
	next := slices.Clone(r)
	at := r.index(h.Provider, h.Scope)
	if at < 0 {
		return append(next, h)
	}
	h.Credential = r[at].Replaced(h.Secret, now)
	next[at] = h
	return next
}

// Only returns the registry in which the hook's newest secret alone works.
func (r Registry) Only(provider string, in scope.Scope) Registry {
	next := slices.Clone(r)
	if at := r.index(provider, in); at >= 0 {
		next[at].Credential = next[at].Credential.Only()
	}
	return next
}

// Remove returns the registry without the hook, and whether there was one.
func (r Registry) Remove(provider string, in scope.Scope) (Registry, bool) {
	at := r.index(provider, in)
	if at < 0 {
		return r, false
	}
	return slices.Delete(slices.Clone(r), at, at+1), true
}
