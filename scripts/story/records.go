package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stille/shared/names"
	"stille/shared/retention"
)

// record is a record as a tool sends it.
type record struct {
	ID         string     `json:"id"`
	Contact    *contact   `json:"contact,omitempty"`
	Scope      string     `json:"scope,omitempty"`
	Basis      string     `json:"basis,omitempty"`
	OccurredAt time.Time  `json:"occurredAt"`
	Start      *time.Time `json:"start,omitempty"`
	Objects    []string   `json:"objects,omitempty"`
	Data       any        `json:"data"`
}

// tale is a stored record, and what a purge today must do with it.
type tale struct {
	class string
	record
	why       string
	goes      bool
	withdrawn bool // by an opt-out
}

// classes are the classes of the story, with the retention period of their
// records in the demo's policy.
func classes() []struct{ name, keep string } {
	return []struct{ name, keep string }{{"communication", "P6M"}, {retention.Messaging, "P2Y"}}
}

// keep stores the story's records, sets the hold, and waits until a purge can
// find all of them.
func (s *story) keep(ctx context.Context, kari, ola, ida person) error {
	for _, letter := range []string{"due", "kept"} {
		if err := s.putLetter(ctx, letter); err != nil {
			return err
		}
	}
	for _, class := range classes() {
		told, err := s.recordsOf(class.name, class.keep, kari, ola, ida)
		if err != nil {
			return err
		}
		s.tales = append(s.tales, told...)
		given := make([]record, len(told))
		for i, t := range told {
			given[i] = t.record
		}
		kept, err := s.storeAll(ctx, class.name, given)
		if err != nil {
			return err
		}
		for i, day := range kept {
			result := "kept until it ends"
			if day != "" {
				result = "kept through " + day
			}
			s.print(class.name+" "+given[i].ID, result)
		}
	}
	for _, class := range classes() {
		if _, err := s.operator(ctx, "hold", "set", "--case", "case-"+s.id, "--reason", "claim-2026", "--record", class.name, "held-"+s.id); err != nil {
			return err
		}
		s.print("hold on "+class.name+" held-"+s.id, "set, case case-"+s.id)
	}
	for _, t := range s.tales {
		if err := s.awaitStamp(ctx, t); err != nil {
			return err
		}
	}
	s.print("the streams have stamped every record", "yes")
	return nil
}

// storeAll stores records of a class and returns through which day each is kept.
func (s *story) storeAll(ctx context.Context, class string, given []record) ([]string, error) {
	type stored struct {
		Stored      bool
		KeptThrough string
	}
	answers, err := results[stored](ctx, s.api, names.RouteRecords, map[string]any{"class": class, "records": given}, len(given))
	if err != nil {
		return nil, err
	}
	kept := make([]string, len(given))
	for i := range given {
		if !answers[i].Stored {
			return nil, fmt.Errorf("%s was not stored", given[i].ID)
		}
		kept[i] = answers[i].KeptThrough
	}
	return kept, nil
}

// recordsOf are the records of one class.
func (s *story) recordsOf(class, keep string, kari, ola, ida person) ([]tale, error) {
	overdue, _, err := s.newestStart(keep, -1)
	if err != nil {
		return nil, err
	}
	_, tomorrow, err := s.newestStart(keep, 0)
	if err != nil {
		return nil, err
	}
	monthAgo := s.now.Add(-30 * 24 * time.Hour).UTC()
	tales := []tale{
		{record: record{ID: "due-yesterday-", OccurredAt: overdue, Start: &overdue}, why: "its last day is over", goes: true},
		{record: record{ID: "due-tomorrow-", OccurredAt: tomorrow, Start: &tomorrow}, why: "its last day is not over"},
		{record: record{ID: "running-", OccurredAt: monthAgo}, why: "it has not ended"},
		{record: record{ID: "held-", OccurredAt: overdue, Start: &overdue}, why: "a legal hold wins, though it is due"},
	}
	if class == retention.Messaging {
		for i := range tales {
			tales[i].Contact = &contact{"email", fmt.Sprintf("ola.%s.%d@example.no", s.id, i)}
			tales[i].Scope, tales[i].Basis = string(s.stack.Scope), "customer"
		}
		tales = append(tales, tale{
			record: record{ID: "opted-out-", Contact: &contact{"email", kari.email}, Scope: string(s.stack.Scope), Basis: "consent", OccurredAt: monthAgo, Start: &monthAgo},
			why:    "its subject opted out a minute ago", goes: true, withdrawn: true,
		})
	} else {
		tales[0].Objects, tales[3].Objects = []string{s.letterURI("due")}, []string{s.letterURI("kept")}
		tales[2].Contact = &contact{"sms", ola.sms}
		tales = append(tales, tale{
			record: record{ID: "erased-", Contact: &contact{"email", ida.email}, OccurredAt: monthAgo},
			why:    "its subject asked for erasure", goes: true,
		})
	}
	for i := range tales {
		tales[i].class = class
		tales[i].ID += s.id
		tales[i].Data = map[string]string{"note": "told by the story"}
	}
	return tales, nil
}

// newestStart is newestDue for a period as the policy writes it.
func (s *story) newestStart(keep string, days int) (due, notDue time.Time, err error) {
	period, err := retention.ParsePeriod(keep)
	if err != nil {
		return due, notDue, err
	}
	return newestDue(period, s.now, days)
}

// newestDue returns the newest start, at noon in Oslo, of a record that is due
// by a day (days after today). The day itself may not do, because no period
// ends on some days. The rule only runs forward, so newestDue tries starts. The
// second result is the start one day later, which is not yet due.
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

// awaitStamp waits until the streams have stamped a record, and withdrawn it if an
// opt-out does so.
func (s *story) awaitStamp(ctx context.Context, t tale) error {
	err := await(ctx, func(ctx context.Context) (bool, error) {
		r, err := s.records.Get(ctx, t.class, t.ID)
		started := r.Start.IsZero() || r.Sort != ""
		return r.Shard != "" && started && (!t.withdrawn || !r.WithdrawnAt.IsZero()), err
	})
	if err != nil {
		return fmt.Errorf("%s %s is not stamped: %w", t.class, t.ID, err)
	}
	return nil
}

// isGone reports whether a record is deleted.
func (s *story) isGone(ctx context.Context, t tale) (bool, error) {
	_, err := s.records.Get(ctx, t.class, t.ID)
	if errors.Is(err, retention.ErrNoRecord) {
		return true, nil
	}
	return false, err
}
