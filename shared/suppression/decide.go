package suppression

import (
	"cmp"
	"time"

	"stille/shared/scope"
)

// Purpose is what a message is for.
type Purpose string

const (
	// Marketing messages stop for every reason.
	Marketing Purpose = "marketing"
	// Transactional messages belong to a service that the person uses. An opt-out
	// never stops transactional messages; a hard bounce does.
	Transactional Purpose = "transactional"
)

// ParsePurpose returns the purpose of this name, marketing for the empty one.
func ParsePurpose(name string) (Purpose, bool) {
	p := cmp.Or(Purpose(name), Marketing)
	return p, p == Marketing || p == Transactional
}

// Decision answers a check: send, or the reason why not, its scope and its
// start. Of several reasons the decision names the oldest.
type Decision struct {
	Send   bool
	Reason Reason
	Scope  scope.Scope
	Since  time.Time
}

// Decide tells whether a message for the purpose, in the scope, may be sent to
// the contact of the item. A reason blocks the messages of its scope and of the
// scopes below it: every reason blocks marketing, a hard bounce every purpose. A
// question without a scope, or about every scope, is blocked by a reason in any
// scope.
func Decide(item Item, purpose Purpose, in scope.Scope) Decision {
	blocked := Decision{Send: true}
	for s, reasons := range item.Marks {
		for r, m := range reasons {
			if !m.Active() || !blocks(r, s, purpose, in) {
				continue
			}
			if found := (Decision{Reason: r, Scope: s, Since: m.First}); blocked.Send || found.older(blocked) {
				blocked = found
			}
		}
	}
	return blocked
}

// Suppresses tells whether a reason in the scope or above the scope suppresses
// the contact.
func (i Item) Suppresses(in scope.Scope) bool {
	for s, reasons := range i.Marks {
		for _, m := range reasons {
			if m.Active() && s.Covers(in) {
				return true
			}
		}
	}
	return false
}

func blocks(r Reason, marked scope.Scope, purpose Purpose, in scope.Scope) bool {
	if purpose == Transactional && !r.rule().stopsService {
		return false
	}
	return in == "" || in == scope.Everywhere || marked.Covers(in)
}

// older orders decisions by time, then by name, so that an answer does not
// depend on the order of a map.
func (d Decision) older(than Decision) bool {
	return cmp.Or(d.Since.Compare(than.Since), cmp.Compare(d.Scope, than.Scope), cmp.Compare(d.Reason, than.Reason)) < 0
}
