package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stille/shared/names"
	"stille/shared/retention"
)

// tale is one record of the story and what a purge today is to do with it.
type tale struct {
	class, id string
	why       string
	goes      bool
}

// classes are the classes of the story, and how long the sample policy keeps
// their records.
func classes() []struct{ name, keep string } {
	return []struct{ name, keep string }{{"communication", "P6M"}, {retention.Messaging, "P2Y"}}
}

// tales are the records the story stores, in both classes.
func (s *story) tales() []tale {
	var tales []tale
	for _, class := range classes() {
		tales = append(tales,
			tale{class.name, "due-yesterday-" + s.id, "its last day is over", true},
			tale{class.name, "due-tomorrow-" + s.id, "its last day is not over", false},
			tale{class.name, "running-" + s.id, "it has not ended", false},
			tale{class.name, "held-" + s.id, "a legal hold wins, though it is due", false})
	}
	return append(tales, tale{"messaging", "opted-out-" + s.id, "its subject opted out a minute ago", true})
}

type record struct {
	ID         string     `json:"id"`
	Contact    *contact   `json:"contact,omitempty"`
	Scope      string     `json:"scope,omitempty"`
	Basis      string     `json:"basis,omitempty"`
	OccurredAt time.Time  `json:"occurredAt"`
	Start      *time.Time `json:"start,omitempty"`
	Data       any        `json:"data"`
}

type stored struct {
	Stored      bool
	Key         string
	KeptThrough string
	DueFrom     time.Time
}

// keep stores the story's records, sets the hold, and waits until all of them
// stand where a purge finds them.
func (s *story) keep(ctx context.Context, kari, ola person) error {
	for _, class := range classes() {
		given, err := s.given(class.name, class.keep, kari, ola)
		if err != nil {
			return err
		}
		var answer struct{ Results []stored }
		if err := s.api.call(ctx, names.RouteRecords, map[string]any{"class": class.name, "records": given}, &answer); err != nil {
			return err
		}
		for i, r := range answer.Results {
			if !r.Stored {
				return fmt.Errorf("%s was not stored", given[i].ID)
			}
			kept := "until it ends"
			if r.KeptThrough != "" {
				kept = "through " + r.KeptThrough
			}
			s.seen(class.name+" "+given[i].ID, "kept "+kept)
		}
	}
	for _, class := range classes() {
		if _, err := s.operator(ctx, "hold", "set", "--case", "case-"+s.id, "--reason", "claim-2026", "--record", class.name, "held-"+s.id); err != nil {
			return err
		}
		s.seen("hold on "+class.name+" held-"+s.id, "set, case case-"+s.id)
	}
	for _, t := range s.tales() {
		if err := s.settled(ctx, t); err != nil {
			return err
		}
	}
	s.seen("the streams have stamped every record", "yes")
	return nil
}

// given are the records of one class as a tool writes them.
func (s *story) given(class, keep string, kari, ola person) ([]record, error) {
	period, err := retention.ParsePeriod(keep)
	if err != nil {
		return nil, err
	}
	overdue, _, err := newestDue(period, s.now, -1)
	if err != nil {
		return nil, err
	}
	_, tomorrow, err := newestDue(period, s.now, 0)
	if err != nil {
		return nil, err
	}
	monthAgo := s.now.Add(-30 * 24 * time.Hour).UTC()
	given := []record{
		{ID: "due-yesterday-" + s.id, OccurredAt: overdue, Start: &overdue},
		{ID: "due-tomorrow-" + s.id, OccurredAt: tomorrow, Start: &tomorrow},
		{ID: "running-" + s.id, OccurredAt: monthAgo},
		{ID: "held-" + s.id, OccurredAt: overdue, Start: &overdue},
	}
	for i := range given {
		given[i].Data = map[string]string{"note": "told by the story"}
		if class == retention.Messaging {
			given[i].Contact = &contact{"email", fmt.Sprintf("ola.%s.%d@example.no", s.id, i)}
			given[i].Scope, given[i].Basis = string(s.stack.Scope), "customer"
		}
	}
	if class == retention.Messaging {
		given = append(given, record{
			ID: "opted-out-" + s.id, Contact: &contact{"email", kari.email}, Scope: string(s.stack.Scope), Basis: "consent",
			OccurredAt: monthAgo, Start: &monthAgo, Data: map[string]string{"list": "spring"},
		})
	} else {
		given[2].Contact = &contact{"sms", ola.sms}
	}
	return given, nil
}

// newestDue is the newest start, at noon in Oslo, whose record is due from the
// given number of days after today on, or from before that: not every day is
// the day after the end of a period. It is found by trying, as the rule only
// runs forward. The start a day later is not due by then.
func newestDue(keep retention.Period, now time.Time, days int) (due, notDue time.Time, err error) {
	zone, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		return due, notDue, err
	}
	y, m, d := now.In(zone).Date()
	by := time.Date(y, m, d+days, 0, 0, 0, 0, zone)
	for back := range 2000 {
		due = time.Date(y, m, d-back, 12, 0, 0, 0, zone).UTC()
		if !keep.DueFrom(due, zone).After(by) {
			return due, notDue, nil
		}
		notDue = due
	}
	return due, notDue, fmt.Errorf("no start in 2,000 days is due after %s", keep)
}

// settled waits until the streams have done their part for a record.
func (s *story) settled(ctx context.Context, t tale) error {
	for range 300 {
		r, err := s.records.Get(ctx, t.class, t.id)
		if err != nil {
			return err
		}
		started := r.Start.IsZero() || r.Sort != ""
		withdrawn := t.id != "opted-out-"+s.id || !r.WithdrawnAt.IsZero()
		if r.Shard != "" && started && withdrawn {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s %s is not stamped after 30 s", t.class, t.id)
}

// isGone tells whether a record is no longer there.
func (s *story) isGone(ctx context.Context, t tale) (bool, error) {
	_, err := s.records.Get(ctx, t.class, t.id)
	if errors.Is(err, retention.ErrNoRecord) {
		return true, nil
	}
	return false, err
}
