package suppression

import (
	"time"

	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/scope"
)

// Kept is what a withdrawal depends on of a record.
type Kept struct {
	Class       string
	Scope       scope.Scope
	OccurredAt  time.Time
	WithdrawnAt time.Time // zero where the record is not withdrawn
}

// Announced tells whether a ledger entry goes out as an event. A taking-over
// does not, and neither does an event that a newer event overtook.
func Announced(e ledger.Entry) bool {
	return e.Action == ledger.Suppressed || e.Action == ledger.Released
}

// Touches tells whether a ledger entry may withdraw records of a class, or end
// their withdrawal. After a taking-over the newer key may name records that only
// the older key knew something of. The records of an erasure are withdrawn also
// where newer consent overtook the erasure.
func Touches(e ledger.Entry, class string) bool {
	if e.Action == ledger.Rekeyed || Reason(e.Reason).WithdrawsForGood() {
		return true
	}
	return Announced(e) && class == names.Messaging
}

// Withdrawal returns the time that the withdrawal of a record moves to after a
// ledger entry, zero for none, and whether it moves. An opt-out only makes a
// withdrawal earlier. A release ends a withdrawal that the release covers and
// that is not newer, and leaves every other withdrawal alone: the owner of the
// record may have written it. The release of an erasure ends no withdrawal.
func Withdrawal(item Item, e ledger.Entry, of Kept) (at time.Time, moves bool) {
	at = WithdrawnAt(item, of.Class, of.Scope, of.OccurredAt)
	if at.IsZero() {
		r := Reason(e.Reason)
		lifted := e.Action == ledger.Released && r.Withdraws(of.Class) && !r.WithdrawsForGood() && e.Scope.Covers(of.Scope)
		return at, lifted && !of.WithdrawnAt.IsZero() && !of.WithdrawnAt.After(e.At)
	}
	// Records are stored to the second.
	return at, of.WithdrawnAt.IsZero() || at.Truncate(time.Second).Before(of.WithdrawnAt.Truncate(time.Second))
}

// WithdrawnAt returns when a record of the contact lost its basis; zero while
// the record has one. The record is kept in a class and a scope because of an
// event at occurredAt. An opt-out withdraws the messaging records at or below
// its scope that occurred before the opt-out, until the opt-out is lifted. An
// erasure withdraws records of every class for good: newer consent ends the
// silence, and the erased data stays erased.
func WithdrawnAt(item Item, class string, in scope.Scope, occurredAt time.Time) time.Time {
	var withdrawn time.Time
	for s, reasons := range item.Marks {
		if !s.Covers(in) {
			continue
		}
		for r, m := range reasons {
			stands := m.Active() || r.WithdrawsForGood() && !m.Last.IsZero()
			if !stands || !r.Withdraws(class) || m.Last.Before(occurredAt) {
				continue
			}
			at := m.First
			if at.Before(occurredAt) {
				at = m.Last
			}
			if withdrawn.IsZero() || at.Before(withdrawn) {
				withdrawn = at
			}
		}
	}
	return withdrawn
}
