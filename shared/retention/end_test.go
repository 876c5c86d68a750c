package retention_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stille/shared/retention"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func hour(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }

func TestNewestEventOnTheEndWins(t *testing.T) {
	for _, c := range []struct {
		name   string
		stored retention.Record
		word   retention.Ending
		err    error
		start  time.Time
	}{
		{"a conversation ended", retention.Record{OccurredAt: hour(1)}, retention.Ending{At: hour(2)}, nil, hour(2)},
		{"at the time of the newest event", retention.Record{OccurredAt: hour(1)}, retention.Ending{At: hour(1)}, nil, hour(1)},
		{"before the newest event", retention.Record{OccurredAt: hour(1)}, retention.Ending{At: hour(0)}, retention.ErrOlder, time.Time{}},
		{"a redelivered end", retention.Record{OccurredAt: hour(1), Start: hour(2), StartAsOf: hour(2)}, retention.Ending{At: hour(2)}, nil, hour(2)},
		{"later than the known end", retention.Record{OccurredAt: hour(1), Start: hour(2), StartAsOf: hour(2)}, retention.Ending{At: hour(3)}, nil, hour(3)},
		{"earlier than the known end", retention.Record{OccurredAt: hour(0), Start: hour(2), StartAsOf: hour(2)}, retention.Ending{At: hour(1)}, retention.ErrOlder, hour(2)},
		{"before it ran again", retention.Record{StartAsOf: hour(2)}, retention.Ending{At: hour(1)}, retention.ErrOlder, time.Time{}},
		{"as it ran again", retention.Record{StartAsOf: hour(2)}, retention.Ending{At: hour(2)}, nil, hour(2)},
		{"it runs again", retention.Record{OccurredAt: hour(1), Start: hour(1)}, retention.Ending{At: hour(2), Running: true}, nil, time.Time{}},
		{"it ran again before it ended", retention.Record{Start: hour(2), StartAsOf: hour(2)}, retention.Ending{At: hour(1), Running: true}, retention.ErrOlder, hour(2)},
		{"it ran again as it ended", retention.Record{Start: hour(2), StartAsOf: hour(2)}, retention.Ending{At: hour(2), Running: true}, retention.ErrOlder, hour(2)},
		{"another service wrote it without a time", retention.Record{Start: hour(9)}, retention.Ending{At: hour(0)}, nil, hour(0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := class(t, "communication", "P6M").End(c.stored, c.word)
			if !errors.Is(err, c.err) || !got.Start.Equal(c.start) {
				t.Errorf("start %v, error %v, want %v and %v", got.Start, err, c.start, c.err)
			}
		})
	}
}

func TestConsentHasNoEnd(t *testing.T) {
	for _, c := range []struct {
		class string
		basis retention.Basis
		err   error
	}{
		{"messaging", retention.Consent, retention.ErrNotAService},
		{"messaging", "", retention.ErrNotAService},
		{"messaging", retention.Customer, nil},
		{"communication", retention.Consent, nil},
		{"service", "", nil},
	} {
		stored := retention.Record{Basis: c.basis, Start: hour(0)}
		if _, err := class(t, c.class, "P3M").End(stored, retention.Ending{At: hour(1)}); !errors.Is(err, c.err) {
			t.Errorf("%s, basis %q: error %v, want %v", c.class, c.basis, err, c.err)
		}
		replaced := retention.Record{Basis: c.basis, OccurredAt: hour(1), Start: hour(1)}.Replacing(retention.Record{StartAsOf: hour(2)}, c.class)
		if got := replaced.Start.IsZero(); got != (c.err == nil) {
			t.Errorf("%s, basis %q: a word on its end stands: %v", c.class, c.basis, got)
		}
	}
}

func TestRunningAgainIsNewerThanAllKnown(t *testing.T) {
	communication := class(t, "communication", "P6M")
	for name, stored := range map[string]retention.Record{
		"it ended":                {OccurredAt: hour(0), Start: hour(1), StartAsOf: hour(1)},
		"its end was announced":   {OccurredAt: hour(0), Start: hour(9), StartAsOf: hour(9)},
		"a fast clock wrote it":   {OccurredAt: hour(3), Start: hour(3)},
		"it never ended":          {OccurredAt: hour(0)},
		"a record without a time": {},
		"it ended at this moment": {OccurredAt: hour(0), Start: hour(2), StartAsOf: hour(2).Add(-1)},
	} {
		got, err := communication.End(stored, stored.RunsAgain(hour(2)))
		if err != nil || !got.Start.IsZero() || got.StartAsOf.Before(hour(2)) {
			t.Errorf("%s: start %v as of %v, error %v", name, got.Start, got.StartAsOf, err)
		}
	}
}

// An event is a record, or an ending of the record.
type event struct {
	record *retention.Record
	word   retention.Ending
}

// hear applies an event as the store does.
func hear(of retention.Class, stored retention.Record, e event) retention.Record {
	if e.record == nil {
		next, err := of.End(stored, e.word)
		if err != nil {
			return stored
		}
		return next
	}
	if !e.record.Supersedes(stored) {
		return stored
	}
	return e.record.Replacing(stored, of.Name)
}

func TestOrderOfEventsDoesNotChangeEnd(t *testing.T) {
	communication := class(t, "communication", "P6M")
	rapid.Check(t, func(t *rapid.T) {
		// Few hours, so that ties are common. One hour has one record.
		events := []event{{record: &retention.Record{ID: "conv-1"}}}
		for at := range 8 {
			start := time.Time{}
			if rapid.Bool().Draw(t, "ended") {
				start = hour(rapid.IntRange(0, at).Draw(t, "start"))
			}
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				events = append(events, event{record: &retention.Record{ID: "conv-1", OccurredAt: hour(at), Start: start}})
			case 1:
				events = append(events, event{word: retention.Ending{At: hour(at), Running: start.IsZero()}})
			default:
				events = append(events,
					event{record: &retention.Record{ID: "conv-1", OccurredAt: hour(at), Start: start}},
					event{word: retention.Ending{At: hour(at), Running: true}}, event{word: retention.Ending{At: hour(at)}})
			}
		}
		heard := func(order []event) retention.Record {
			stored := *order[0].record
			for _, e := range order[1:] {
				stored = hear(communication, stored, e)
			}
			return retention.Record{Start: stored.Start, OccurredAt: stored.OccurredAt}
		}
		// The record comes first, and some events come twice.
		again := append(events[1:len(events):len(events)], rapid.SliceOf(rapid.SampledFrom(events[1:])).Draw(t, "twice")...)
		shuffled := append(events[:1:1], rapid.Permutation(again).Draw(t, "order")...)
		if diff := cmp.Diff(heard(events), heard(shuffled)); diff != "" {
			t.Fatalf("in order, and in another (-want +got):\n%s", diff)
		}
	})
}
