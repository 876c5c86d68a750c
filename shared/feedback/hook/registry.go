package hook

import (
	"context"
	"log/slog"
	"slices"
	"sync"
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

func (c Credential) held() Credential { return c }

// ID names the hook among the hooks.
func (h Hook) ID() string { return h.Provider + "/" + string(h.Scope) }

// With returns the hook with another credential.
func (h Hook) With(c Credential) Hook {
	h.Credential = c
	return h
}

// Registry is every hook there is.
type Registry = Entries[Hook]

// Entry is a hook or a webhook. It embeds a Credential.
type Entry[E any] interface {
	ID() string
	With(c Credential) E
	held() Credential
}

// Entries is a registry: every hook, or every webhook.
type Entries[E Entry[E]] []E

// ByID returns the entry with the id, and whether there is one.
func (all Entries[E]) ByID(id string) (found E, there bool) {
	if at := all.index(id); at >= 0 {
		return all[at], true
	}
	return found, false
}

// Add returns the registry with the entry, which takes the place of the entry of the
// same id. The secret of that entry works for Overlap longer.
func (all Entries[E]) Add(e E, now time.Time) Entries[E] {
	if before, there := all.ByID(e.ID()); there {
		e = e.With(before.held().Replaced(e.held().Secret, now))
	}
	return all.Set(e)
}

// Set is Add, but for the secret of the entry that is replaced: it ends at once.
func (all Entries[E]) Set(e E) Entries[E] {
	next := slices.Clone(all)
	if at := all.index(e.ID()); at >= 0 {
		next[at] = e
		return next
	}
	return append(next, e)
}

// Remove returns the registry without the entry.
func (all Entries[E]) Remove(id string) Entries[E] {
	return slices.DeleteFunc(slices.Clone(all), func(e E) bool { return e.ID() == id })
}

func (all Entries[E]) index(id string) int {
	return slices.IndexFunc(all, func(e E) bool { return e.ID() == id })
}

// Call is what came of a call: of a provider, or of a delivery to a webhook.
type Call struct {
	At      time.Time `json:"at"`                // to the minute
	Failure string    `json:"failure,omitempty"` // why the receiver did not take it
}

// NoteEvery is how often a call is stored while the outcome is the same, and
// noteChange while it changes: a receiver that fails now and then must not cost a
// write for each call.
const (
	NoteEvery  = time.Minute
	noteChange = time.Second
)

// Sightings stores the last call of each hook or webhook. It is safe for concurrent use.
type Sightings struct {
	Store func(ctx context.Context, id string, c Call) error
	mu    sync.Mutex
	last  map[string]Call
}

// Note stores a call. `stille hook list` and `stille webhook list` show it; nothing
// else depends on it.
func (s *Sightings) Note(ctx context.Context, log *slog.Logger, id string, c Call) {
	if !s.Due(id, c) {
		return
	}
	if err := s.Store(ctx, id, c); err != nil {
		log.WarnContext(ctx, "the last call is not stored", "of", id, "error", err)
	}
}

// Due reports whether a call must be stored, and then takes it as stored.
func (s *Sightings) Due(id string, c Call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, seen := s.last[id]
	pause := noteChange
	if before.Failure == c.Failure {
		pause = NoteEvery
	}
	if seen && c.At.Sub(before.At) < pause {
		return false
	}
	if s.last == nil {
		s.last = map[string]Call{}
	}
	s.last[id] = c
	return true
}
