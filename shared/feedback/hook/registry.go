package hook

import (
	"slices"
	"time"

	"stille/shared/scope"
)

// Overlap is how long a secret that was replaced still proves a call: the
// operator has to paste the new one at the provider.
const Overlap = 24 * time.Hour

// Hook is an address that one provider may call. It holds secrets: it must not be
// logged.
type Hook struct {
	Provider    string      `json:"provider"`
	Scope       scope.Scope `json:"scope"`
	URL         string      `json:"url"` // as the provider was given it
	AddedAt     time.Time   `json:"addedAt"`
	Secret      string      `json:"secret"`
	Former      string      `json:"former,omitempty"`
	FormerUntil time.Time   `json:"formerUntil,omitzero"`
}

// Secrets returns the secrets that prove a call now.
func (h Hook) Secrets(now time.Time) []string {
	if h.Former != "" && now.Before(h.FormerUntil) {
		return []string{h.Secret, h.Former}
	}
	return []string{h.Secret}
}

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
	h.Former, h.FormerUntil = r[at].Former, r[at].FormerUntil
	if r[at].Secret != h.Secret {
		h.Former, h.FormerUntil = r[at].Secret, now.Add(Overlap)
	}
	next[at] = h
	return next
}

// Only returns the registry in which the hook's newest secret alone works.
func (r Registry) Only(provider string, in scope.Scope) Registry {
	next := slices.Clone(r)
	if at := r.index(provider, in); at >= 0 {
		next[at].Former, next[at].FormerUntil = "", time.Time{}
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
