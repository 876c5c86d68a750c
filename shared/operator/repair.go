package operator

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
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

// Mend goes on with the repair of a class, no faster than rate records a second (0
// for no limit). It pauses with sleep. Every step is handed to save; an interrupted
// repair is called again with the work that was saved last.
func (o *Operator) Mend(
	ctx context.Context, work purge.MendWork, rate int, sleep func(context.Context, time.Duration) error, save func(purge.MendWork) error,
) (*purge.Mended, error) {
	_, policy, err := o.Class(ctx, work.Class)
	if err != nil {
		return nil, err
	}
	work, err = purge.Mender{
		Records: o.Records, Rate: rate, Sleep: sleep,
		Stamper: purge.Stamper{Records: o.Records, List: o.Suppressions, Holds: o.Holds, Policy: policy, Now: o.Now},
	}.Mend(ctx, work, save)
	if err != nil {
		return nil, err
	}
	return &work.Did, nil
}

// Drill is the tables of a restore that is rehearsed.
type Drill interface {
	// Copy makes the tables and returns the number of records that it copied. lost
	// names the attributes that a record does not have in the backup.
	Copy(ctx context.Context, lost func(context.Context, retention.Stored) ([]string, error)) (int, error)
	// Compare compares the restored records with their twins.
	Compare(ctx context.Context) (purge.Twins, error)
	// Table is the name of the restored table.
	Table() string
	Remove(ctx context.Context) error
}

// Drilled is the certificate of a drill.
type Drilled struct {
	Drill     string       `json:"drill"` // restore
	Class     string       `json:"class"`
	StartedAt time.Time    `json:"startedAt"`
	EndedAt   time.Time    `json:"endedAt"`
	By        string       `json:"by"` // the principal
	Table     string       `json:"table"`
	Policy    string       `json:"policyHash"`
	Copied    int          `json:"copied"` // records, as the backup has them
	Mended    purge.Mended `json:"mended"`
	Replayed  SentEvents   `json:"replayed"` // of the ledger; no event went out
	Again     purge.Mended `json:"again"`    // the second repair
	Twins     purge.Twins  `json:"twins"`
	Passed    bool         `json:"passed"`

	Fingerprint string             `json:"fingerprint"`           // of the key that signed it
	File        string             `json:"certificate,omitempty"` // where it is kept; not in the file itself
	Bundle      certificate.Bundle `json:"-"`
}

// sign signs the certificate with the key of the purges' certificates. The fields of
// the two differ, so the certificate of a drill cannot pass for the certificate of a
// purge.
func (d *Drilled) sign(ctx context.Context, signer purge.Signer) (err error) {
	if d.Bundle.PublicKey, err = signer.PublicKey(ctx); err == nil {
		d.Fingerprint, err = certificate.Fingerprint(d.Bundle.PublicKey)
	}
	if err == nil {
		d.Bundle.JSON, err = json.MarshalIndent(d, "", "  ")
	}
	if err == nil {
		digest := sha256.Sum256(d.Bundle.JSON)
		d.Bundle.Signature, err = signer.Sign(ctx, digest[:])
	}
	if err != nil {
		return fmt.Errorf("the drill is over, and its certificate is not signed: %w", err)
	}
	return nil
}

// ErrDrill means that a restored table is not what its twin is.
var ErrDrill = errors.New("the restored table differs from the table that was never restored")

// backupAge is how long the backups of a class's table are kept.
const backupAge = 7 * 24 * time.Hour

// DrillRestore rehearses the restore of a class's table: the table is copied under
// another name as a restore leaves it, the stack's names are pointed at the copy,
// the copy is repaired and compared with the table that was never restored, and is
// then deleted. ErrDrill comes with the answer. The stack goes on meanwhile, and
// nothing of it changes.
func (o *Operator) DrillRestore(ctx context.Context, class string) (drilled *Drilled, err error) {
	of, _, err := o.Class(ctx, class)
	if err != nil {
		return nil, err
	}
	if o.Drill == nil {
		return nil, Mistakef("a drill works on the local stack alone; on AWS restore a backup under another name, as RUNBOOK.md says")
	}
	drilled = &Drilled{Drill: "restore", Class: class, StartedAt: o.Now().UTC(), Policy: of.Hash()}
	if drilled.By, err = o.Principal(ctx); err != nil {
		return nil, err
	}
	drill, records := o.Drill(class, "drill-"+drilled.StartedAt.Format("20060102t150405"))
	drilled.Table = drill.Table()
	defer func() {
		if left := drill.Remove(context.WithoutCancel(ctx)); left != nil {
			err = errors.Join(err, left)
		}
	}()
	if drilled.Copied, err = drill.Copy(ctx, o.lostIn(class)); err != nil {
		return nil, err
	}
	restored := *o
	restored.Records = records
	restored.Announce = func(context.Context, []ledger.Entry) error { return nil }
	if err := restored.repair(ctx, drilled, drill); err != nil {
		return nil, err
	}
	drilled.EndedAt = o.Now().UTC()
	drilled.Passed = len(drilled.Twins.Different) == 0 && drilled.Twins.Compared == drilled.Copied
	if err := drilled.sign(ctx, o.Signer); err != nil {
		return nil, err
	}
	if !drilled.Passed {
		return drilled, ErrDrill
	}
	return drilled, nil
}

// drillTries is how often a restored table is compared: an opt-out that comes
// meanwhile withdraws the record of the stack first.
const drillTries = 2

// repair does what the runbook says after a restore, and compares the outcome.
func (o *Operator) repair(ctx context.Context, drilled *Drilled, drill Drill) error {
	noPause := func(context.Context, time.Duration) error { return nil }
	mend := func() (purge.Mended, error) {
		mended, err := o.Mend(ctx, purge.NewMendWork(drilled.Class), 0, noPause, func(purge.MendWork) error { return nil })
		if err != nil {
			return purge.Mended{}, err
		}
		return *mended, nil
	}
	var err error
	if drilled.Mended, err = mend(); err != nil {
		return err
	}
	sent, err := o.ReplayEvents(ctx, EventsWork{Since: drilled.StartedAt.Add(-backupAge)}, 0, noPause, func(EventsWork) error { return nil })
	if err != nil {
		return fmt.Errorf("going through the ledger: %w", err)
	}
	drilled.Replayed = *sent
	for range drillTries {
		if drilled.Again, err = mend(); err != nil {
			return err
		}
		if drilled.Twins, err = drill.Compare(ctx); err != nil || len(drilled.Twins.Different) == 0 {
			return err
		}
	}
	return nil
}

// lostIn tells what a record of the class does not have in a backup from before its
// stamp, and from before the opt-out or erasure that withdrew the record.
func (o *Operator) lostIn(class string) func(context.Context, retention.Stored) ([]string, error) {
	return func(ctx context.Context, record retention.Stored) ([]string, error) {
		lost := []string{names.AttrRetentionSort, names.AttrRetentionShard, names.AttrActiveSort}
		if record.WithdrawnAt.IsZero() || record.PurgingBy != "" || len(record.Subjects()) == 0 {
			return lost, nil
		}
		item, err := o.Suppressions.Get(ctx, record.Subjects())
		if err != nil {
			return nil, err
		}
		at := suppression.WithdrawnAt(item, class, record.Scope, record.ErasableAt())
		if !at.IsZero() && record.WithdrawnAs(at) {
			lost = append(lost, names.AttrWithdrawnAt)
		}
		return lost, nil
	}
}
