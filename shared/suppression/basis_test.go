package suppression_test

import (
	"fmt"
	"testing"
	"time"

	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// recorded is a consent to acme, a year before friday.
func recorded(changes ...func(*retention.Stored)) retention.Stored {
	given := friday.AddDate(-1, 0, 0)
	r := retention.Stored{Record: retention.Record{
		ID: "sub-81", Subject: "k", Scope: "acme", Basis: retention.Consent, OccurredAt: given, Start: given,
	}}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func messagingClass(t *testing.T) retention.Class {
	t.Helper()
	class, ok := retentiontest.Policy(t).Class(retention.Messaging)
	if !ok {
		t.Fatal("no messaging class")
	}
	return class
}

func started(at time.Time) func(*retention.Stored) {
	return func(r *retention.Stored) { r.Start, r.OccurredAt = at, at }
}

func customer(end time.Time) func(*retention.Stored) {
	return func(r *retention.Stored) { r.Basis, r.Start = retention.Customer, end }
}

func TestMarketingRestsOnALiveRecord(t *testing.T) {
	silence := func(in scope.Scope, reason suppression.Reason, last, released time.Time) marks {
		return marks{in: {reason: {First: last, Last: last, ReleasedAt: released}}}
	}
	none := suppression.Basis{Reason: "no-basis"}
	live := suppression.Basis{Basis: "consent", Until: "2027-11-20", Record: "sub-81"}
	running := suppression.Basis{Basis: "customer", Record: "sub-81"}
	expired := suppression.Basis{Reason: "basis-expired", Until: "2026-11-19"}
	old := friday.AddDate(-2, 0, -1)
	of := func(changes ...func(*retention.Stored)) []retention.Stored {
		return []retention.Stored{recorded(changes...)}
	}
	as := func(change func(*retention.Stored)) []retention.Stored { return of(change) }
	named := func(id string) func(*retention.Stored) { return func(r *retention.Stored) { r.ID = id } }
	for name, test := range map[string]struct {
		in      scope.Scope
		records []retention.Stored
		marks   marks
		want    suppression.Basis
	}{
		"no record":                              {"acme", nil, nil, none},
		"a consent":                              {"acme", of(), nil, live},
		"a consent to the brand, for a topic":    {"acme/newsletter", of(), nil, live},
		"a consent to a topic, for the brand":    {"acme", as(func(r *retention.Stored) { r.Scope = "acme/newsletter" }), nil, none},
		"a consent to another brand":             {"globex", of(), nil, none},
		"a question about every scope":           {"*", of(), nil, none},
		"a consent that ended":                   {"acme", of(started(old)), nil, expired},
		"a customer":                             {"acme", of(customer(time.Time{})), nil, running},
		"a customer of late":                     {"acme", of(customer(friday.AddDate(-1, 0, 0))), nil, suppression.Basis{Basis: "customer", Until: "2027-11-20", Record: "sub-81"}},
		"a customer of long ago":                 {"acme", of(customer(old)), nil, expired},
		"a withdrawn record":                     {"acme", as(func(r *retention.Stored) { r.WithdrawnAt = monday }), nil, none},
		"a withdrawal that lies ahead":           {"acme", as(func(r *retention.Stored) { r.WithdrawnAt = friday.AddDate(0, 1, 0) }), nil, none},
		"a withdrawn record that ended":          {"acme", of(started(old), func(r *retention.Stored) { r.WithdrawnAt = monday }), nil, none},
		"a record that a purge deletes":          {"acme", as(func(r *retention.Stored) { r.PurgingBy = "run" }), nil, none},
		"a record without a basis":               {"acme", as(func(r *retention.Stored) { r.Basis = "" }), nil, none},
		"a record with an unknown basis":         {"acme", as(func(r *retention.Stored) { r.Basis = "guess" }), nil, none},
		"a consent without a time":               {"acme", as(func(r *retention.Stored) { r.Start = time.Time{} }), nil, none},
		"a consent of an impossible time":        {"acme", of(started(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC))), nil, none},
		"a consent that lies ahead":              {"acme", of(started(friday.AddDate(0, 0, 3))), nil, none},
		"an event at no time":                    {"acme", as(func(r *retention.Stored) { r.OccurredAt = time.Time{} }), nil, none},
		"an id like a number":                    {"acme", of(named("4791234567")), nil, none},
		"an object of a bucket that is gone":     {"acme", as(func(r *retention.Stored) { r.Objects = []string{"s3://gone/letter"} }), nil, live},
		"an opt-out later than the record":       {"acme", of(), silence("acme", "unsubscribed", monday, time.Time{}), none},
		"a release alone":                        {"acme", of(), silence("acme", "unsubscribed", monday, tuesday), none},
		"a release of an opt-out everywhere":     {"acme", of(), silence("*", "objection", monday, tuesday), none},
		"a consent newer than the opt-out":       {"acme", of(started(tuesday)), silence("acme", "stop", monday, tuesday), suppression.Basis{Basis: "consent", Until: "2028-11-17", Record: "sub-81"}},
		"a consent in the opt-out's instant":     {"acme", of(started(monday)), silence("acme", "stop", monday, tuesday), none},
		"a newer record of an old consent":       {"acme", as(func(r *retention.Stored) { r.OccurredAt = tuesday }), silence("acme", "stop", monday, tuesday), none},
		"a released opt-out of another brand":    {"acme", of(), silence("globex", "stop", monday, tuesday), live},
		"a released opt-out of a topic":          {"acme", of(), silence("acme/newsletter", "stop", monday, tuesday), live},
		"the topic of a released opt-out":        {"acme/newsletter", of(), silence("acme/newsletter", "stop", monday, tuesday), none},
		"a lifted bounce":                        {"acme", of(), silence("acme", "hard-bounce", monday, tuesday), live},
		"a lifted restriction":                   {"acme", of(), silence("*", "restriction", monday, tuesday), live},
		"a lifted erasure":                       {"acme", of(), silence("*", "erasure", monday, tuesday), none},
		"an ended and a live record":             {"acme", []retention.Stored{recorded(started(old), named("sub-1")), recorded()}, nil, live},
		"a live record and a running record":     {"acme", []retention.Stored{recorded(named("sub-1")), recorded(customer(time.Time{}))}, nil, running},
		"a withdrawn record and an ended record": {"acme", []retention.Stored{recorded(started(old)), recorded(func(r *retention.Stored) { r.WithdrawnAt = monday })}, nil, expired},
	} {
		t.Run(name, func(t *testing.T) {
			said := suppression.Evidence{Records: test.records}
			if got := suppression.DecideBasis(test.marks.item(), said, messagingClass(t), test.in, friday); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestAnUnreadableRecordIsNoBasis(t *testing.T) {
	said := suppression.Evidence{Records: []retention.Stored{recorded()}, Err: fmt.Errorf("reading: %w", retention.ErrUnreadable)}
	want := suppression.Basis{Reason: "unreadable"}
	if got := suppression.DecideBasis(suppression.Item{}, said, messagingClass(t), "acme", friday); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// The last day is one in Oslo: UTC is behind.
func TestABasisEndsWithItsLastDay(t *testing.T) {
	said := suppression.Evidence{Records: []retention.Stored{recorded()}}
	midnight := time.Date(2027, 11, 20, 23, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		at   time.Time
		want string
	}{{midnight.Add(-1), ""}, {midnight, "basis-expired"}} {
		got := suppression.DecideBasis(suppression.Item{}, said, messagingClass(t), "acme", test.at)
		if got.Reason != test.want || got.Until != "2027-11-20" {
			t.Errorf("at %v: %+v", test.at, got)
		}
	}
}

func TestAnUndoneOptOutLeavesNoBasis(t *testing.T) {
	var item suppression.Item
	for i, action := range []suppression.Action{suppression.Suppress, suppression.Undo} {
		at := monday.Add(time.Duration(i) * time.Hour)
		change := suppression.Change{Action: action, Scope: "acme", Reason: suppression.Unsubscribed, At: at, Source: suppression.SourceLink}
		outcome, err := suppression.Apply(item, change, fmt.Sprintf("entry-%d", i), at)
		if err != nil {
			t.Fatal(err)
		}
		item = outcome.Item
	}
	if !suppression.Decide(item, suppression.Marketing, "acme").Send {
		t.Fatal("nothing was undone")
	}
	said := suppression.Evidence{Records: []retention.Stored{recorded()}}
	if got := suppression.DecideBasis(item, said, messagingClass(t), "acme", friday); got.Reason != "no-basis" {
		t.Errorf("%+v", got)
	}
}
