package purge

import (
	"context"
	"errors"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// Stamper gives records their place in the indexes, whichever service wrote
// them, and a messaging record its contact's slot. It marks a record as
// withdrawn whose subject opted out, or was erased, before the record arrived.
type Stamper struct {
	Records StampedRecords
	List    Subjects
	Now     func() time.Time
}

// StampedRecords are the class tables, as far as a stamp touches them.
type StampedRecords interface {
	Get(ctx context.Context, class, id string) (retention.Stored, error)
	// Stamp writes a record's place in the indexes, provided that the record is
	// still as it was read; otherwise it does nothing.
	Stamp(ctx context.Context, class string, of retention.Stored, sort string) error
	// Withdraw sets since when a record has no basis, or clears that (zero), and
	// reports whether the record was still as it was read.
	Withdraw(ctx context.Context, class string, of retention.Stored, at time.Time) (bool, error)
	// Claim gives a record its contact's slot. The error is a DuplicateError where
	// another record has the slot.
	Claim(ctx context.Context, class string, record retention.Stored) error
	// Leave frees the slots of a record that is gone, if it still is.
	Leave(ctx context.Context, class, id string) error
}

// Subjects is the suppression list, read strongly.
type Subjects interface {
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
}

// ErrImplausibleStart means that a record's start cannot be believed. By such a
// start a purge would delete the record at once, or never, so the record is
// stamped as if it had none.
var ErrImplausibleStart = errors.New("the start is before 2000 or more than a day ahead")

// Stamp stamps a record that was stored or changed. The faults are what a person
// must look into; everything else was done nevertheless. After an error the
// record must be stamped again.
func (s Stamper) Stamp(ctx context.Context, class string, record retention.Stored) (faults []error, err error) {
	if !record.Start.IsZero() && !retention.PlausibleStart(record.Start, s.Now()) {
		faults, record.Start = append(faults, ErrImplausibleStart), time.Time{}
	}
	for _, step := range []func(context.Context, string, retention.Stored) error{s.stamp, s.claim} {
		err := step(ctx, class, record)
		switch {
		case isFault(err):
			faults = append(faults, err)
		case err != nil:
			return faults, err
		}
	}
	return faults, nil
}

// isFault reports whether stamping again would end in the same error: the
// suppressions of the subject cannot be read, the record has no room for its
// stamp, or the contact has another record.
func isFault(err error) bool {
	return errors.Is(err, suppression.ErrUnreadable) || errors.Is(err, retention.ErrUnreadable) ||
		errors.Is(err, retention.ErrUnwritable) || errors.As(err, new(retention.DuplicateError))
}

// Leave frees the slot of a record that is gone.
func (s Stamper) Leave(ctx context.Context, class, id string) error {
	if class != retention.Messaging {
		return nil
	}
	return s.Records.Leave(ctx, class, id)
}

// claim gives a new messaging record its contact's slot. Where another service
// wrote a second record of the contact, both stand.
func (s Stamper) claim(ctx context.Context, class string, record retention.Stored) error {
	if class != retention.Messaging || record.Shard != "" || record.Subject == "" || record.Scope == "" {
		return nil
	}
	return s.Records.Claim(ctx, class, record)
}

func (s Stamper) stamp(ctx context.Context, class string, record retention.Stored) error {
	if sort := place(record.Record); !isPlaced(record, sort) || record.Shard == "" {
		if err := s.Records.Stamp(ctx, class, record, sort); err != nil {
			return err
		}
	}
	at, err := s.withdrawnAt(ctx, class, record)
	if err != nil || at.IsZero() || record.WithdrawnAs(at) {
		return err
	}
	done, err := s.Records.Withdraw(ctx, class, record, at)
	if err != nil || !done || at.Equal(record.WithdrawnAt) {
		return err // not done: a newer change is on its way through the stream
	}
	return s.confirm(ctx, class, record, at)
}

// place is where a record lies in the index by start; "" for a running record.
func place(r retention.Record) string {
	if r.Start.IsZero() {
		return ""
	}
	return retention.Sort(r.Start)
}

// isPlaced reports whether the indexes have the record at this place.
func isPlaced(s retention.Stored, sort string) bool {
	return s.Sort == sort && s.ActiveSort == s.Record.ActiveSort(sort)
}

// confirm reads the list once more after a record was marked by it, and takes
// the mark back if a release came in between: propagate may have looked at the
// record before it was marked, and will not look again.
func (s Stamper) confirm(ctx context.Context, class string, marked retention.Stored, at time.Time) error {
	item, err := s.List.Get(ctx, marked.Subjects())
	if err != nil || !suppression.WithdrawnAt(item, class, marked.Scope, marked.OccurredAt).IsZero() {
		return err
	}
	now, err := s.Records.Get(ctx, class, marked.ID)
	switch {
	case errors.Is(err, retention.ErrNoRecord):
		return nil
	case err != nil || !now.WithdrawnAs(at):
		return err
	}
	_, err = s.Records.Withdraw(ctx, class, now, marked.WithdrawnAt)
	return err
}

// withdrawnAt is since when the record has no basis: what the record says, or an
// earlier mark of the list.
func (s Stamper) withdrawnAt(ctx context.Context, class string, record retention.Stored) (time.Time, error) {
	if record.Subject == "" {
		return record.WithdrawnAt, nil
	}
	item, err := s.List.Get(ctx, record.Subjects())
	if err != nil {
		return time.Time{}, err
	}
	at := suppression.WithdrawnAt(item, class, record.Scope, record.OccurredAt)
	if at.IsZero() || !record.WithdrawnAt.IsZero() && record.WithdrawnAt.Before(at) {
		at = record.WithdrawnAt
	}
	return at, nil
}
