package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// Ledger is the ledger, compared with the suppression list. Every read is strong.
type Ledger interface {
	// EachHistory hands over the key of every history, EachTakingOver every entry
	// that tells how one key's item took over another's.
	EachHistory(ctx context.Context, each func(contact.Key) error) error
	EachTakingOver(ctx context.Context, each func(ledger.Entry) error) error
	// Replay reports whether the item of a key lacks something that its history
	// tells, and ReplayTakingOver whether the item that was taken over does not
	// say so. To repair the item, they write what it lacks. The error wraps
	// ledger.ErrBroken where the history does not hold together, and
	// retention.ErrUnreadable where the item cannot be read.
	Replay(ctx context.Context, key contact.Key, repair bool) (lacking bool, err error)
	ReplayTakingOver(ctx context.Context, e ledger.Entry, repair bool) (lacking bool, err error)
	// EntriesSince reads one page of the entries that were recorded at a time or
	// later, in no order, after a place ("" for the first page).
	EntriesSince(ctx context.Context, since time.Time, after string) (ledger.Page, error)
}

// ErrNotReplayed means that some histories were left alone.
var ErrNotReplayed = errors.New("some histories do not hold together, or items cannot be read; these are left alone")

// Replay is what the ledger knows and the suppression list lacks.
type Replay struct {
	Histories int     `json:"histories"`
	Lacking   int     `json:"lacking"`  // suppressions that lacked something
	Broken    int     `json:"broken"`   // histories that do not hold together, and items that cannot be read
	Repaired  bool    `json:"repaired"` // what was lacking was written
	Faults    []error `json:"-"`        // of the broken ones, each with the beginning of its key
}

// Replay compares the whole ledger with the list and, to repair the list, writes
// what it lacks. It reads the items first, and then which item took over which.
// ErrNotReplayed comes with the answer.
func (o *Operator) Replay(ctx context.Context, repair bool) (*Replay, error) {
	answer := &Replay{Repaired: repair}
	count := func(key contact.Key, lacking bool, err error) error {
		if lacking {
			answer.Lacking++
		}
		if errors.Is(err, ledger.ErrBroken) || errors.Is(err, retention.ErrUnreadable) {
			answer.Broken++
			answer.Faults = append(answer.Faults, fmt.Errorf("under the key %s: %w", key.Short(), err))
			return nil
		}
		return err
	}
	err := o.Ledger.EachHistory(ctx, func(key contact.Key) error {
		answer.Histories++
		lacking, err := o.Ledger.Replay(ctx, key, repair)
		return count(key, lacking, err)
	})
	if err != nil {
		return nil, err
	}
	err = o.Ledger.EachTakingOver(ctx, func(e ledger.Entry) error {
		lacking, err := o.Ledger.ReplayTakingOver(ctx, e, repair)
		return count(e.Former, lacking, err)
	})
	if err != nil {
		return nil, err
	}
	err = o.Suppressions.Each(ctx, func(i suppression.Item, unreadable error) error {
		if unreadable != nil {
			return nil // its history names it
		}
		entries, err := o.Suppressions.History(ctx, i.Key)
		if err == nil && (len(entries) == 0 || entries[0].Version > 1) {
			err = errNoBeginning
		}
		if errors.Is(err, retention.ErrUnreadable) {
			return nil
		}
		return count(i.Key, false, err)
	})
	if err != nil {
		return nil, err
	}
	if answer.Broken > 0 {
		return answer, ErrNotReplayed
	}
	return answer, nil
}

// errNoBeginning is a suppression whose history is in no ledger, or not from its first
// entry on.
var errNoBeginning = fmt.Errorf("%w: the ledger lost its beginning", ledger.ErrBroken)

// EventsWork is how far the sending of past events is. An interrupted sending goes
// on from it.
type EventsWork struct {
	Since time.Time  `json:"since"`
	After string     `json:"after"` // the place in the ledger
	Did   SentEvents `json:"did"`
}

// SentEvents counts what was sent again.
type SentEvents struct {
	Entries   int `json:"entries"`   // of the ledger, since the time
	Events    int `json:"events"`    // went out again
	Withdrawn int `json:"withdrawn"` // records whose withdrawal was missing
	Faults    int `json:"faults"`    // entries and records that cannot be read
}

// eventsAtOnce is how many entries are carried out before the next pause.
const eventsAtOnce = 100

// entriesAtOnce is how many entries withdraw records at the same time.
const entriesAtOnce = 16

// ReplayEvents does for every entry of the ledger since a time what the ledger's
// stream should have done: it withdraws records and sends the event, no faster than
// rate entries a second (0 for no limit). An event that had arrived arrives twice,
// with the same ledger id. Every step is handed to save.
func (o *Operator) ReplayEvents(
	ctx context.Context, work EventsWork, rate int, sleep func(context.Context, time.Duration) error, save func(EventsWork) error,
) (*SentEvents, error) {
	if work.Since.After(o.Now()) {
		return nil, Mistakef("--events must be a time in the past: --events 2026-11-22T02:00:00Z")
	}
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return nil, err
	}
	withdrawer := purge.Withdrawer{Policy: policy, List: o.Suppressions, Records: o.Records}
	for first := true; first || work.After != ""; first = false {
		page, err := o.Ledger.EntriesSince(ctx, work.Since, work.After)
		if err != nil {
			return nil, err
		}
		work.Did.Faults += page.Unreadable
		for some := range slices.Chunk(page.Entries, eventsAtOnce) {
			began := o.Now()
			if err := o.sendAgain(ctx, withdrawer, some, &work.Did); err != nil {
				return nil, fmt.Errorf("%w; type the command again: it goes on from there", err)
			}
			if rate > 0 {
				if err := sleep(ctx, max(0, time.Duration(len(some))*time.Second/time.Duration(rate)-o.Now().Sub(began))); err != nil {
					return nil, err
				}
			}
		}
		work.After = page.Last
		if err := save(work); err != nil {
			return nil, err
		}
	}
	return &work.Did, nil
}

// sendAgain withdraws the records of entries, and then sends their events.
func (o *Operator) sendAgain(ctx context.Context, withdrawer purge.Withdrawer, entries []ledger.Entry, did *SentEvents) error {
	var mu sync.Mutex
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(entriesAtOnce)
	for _, entry := range entries {
		group.Go(func() error {
			changed, faults, err := withdrawer.Withdraw(inGroup, entry)
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, suppression.ErrUnreadable) {
				did.Faults++
				err = nil
			}
			did.Withdrawn, did.Faults = did.Withdrawn+changed, did.Faults+len(faults)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	announced := slices.DeleteFunc(slices.Clone(entries), func(e ledger.Entry) bool { return !suppression.Announced(e) })
	if err := o.Announce(ctx, announced); err != nil {
		return err
	}
	did.Entries, did.Events = did.Entries+len(entries), did.Events+len(announced)
	return nil
}
