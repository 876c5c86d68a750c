package suppression_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/scope"
	"stille/shared/suppression"
)

var (
	monday  = time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	tuesday = monday.AddDate(0, 0, 1)
	friday  = monday.AddDate(0, 0, 4)
)

// marks builds an item: each mark is active since the time given.
func marks(of map[scope.Scope]map[suppression.Reason]time.Time) suppression.Item {
	item := suppression.Item{Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{}}
	for s, reasons := range of {
		item.Marks[s] = map[suppression.Reason]suppression.Mark{}
		for r, at := range reasons {
			item.Marks[s][r] = suppression.Mark{First: at, Last: at, Source: suppression.SourceTool}
		}
	}
	return item
}

type since = map[suppression.Reason]time.Time

func TestDecide(t *testing.T) {
	send := suppression.Decision{Send: true}
	blocked := func(r suppression.Reason, s scope.Scope, at time.Time) suppression.Decision {
		return suppression.Decision{Reason: r, Scope: s, Since: at}
	}
	released := marks(map[scope.Scope]since{"acme": {suppression.Stop: monday}})
	released.Marks["acme"][suppression.Stop] = suppression.Mark{First: monday, Last: monday, ReleasedAt: tuesday}
	tied := marks(map[scope.Scope]since{"acme": {suppression.Stop: monday}})
	tied.Marks["acme"][suppression.Stop] = suppression.Mark{First: monday, Last: monday, ReleasedAt: monday}

	for _, test := range []struct {
		name    string
		item    suppression.Item
		purpose suppression.Purpose
		in      scope.Scope
		want    suppression.Decision
	}{
		{"an unknown contact gets marketing", suppression.Item{}, suppression.Marketing, "acme", send},
		{"an opt-out of the brand stops the brand", marks(map[scope.Scope]since{"acme": {suppression.Unsubscribed: monday}}), suppression.Marketing, "acme", blocked(suppression.Unsubscribed, "acme", monday)},
		{"an opt-out of the brand stops its topics", marks(map[scope.Scope]since{"acme": {suppression.Unsubscribed: monday}}), suppression.Marketing, "acme/newsletter", blocked(suppression.Unsubscribed, "acme", monday)},
		{"an opt-out of a topic leaves the brand", marks(map[scope.Scope]since{"acme/newsletter": {suppression.Unsubscribed: monday}}), suppression.Marketing, "acme", send},
		{"an opt-out of one brand leaves the other", marks(map[scope.Scope]since{"acme": {suppression.Unsubscribed: monday}}), suppression.Marketing, "globex", send},
		{"a brand whose name begins like another's is another", marks(map[scope.Scope]since{"acme": {suppression.Unsubscribed: monday}}), suppression.Marketing, "acmeplus", send},
		{"a reason in every scope stops every brand", marks(map[scope.Scope]since{"*": {suppression.HardBounce: monday}}), suppression.Marketing, "globex", blocked(suppression.HardBounce, "*", monday)},
		{"a check without scope is blocked by any", marks(map[scope.Scope]since{"acme/newsletter": {suppression.Unsubscribed: monday}}), suppression.Marketing, "", blocked(suppression.Unsubscribed, "acme/newsletter", monday)},
		{"a check in every scope is blocked by any", marks(map[scope.Scope]since{"globex": {suppression.Objection: monday}}), suppression.Marketing, "*", blocked(suppression.Objection, "globex", monday)},
		{"the oldest of several reasons is named", marks(map[scope.Scope]since{"acme": {suppression.Unsubscribed: tuesday}, "*": {suppression.HardBounce: monday}}), suppression.Marketing, "acme", blocked(suppression.HardBounce, "*", monday)},
		{"an opt-out does not stop a service message", marks(map[scope.Scope]since{"*": {suppression.Unsubscribed: monday, suppression.Complaint: monday, suppression.Erasure: monday}}), suppression.Transactional, "acme", send},
		{"an address that does not exist stops a service message", marks(map[scope.Scope]since{"*": {suppression.HardBounce: monday, suppression.Unsubscribed: monday}}), suppression.Transactional, "acme", blocked(suppression.HardBounce, "*", monday)},
		{"a released reason no longer stops", released, suppression.Marketing, "acme", send},
		{"a release in the instant of the opt-out does not lift it", tied, suppression.Marketing, "acme", blocked(suppression.Stop, "acme", monday)},
		{"a reason of a newer program stops", marks(map[scope.Scope]since{"acme": {"not-yet-invented": monday}}), suppression.Marketing, "acme", blocked("not-yet-invented", "acme", monday)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, suppression.Decide(test.item, test.purpose, test.in)); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithdrawnAt(t *testing.T) {
	optedOut := marks(map[scope.Scope]since{"acme": {suppression.Unsubscribed: tuesday}})
	again := marks(map[scope.Scope]since{"acme": {suppression.Unsubscribed: monday}})
	again.Marks["acme"][suppression.Unsubscribed] = suppression.Mark{First: monday, Last: friday}
	for _, test := range []struct {
		name     string
		item     suppression.Item
		in       scope.Scope
		occurred time.Time
		want     time.Time
	}{
		{"an opt-out withdraws what occurred before it", optedOut, "acme", monday, tuesday},
		{"an opt-out of the brand withdraws its topics", optedOut, "acme/newsletter", monday, tuesday},
		{"an opt-out leaves other brands", optedOut, "globex", monday, time.Time{}},
		{"a consent after the opt-out stands", optedOut, "acme", friday, time.Time{}},
		{"an opt-out that was repeated withdraws from its first on", again, "acme", monday, monday},
		{"an opt-out repeated after a consent withdraws that from the repetition on", again, "acme", tuesday, friday},
		{"a bounce is no withdrawal", marks(map[scope.Scope]since{"*": {suppression.HardBounce: tuesday}}), "acme", monday, time.Time{}},
		{"an import without a reason is no withdrawal", marks(map[scope.Scope]since{"*": {suppression.Imported: tuesday}}), "acme", monday, time.Time{}},
		{"an erasure withdraws everywhere", marks(map[scope.Scope]since{"*": {suppression.Erasure: tuesday}}), "globex", monday, tuesday},
		{"the earliest of several counts", marks(map[scope.Scope]since{"acme": {suppression.Objection: friday, suppression.Unsubscribed: tuesday}}), "acme", monday, tuesday},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := suppression.WithdrawnAt(test.item, test.in, test.occurred); !got.Equal(test.want) {
				t.Errorf("withdrawn at %v, want %v", got, test.want)
			}
		})
	}
}
