package suppression

import (
	"errors"
	"strings"

	"stille/shared/names"
)

// Reason is why a contact is suppressed. Everything about a reason stands in
// one row of rules; a reason without a row suppresses marketing, withdraws no
// data and is lifted by nobody.
type Reason string

// The reasons there are. Each needs a row in rules.
const (
	Unsubscribed Reason = "unsubscribed" // through a link, or told to a tool
	Stop         Reason = "stop"         // an SMS reply
	Complaint    Reason = "complaint"    // reported as spam
	HardBounce   Reason = "hard-bounce"  // the address does not exist
	Objection    Reason = "objection"    // GDPR article 21
	Erasure      Reason = "erasure"      // GDPR article 17; the opt-out outlives the data
	Manual       Reason = "manual"       // by an operator
	Imported     Reason = "imported"     // from another list, its reason unknown
	Restriction  Reason = "restriction"  // GDPR article 18; stands as long as the restriction of the data
)

// withdrawal is the data of which a reason withdraws the basis. The zero
// withdrawal is no data.
type withdrawal int

const (
	noData        withdrawal = iota
	messagingData            // of the class messaging
	everyData                // of every class, for good
)

// rule is what one reason means. Its zero value keeps data and keeps silence.
type rule struct {
	reason       Reason
	withdraws    withdrawal // a bounce is no statement of a person; an import does not say what it was
	liftable     bool       // newer consent lifts the reason without an operator
	stopsService bool       // transactional messages stop too
	reported     bool       // tools, the operator's command and imports may report the reason
	unlifted     bool       // no consent lifts the reason, not even a consent that an operator shows
}

// rules are the rows, in the order in which a consent lifts the reasons.
func rules() []rule {
	return []rule{
		{reason: Unsubscribed, withdraws: messagingData, liftable: true, reported: true},
		{reason: Stop, withdraws: messagingData, liftable: true, reported: true},
		{reason: Objection, withdraws: messagingData, liftable: true, reported: true},
		{reason: Manual, withdraws: messagingData, liftable: true, reported: true},
		{reason: Imported, withdraws: noData, liftable: true, reported: true},
		{reason: Erasure, withdraws: everyData, liftable: true},
		{reason: Complaint, withdraws: messagingData, reported: true},
		{reason: HardBounce, withdraws: noData, stopsService: true, reported: true},
		{reason: Restriction, withdraws: noData, unlifted: true},
	}
}

// rule returns the row of the reason; the zero rule where there is none.
func (r Reason) rule() rule {
	for _, row := range rules() {
		if row.reason == r {
			return row
		}
	}
	return rule{}
}

// ErrReported means that a text is no reason that may be reported. Its message
// names every reason that may be.
var ErrReported = errors.New("must be " + Enumerate(Reported(), "or"))

// Reasons returns every reason, in the order in which a consent lifts them.
func Reasons() []Reason { return reasonsWhere(func(rule) bool { return true }) }

// Reported returns the reasons that a tool, an operator or an import may report.
// Every other reason comes from the system itself.
func Reported() []Reason { return reasonsWhere(func(r rule) bool { return r.reported }) }

func reasonsWhere(holds func(rule) bool) []Reason {
	var reasons []Reason
	for _, row := range rules() {
		if holds(row) {
			reasons = append(reasons, row.reason)
		}
	}
	return reasons
}

// ReportedWithdrawals returns the reported reasons that withdraw messaging data,
// and those that withdraw none.
func ReportedWithdrawals() (withdraw, keep []Reason) {
	return reasonsWhere(func(r rule) bool { return r.reported && r.withdraws != noData }),
		reasonsWhere(func(r rule) bool { return r.reported && r.withdraws == noData })
}

// Enumerate writes reasons as "a, b or c", with the conjunction given.
func Enumerate(reasons []Reason, conjunction string) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = string(r)
	}
	last := len(texts) - 1
	return strings.Join(texts[:last], ", ") + " " + conjunction + " " + texts[last]
}

// ParseReason returns the reason of this name, and whether there is one.
func ParseReason(name string) (Reason, bool) {
	r := Reason(name).rule().reason
	return r, r != ""
}

// ParseReported returns the reason of this name, or ErrReported where nobody may
// report a reason of this name.
func ParseReported(name string) (Reason, error) {
	if row := Reason(name).rule(); row.reported {
		return row.reason, nil
	}
	return "", ErrReported
}

// Withdraws tells whether the reason withdraws the basis on which data of a
// class is kept.
func (r Reason) Withdraws(class string) bool {
	return r.WithdrawsForGood() || r.rule().withdraws == messagingData && class == names.Messaging
}

// WithdrawsForGood tells whether newer consent leaves the withdrawal as it is.
func (r Reason) WithdrawsForGood() bool { return r.rule().withdraws == everyData }

// Liftable tells whether newer consent lifts the reason without an operator.
func (r Reason) Liftable() bool { return r.rule().liftable }
