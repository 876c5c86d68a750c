package purge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// ErrRestless means that the index kept showing deleted or no longer due
// records.
var ErrRestless = errors.New("the index does not catch up with the table")

// Verifier reads again, after a run, what the run claims. It deletes nothing
// and needs no permission to delete.
type Verifier struct {
	Records  Records
	Manifest Manifest
	// HMAC names a deleted record in the certificate's list.
	HMAC func(class, id string) string
	// Pause is the wait before the index is read again.
	Pause time.Duration
}

// Account is what a run did, according to its manifest and the tables: the
// counts, and the HMACs of the deleted records.
type Account struct {
	Counts certificate.Counts
	Keys   []string

	accounted map[string]bool // ids of kept records that are counted
}

// Account reads every record of the run's manifest again, strongly. For a page
// that was cut off the table decides, so an interrupted run comes to the same
// counts.
func (v Verifier) Account(ctx context.Context, class retention.Class, run string, cutoff time.Time) (Account, error) {
	total := Account{accounted: map[string]bool{}}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(shardsAtOnce)
	for n := range retention.Shards {
		group.Go(func() error {
			shard, err := v.accountShard(ctx, class, run, retention.ShardName(n), cutoff)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(shard)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Account{}, fmt.Errorf("accounting for a purge of %s: %w", class.Name, err)
	}
	return total, nil
}

func (v Verifier) accountShard(ctx context.Context, class retention.Class, run, shard string, cutoff time.Time) (Account, error) {
	account := Account{accounted: map[string]bool{}}
	pages, err := v.Manifest.Pages(ctx, class.Name, run, shard)
	if err != nil {
		return account, err
	}
	outcomes := mergeOutcomes(pages)
	ids := slices.Sorted(maps.Keys(outcomes))
	for chunk := range slices.Chunk(ids, MaxDeletes) {
		there, unreadable, err := v.Records.Load(ctx, class.Name, chunk)
		if err != nil {
			return account, err
		}
		for _, id := range chunk {
			record, exists := there[id]
			stillDue := unreadable[id] != nil || exists && class.Due(record.Record, cutoff)
			outcome := verifiedOutcome(outcomes[id], exists || unreadable[id] != nil, stillDue)
			if record.PurgingBy != "" {
				outcome = Failed // the record exists, but its objects may be gone
			}
			v.count(&account, class.Name, id, outcome)
		}
	}
	return account, nil
}

// cutOff is the outcome of a record in a page that was cut off.
const cutOff Outcome = ""

// mergeOutcomes merges the outcomes of the pages; the newest outcome counts. If a
// later page found a record gone, the earlier page that was cut off deleted it.
// If the first page found it gone, this run did not delete it.
func mergeOutcomes(pages []Page) map[string]Outcome {
	outcomes := map[string]Outcome{}
	for _, page := range pages {
		for _, id := range page.IDs {
			outcome := page.Outcomes[id]
			earlier, known := outcomes[id]
			switch {
			case earlier == Deleted:
			case outcome == Gone && known && earlier == cutOff:
				outcomes[id] = Deleted
			case outcome == Gone && known:
			default:
				outcomes[id] = outcome
			}
		}
	}
	return outcomes
}

// verifiedOutcome compares the manifest with the table. A certificate lists a record as
// deleted only if the record is gone, or was stored again and is not due. A
// record that was stored again and is due counts as failed; the next run takes
// it. A kept record that is gone was deleted by its owner.
func verifiedOutcome(outcome Outcome, exists, stillDue bool) Outcome {
	switch {
	case outcome == cutOff && !exists:
		return Deleted
	case outcome == cutOff && !stillDue:
		return Changed
	case outcome == cutOff, outcome == Deleted && stillDue:
		return Failed
	case outcome != Deleted && !exists:
		return Gone
	}
	return outcome
}

func (v Verifier) count(a *Account, class, id string, outcome Outcome) {
	switch outcome {
	case Gone:
		return
	case Deleted:
		a.Keys = append(a.Keys, v.HMAC(class, id))
		a.Counts.Deleted++
	case Held:
		a.Counts.Held++
	case Changed:
		a.Counts.Changed++
	case Failed, cutOff:
		a.Counts.Failed++
	}
	a.Counts.Due++
	if outcome != Deleted {
		a.accounted[id] = true
	}
}

func (a *Account) add(shard Account) {
	a.Keys = append(a.Keys, shard.Keys...)
	for id := range shard.accounted {
		a.accounted[id] = true
	}
	a.Counts.Due += shard.Counts.Due
	a.Counts.Deleted += shard.Counts.Deleted
	a.Counts.Held += shard.Counts.Held
	a.Counts.Changed += shard.Counts.Changed
	a.Counts.Failed += shard.Counts.Failed
}

// Stop after quietAnswers clean answers in a row; give up after mostAnswers.
const (
	quietAnswers = 2
	mostAnswers  = 30
)

// Verify reads the index until it shows, twice in a row, no due record that is
// not accounted for, because the index lags behind the table by moments. A due
// record that the run never took (it was stamped only now) is added to the
// account as failed; the next run takes it.
func (v Verifier) Verify(ctx context.Context, class retention.Class, cutoff time.Time, account Account) (Account, error) {
	quiet := 0
	for n := 0; quiet < quietAnswers; n++ {
		if n == mostAnswers {
			return account, fmt.Errorf("verifying a purge of %s: %w", class.Name, ErrRestless)
		}
		if n > 0 {
			select {
			case <-ctx.Done():
				return account, ctx.Err()
			case <-time.After(v.Pause):
			}
		}
		stale, err := v.ask(ctx, class, cutoff, &account)
		if err != nil {
			return account, fmt.Errorf("verifying a purge of %s: %w", class.Name, err)
		}
		if quiet++; stale {
			quiet = 0
		}
	}
	return account, nil
}

// ask reads the index once and reports whether it still shows deleted or no
// longer due records.
func (v Verifier) ask(ctx context.Context, class retention.Class, cutoff time.Time, account *Account) (stale bool, err error) {
	var unknown []string
	for n := range retention.Shards {
		for d, err := range eachDue(ctx, v.Records, class, retention.ShardName(n), cutoff) {
			if err != nil {
				return false, err
			}
			if !account.accounted[d.ID] {
				unknown = append(unknown, d.ID)
			}
		}
	}
	unknown = slices.Compact(slices.Sorted(slices.Values(unknown)))
	for chunk := range slices.Chunk(unknown, MaxDeletes) {
		there, unreadable, err := v.Records.Load(ctx, class.Name, chunk)
		if err != nil {
			return false, err
		}
		for _, id := range chunk {
			record, exists := there[id]
			if unreadable[id] == nil && (!exists || !class.Due(record.Record, cutoff)) {
				stale = true
				continue
			}
			v.count(account, class.Name, id, Failed)
		}
	}
	return stale, nil
}
