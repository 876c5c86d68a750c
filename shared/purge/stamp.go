package purge

import (
	"context"
	"errors"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// Stamper gives the records of every service their place in the indexes,
// and gives a messaging record its contact's slot. It withdraws a record
// whose subject opted out, or was erased, before the record arrived.
type Stamper struct {
	Records StampedRecords
	List    Subjects
	Holds   HeldRecords
	Policy  *retention.Policy // which objects a record may name; nil for any
	Now     func() time.Time
}

// StampedRecords is the part of the class tables that a stamp needs.
type StampedRecords interface {
	Get(ctx context.Context, class, id string) (retention.Stored, error)
	// Stamp writes a record's place in the indexes if the record is unchanged
	// since it was read; otherwise it does nothing.
	Stamp(ctx context.Context, class string, record retention.Stored, sort string) error
	// Remember sets the FirstAt of a record, and reports whether the record was
	// unchanged since it was read.
	Remember(ctx context.Context, class string, record retention.Stored, first time.Time) (bool, error)
	// Withdraw sets the time of a record's withdrawal, or clears it (zero), and
	// reports whether the record was unchanged since it was read.
	Withdraw(ctx context.Context, class string, record retention.Stored, at time.Time) (bool, error)
	// Claim gives a record its contact's slot, and reports whether it did: the
	// record may have the slot already. The error is a DuplicateError if another
	// record has the slot.
	Claim(ctx context.Context, class string, record retention.Stored) (bool, error)
	// ClaimObjects gives a record the objects that it and its older version name,
	// and reports whether it did: the record may own them already. The error is
	// retention.ErrObjectTaken if another record owns one, and retention.ErrObjects
	// if they are too many.
	ClaimObjects(ctx context.Context, class string, record retention.Stored, older retention.Record) (bool, error)
	// Leave frees the slots and the objects of a deleted record, if it is still deleted.
	Leave(ctx context.Context, class, id string) error
}

// Subjects is the suppression list, read strongly.
type Subjects interface {
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
}

// ErrRewritten means that a record was changed or deleted in its table although
// a hold freezes the record. The tools' API refuses the change; a service that
// writes into the table directly is told by this alarm.
var ErrRewritten = errors.New("a held record was changed or deleted in its table")

// ErrImplausibleStart means that a record's start is implausible. By this start
// a purge would delete the record at once, or never, so the record is stamped
// as if it had no start.
var ErrImplausibleStart = errors.New("the start is before 2000 or more than a day ahead")

// Stamp stamps a record that was stored or changed; before is the record as it was,
// and empty if it is new or that is not known. A person must look into the
// returned faults; everything else was done. After an error the record must be
// stamped again.
func (s Stamper) Stamp(ctx context.Context, class string, before, record retention.Stored) (faults []error, err error) {
	_, faults, err = s.all(ctx, class, before, record)
	return faults, err
}

// all is Stamp, and counts what was done.
func (s Stamper) all(ctx context.Context, class string, before, record retention.Stored) (did Mended, faults []error, err error) {
	if !record.Start.IsZero() && !retention.PlausibleStart(record.Start, s.Now()) {
		faults, record.Start = append(faults, ErrImplausibleStart), time.Time{}
	}
	for _, step := range []func(context.Context, string, retention.Stored, retention.Stored) (Mended, error){s.remember, s.stamp, s.claim, s.claimObjects} {
		more, err := step(ctx, class, before, record)
		did.add(more)
		switch {
		case isFault(err):
			faults = append(faults, err)
		case err != nil:
			return did, faults, err
		}
	}
	return did, faults, nil
}

// Mend stamps a record that the stream may have missed, gives it the slot that it
// should have, and counts what it did.
func (s Stamper) Mend(ctx context.Context, class string, record retention.Stored) (did Mended, faults []error, err error) {
	if did, faults, err = s.all(ctx, class, retention.Stored{}, record); err != nil {
		return did, faults, err
	}
	record.Shard = "" // as a new record, whose slot is not known
	more, err := s.claim(ctx, class, record, record)
	did.add(more)
	if isFault(err) {
		return did, append(faults, err), nil
	}
	return did, faults, err
}

// Frozen returns ErrRewritten if a hold covers the record as it was before
// somebody rewrote it. A hold that was placed between the rewriting and this
// reading counts, too: a doubt is an alarm.
func (s Stamper) Frozen(ctx context.Context, class string, before retention.Stored) error {
	held, err := s.Holds.Held(ctx, before.Targets(class))
	if err == nil && isHeld(retention.Class{Name: class}, before, held) {
		err = ErrRewritten
	}
	return err
}

// isFault reports whether stamping again would end in the same error: the
// suppressions of the subject cannot be read, the record has no room for its
// stamp, the contact has another record, or an object belongs to another.
func isFault(err error) bool {
	return errors.Is(err, suppression.ErrUnreadable) || errors.Is(err, retention.ErrUnreadable) ||
		errors.Is(err, retention.ErrUnwritable) || errors.Is(err, retention.ErrObjectTaken) || errors.Is(err, retention.ErrObjects) ||
		errors.Is(err, retention.ErrForeignPrefix) ||
		errors.As(err, new(retention.DuplicateError))
}

// Leave frees the slot and the objects of a deleted record; before is the record
// as it was, and empty if that is not known.
func (s Stamper) Leave(ctx context.Context, class, id string, before retention.Stored) error {
	if class != retention.Messaging && before.ID != "" && len(before.Owning(retention.Record{})) == 0 {
		return nil
	}
	return s.Records.Leave(ctx, class, id)
}

// claimObjects gives a record the objects that it names or named, if they or the
// scope are not what its last version had.
func (s Stamper) claimObjects(ctx context.Context, class string, before, record retention.Stored) (Mended, error) {
	owning := record.Owning(retention.Record{})
	moved := record.Scope != before.Scope && len(owning) > 0
	if !moved && slices.Equal(owning, before.Owning(retention.Record{})) {
		return Mended{}, nil
	}
	if err := s.placed(class, record.Record); err != nil {
		return Mended{}, err
	}
	done, err := s.Records.ClaimObjects(ctx, class, record, before.Record)
	return claimed(done), err
}

func claimed(done bool) Mended {
	if !done {
		return Mended{}
	}
	return Mended{Claimed: 1}
}

// placed refuses objects under the prefix of another scope. The record owns none of
// its objects until it is corrected, so no purge deletes them.
func (s Stamper) placed(class string, record retention.Record) error {
	if s.Policy == nil {
		return nil
	}
	of, _ := s.Policy.Class(class)
	return of.Placed(record)
}

// claim gives a new messaging record its contact's slot. If another service
// wrote a second record of the contact, both records stay.
func (s Stamper) claim(ctx context.Context, class string, _, record retention.Stored) (Mended, error) {
	if class != retention.Messaging || record.Shard != "" || record.Subject == "" || record.Scope == "" {
		return Mended{}, nil
	}
	done, err := s.Records.Claim(ctx, class, record)
	return claimed(done), err
}

func (s Stamper) stamp(ctx context.Context, class string, _, record retention.Stored) (did Mended, err error) {
	if sort := place(record.Record); !isPlaced(record, sort) || record.Shard == "" {
		if err := s.Records.Stamp(ctx, class, record, sort); err != nil {
			return did, err
		}
		did.Stamped = 1
	}
	at, err := s.withdrawnAt(ctx, class, record)
	if err != nil || at.IsZero() || record.WithdrawnAs(at) {
		return did, err
	}
	done, err := s.Records.Withdraw(ctx, class, record, at)
	if done {
		did.Withdrawn = 1
	}
	if err != nil || !done || at.Equal(record.WithdrawnAt) || class != retention.Messaging {
		return did, err // not done: the stream will deliver a newer change; a release ends withdrawals of messaging alone
	}
	return did, s.confirm(ctx, class, record, at)
}

// mostTries is how often a record is read again after another writer changed it.
const mostTries = 5

// remember notes from when the record's first version tells, where a service
// replaced the record and did not keep that. It notes this on the record as it
// stands now: the next version may have come, and the stream tells only of the
// version before each.
func (s Stamper) remember(ctx context.Context, class string, before, record retention.Stored) (Mended, error) {
	for range mostTries {
		first := record.FirstKnown(class, before.Record)
		if first.Equal(record.FirstAt) {
			return Mended{}, nil
		}
		done, err := s.Records.Remember(ctx, class, record, first)
		if done || err != nil {
			return Mended{}, err // the stream delivers this change
		}
		record, err = s.Records.Get(ctx, class, record.ID)
		if errors.Is(err, retention.ErrNoRecord) || errors.Is(err, retention.ErrUnreadable) {
			return Mended{}, nil // the stream delivers that change
		}
		if err != nil {
			return Mended{}, err
		}
	}
	return Mended{}, retention.ErrContended
}

// place is the record's place in the index by start; "" for a running record.
func place(r retention.Record) string {
	if r.Start.IsZero() {
		return ""
	}
	return retention.Sort(r.Start)
}

// isPlaced reports whether the record has this place in the indexes.
func isPlaced(s retention.Stored, sort string) bool {
	return s.Sort == sort && s.ActiveSort == s.Record.ActiveSort(sort)
}

// confirm reads the list again after a record was withdrawn by it, and undoes
// the withdrawal if a release took place in between: propagate may have read
// the record before the withdrawal, and will not read it again.
func (s Stamper) confirm(ctx context.Context, class string, marked retention.Stored, at time.Time) error {
	item, err := s.List.Get(ctx, marked.Subjects())
	if err != nil || !suppression.WithdrawnAt(item, class, marked.Scope, marked.ErasableAt()).IsZero() {
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

// withdrawnAt is the earlier of the record's withdrawal and the list's.
func (s Stamper) withdrawnAt(ctx context.Context, class string, record retention.Stored) (time.Time, error) {
	if record.Subject == "" {
		return record.WithdrawnAt, nil
	}
	item, err := s.List.Get(ctx, record.Subjects())
	if err != nil {
		return time.Time{}, err
	}
	at := suppression.WithdrawnAt(item, class, record.Scope, record.ErasableAt())
	if at.IsZero() || !record.WithdrawnAt.IsZero() && record.WithdrawnAt.Before(at) {
		at = record.WithdrawnAt
	}
	return at, nil
}
