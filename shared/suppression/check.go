package suppression

import (
	"cmp"
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
// and the scope of the reason, and what marketing rests on, where it needs a basis.
// Its JSON is the answer of the tools' API.
type Verdict struct {
	Send   bool        `json:"send"`
	Reason string      `json:"reason,omitempty"`
	Scope  scope.Scope `json:"scope,omitempty"`
	Since  time.Time   `json:"since,omitzero"` // of a suppression
	Key    contact.Key `json:"key,omitempty"`  // the contact's newest, which Checker leaves to its caller

	Basis      retention.Basis `json:"basis,omitempty"`
	BasisUntil string          `json:"basisUntil,omitempty"` // absent while the service of a customer runs
	Evidence   string          `json:"evidence,omitempty"`   // the id of the record that holds the basis
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
		verdicts[i] = Verdict{Send: b.Reason == "", Reason: b.Reason, Basis: b.Basis, BasisUntil: b.Until, Evidence: b.Record}
		if b.Reason != "" && b.Reason != Unreadable {
			verdicts[i].Scope = in
		}
	}
	return nil
}

// Reasons not to send that no opt-out gives.
const (
	NoBasis      = "no-basis"
	BasisExpired = "basis-expired"
	Unreadable   = "unreadable" // what is stored of the contact cannot be understood

	InvalidAddress = "invalid-address" // the contact's address cannot be parsed
	UnknownScope   = "unknown-scope"   // there is no such scope
)

// Evidence is what the messaging class says of one contact. Err wraps
// retention.ErrUnreadable where a record of the contact cannot be understood:
// then nothing may be sent to the contact.
type Evidence struct {
	Records []retention.Stored
	Err     error
}

// Basis tells on what marketing to a contact rests, or the reason why marketing
// rests on nothing.
type Basis struct {
	Reason string // empty for a live basis
	Basis  retention.Basis
	Until  string // the last day, as 2006-01-02; empty while a customer's service runs
	Record string // the id of the record
}

// DecideBasis finds the live basis for marketing to the contact of the item, in
// the scope: a consent or a customer, recorded in the scope or above the scope,
// not due, not withdrawn, and newer than every opt-out. The end of an opt-out
// alone revives no basis. Of several live bases the last to end counts.
func DecideBasis(item Item, said Evidence, class retention.Class, in scope.Scope, now time.Time) Basis {
	if said.Err != nil {
		return Basis{Reason: Unreadable}
	}
	best := Basis{Reason: NoBasis}
	for _, r := range said.Records {
		if b := basisOf(item, r, class, in, now); b.compare(best) > 0 {
			best = b
		}
	}
	return best
}

func basisOf(item Item, r retention.Stored, class retention.Class, in scope.Scope, now time.Time) Basis {
	said := r.Record
	said.Objects = nil // a bucket that left the policy takes no basis away
	given := r.OccurredAt
	if r.Basis == retention.Consent && r.Start.Before(given) {
		given = r.Start // a newer record of an old consent is no newer consent
	}
	switch {
	case r.OccurredAt.IsZero(), len(class.Validate(said, now)) > 0, !r.Scope.Covers(in),
		!r.WithdrawnAt.IsZero(), item.optedOutSince(given, class.Name, in):
		return Basis{Reason: NoBasis}
	}
	until := ""
	if !r.Start.IsZero() {
		until = class.Keep.LastDay(r.Start, class.Location()).String()
	}
	switch {
	case class.Due(r.Record, now):
		return Basis{Reason: BasisExpired, Until: until}
	case r.PurgingBy != "":
		return Basis{Reason: NoBasis}
	}
	return Basis{Basis: r.Basis, Until: until, Record: r.ID}
}

// optedOutSince tells whether the contact has said no in the scope, at the time
// or later, for a reason that withdraws records of the class. A no that was
// lifted counts.
func (i Item) optedOutSince(at time.Time, class string, in scope.Scope) bool {
	for s, reasons := range i.Marks {
		for r, m := range reasons {
			if s.Covers(in) && r.Withdraws(class) && !m.Last.IsZero() && !m.Last.Before(at) {
				return true
			}
		}
	}
	return false
}

// compare orders bases: a live basis is more than an expired basis, and an expired
// basis more than none. A later last day is more, and no last day is the most.
func (b Basis) compare(other Basis) int {
	rank := func(b Basis) int { return map[string]int{"": 2, BasisExpired: 1}[b.Reason] }
	last := func(b Basis) string { return cmp.Or(b.Until, "running") } // after every date
	return cmp.Or(
		cmp.Compare(rank(b), rank(other)), cmp.Compare(last(b), last(other)), cmp.Compare(other.Record, b.Record),
	)
}
