package suppression

import (
	"context"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Question asks whether messages may be sent.
type Question struct {
	Purpose Purpose
	Scope   scope.Scope
	Basis   scope.Scope // where marketing needs a live basis; empty where it needs none
}

// Verdict is what a check answers about one contact: a yes, or the reason why not
// and the scope of the reason. Basis is what marketing rests on, where it needs a
// basis.
type Verdict struct {
	Send   bool
	Reason string
	Scope  scope.Scope
	Since  time.Time // of a suppression
	Basis  Basis
}

// Checker answers whether messages may be sent: the one rule of every check. It
// reads strongly and writes nothing.
type Checker struct {
	// List answers for every contact, each given by all its live keys, in their order.
	List interface {
		Lookup(ctx context.Context, contacts [][]contact.Key) ([]Found, error)
	}
	// Records answers likewise with the records that tell a basis in the scopes.
	Records interface {
		Evidence(ctx context.Context, class string, contacts [][]contact.Key, scopes []scope.Scope) ([]Evidence, error)
	}
	// Policy is asked only where a basis is needed.
	Policy func(ctx context.Context) (*retention.Policy, error)
}

// Check answers for every contact, in their order. It fails as a whole, and a
// contact without a key is a no.
func (c Checker) Check(ctx context.Context, contacts [][]contact.Key, asked Question, now time.Time) ([]Verdict, error) {
	found, err := c.List.Lookup(ctx, contacts)
	if err != nil {
		return nil, err
	}
	verdicts := make([]Verdict, len(contacts))
	var open []int // the places of the contacts that no opt-out stops
	for i, keys := range contacts {
		if found[i].Err != nil || len(keys) == 0 {
			verdicts[i] = Verdict{Reason: Unreadable}
			continue
		}
		d := Decide(found[i].Item, asked.Purpose, asked.Scope)
		verdicts[i] = Verdict{Send: d.Send, Reason: string(d.Reason), Scope: d.Scope, Since: d.Since}
		if d.Send {
			open = append(open, i)
		}
	}
	if asked.Purpose == Marketing && asked.Basis != "" && len(open) > 0 {
		err = c.demand(ctx, contacts, found, open, asked.Basis, now, verdicts)
	}
	if err != nil {
		return nil, err
	}
	return verdicts, nil
}

// demand turns the yes of an open contact into a no where marketing lacks a live
// basis in the scope, and names the basis otherwise.
func (c Checker) demand(
	ctx context.Context, contacts [][]contact.Key, found []Found, open []int, in scope.Scope, now time.Time, verdicts []Verdict,
) error {
	policy, err := c.Policy(ctx)
	if err != nil {
		return err
	}
	said := make([]Evidence, len(open))
	class, kept := policy.Class(retention.Messaging)
	if kept {
		asked := make([][]contact.Key, len(open))
		for n, i := range open {
			asked[n] = contacts[i]
		}
		if said, err = c.Records.Evidence(ctx, class.Name, asked, slices.Compact([]scope.Scope{in, in.Brand()})); err != nil {
			return err
		}
	}
	for n, i := range open {
		b := DecideBasis(found[i].Item, said[n], class, in, now)
		verdicts[i] = Verdict{Send: b.Reason == "", Reason: b.Reason, Basis: b}
		if b.Reason != "" && b.Reason != Unreadable {
			verdicts[i].Scope = in
		}
	}
	return nil
}
