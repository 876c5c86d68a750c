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
	// Keep stores the list of a shard. It is called for several shards at once,
	// and not for a shard without a deleted record.
	Keep func(ctx context.Context, shard string, list []byte) error
	// Pause is the wait before the index is read again.
	Pause time.Duration
	// Planned is how many records the run planned. Of a large run fewer shards are
	// accounted for at the same time, because the lists of a shard are in memory.
	Planned int
}

// mostListed is about how many records are in memory at the same time.
const mostListed = 45_000

// shardsAtOnce is how many shards are accounted for at the same time.
func (v Verifier) shardsAtOnce() int {
	return max(1, min(shardsAtOnce, mostListed*retention.Shards/max(1, v.Planned)))
}

// Account is what a run did, according to its manifest and the tables. The lists
// of the deleted records are large, so they are stored and not in the account.
type Account struct {
	Counts certificate.Counts
	Lists  map[string]certificate.List // shard -> its list

	accounted [retention.Shards]map[string]bool // ids of each shard's kept records that are counted
}

// Account reads every record of the run's manifest again, strongly. For a page
// that was cut off the table decides, so an interrupted run comes to the same
// counts.
func (v Verifier) Account(ctx context.Context, class retention.Class, run string, cutoff time.Time) (Account, error) {
	total := Account{Lists: map[string]certificate.List{}}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(v.shardsAtOnce())
	for n := range retention.Shards {
		group.Go(func() error {
			shard, err := v.accountShard(ctx, class, run, retention.ShardName(n), cutoff)
			if err != nil {
				return err
			}
			list, file := certificate.NewList(shard.keys)
			if list.Count > 0 {
				if err := v.Keep(ctx, retention.ShardName(n), file); err != nil {
					return err
				}
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(shard.counts)
			total.accounted[n] = shard.kept
			if list.Count > 0 {
				total.Lists[retention.ShardName(n)] = list
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Account{}, fmt.Errorf("accounting for a purge of %s: %w", class.Name, err)
	}
	return total, nil
}

// shardAccount is the account of one shard.
type shardAccount struct {
	counts certificate.Counts
	keys   []string        // of the deleted records
	kept   map[string]bool // ids of kept records that are counted
}

func (v Verifier) accountShard(ctx context.Context, class retention.Class, run, shard string, cutoff time.Time) (shardAccount, error) {
	account := shardAccount{kept: map[string]bool{}}
	pages, err := v.Manifest.Pages(ctx, class.Name, run, shard)
	if err != nil {
		return account, err
	}
	outcomes := mergeOutcomes(pages)
	account.keys = make([]string, 0, len(outcomes))
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(chunksAtOnce * shardsAtOnce / v.shardsAtOnce())
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(outcomes)), MaxDeletes) {
		group.Go(func() error {
			there, unreadable, err := v.Records.Load(ctx, class.Name, chunk)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, id := range chunk {
				record, exists := there[id]
				stillDue := unreadable[id] != nil || exists && class.Due(record.Record, cutoff)
				outcome := verifiedOutcome(outcomes[id], exists || unreadable[id] != nil, stillDue)
				if record.PurgingBy != "" {
					outcome = Failed // the record exists, but its objects may be gone
				}
				v.count(&account, class.Name, id, outcome)
			}
			return nil
		})
	}
	return account, group.Wait()
}

// chunksAtOnce is how many requests of one of shardsAtOnce shards run at the same time.
const chunksAtOnce = 4

// cutOff is the outcome of a record in a page that was cut off.
const cutOff Outcome = ""

// noted is what the pages of a manifest say of a record.
type noted struct {
	outcome Outcome
	wasCut  bool // a page with the record was cut off
}

// mergeOutcomes merges the outcomes of the pages; the newest outcome counts. If a
// later page found a record gone, the earlier page that was cut off deleted it.
// If the first page found it gone, this run did not delete it. The pages are emptied
// on the way, because both together are large.
func mergeOutcomes(pages []Page) map[string]noted {
	merged := map[string]noted{}
	for n, page := range pages {
		pages[n] = Page{}
		for _, id := range page.IDs {
			outcome := page.Outcomes[id]
			earlier, known := merged[id]
			now := noted{outcome, earlier.wasCut || outcome == cutOff}
			switch {
			case earlier.outcome == Deleted, outcome == Gone && known && earlier.outcome != cutOff:
				now.outcome = earlier.outcome
			case outcome == Gone && known:
				now.outcome = Deleted
			}
			merged[id] = now
		}
	}
	return merged
}

// verifiedOutcome compares the manifest with the table. A certificate lists a record as
// deleted only if the record is gone, or was stored again and is not due. A
// record that was stored again and is due counts as failed; the next run takes
// it. A kept record that is gone was deleted by its owner, unless one of its pages
// was cut off: AWS may call a function twice, and the call that was cut off may
// have deleted what the other call left.
func verifiedOutcome(of noted, exists, stillDue bool) Outcome {
	outcome := of.outcome
	switch {
	case of.wasCut && !exists:
		return Deleted
	case outcome == cutOff && !stillDue:
		return Changed
	case outcome == cutOff, outcome == Deleted && stillDue:
		return Failed
	case outcome != Deleted && !exists:
		return Gone
	case outcome == Left && !stillDue:
		return Changed
	}
	return outcome
}

func (v Verifier) count(a *shardAccount, class, id string, outcome Outcome) {
	switch outcome {
	case Gone:
		return
	case Deleted:
		a.keys = append(a.keys, v.HMAC(class, id))
		a.counts.Deleted++
	case Held:
		a.counts.Held++
	case Changed:
		a.counts.Changed++
	case Left:
		a.counts.Left++
	case Failed, cutOff:
		a.counts.Failed++
	}
	a.counts.Due++
	if outcome != Deleted {
		a.kept[id] = true
	}
}

func (a *Account) add(counts certificate.Counts) {
	a.Counts.Due += counts.Due
	a.Counts.Deleted += counts.Deleted
	a.Counts.Held += counts.Held
	a.Counts.Changed += counts.Changed
	a.Counts.Failed += counts.Failed
	a.Counts.Left += counts.Left
}

// Stop after quietAnswers clean answers in a row; give up after mostAnswers.
const (
	quietAnswers = 2
	mostAnswers  = 30
)

// Verify reads the index until it shows, twice in a row, no due record that is
// not accounted for, because the index lags behind the table by moments. The due
// records that the run never took are added to the account: as left where the run
// was limited, else as failed (a record was stamped only
// now). The next run takes them.
func (v Verifier) Verify(ctx context.Context, class retention.Class, cutoff time.Time, account Account, limited bool) (Account, error) {
	quiet, more := 0, 0
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
		var stale bool
		var err error
		if stale, more, err = v.ask(ctx, class, cutoff, account); err != nil {
			return account, fmt.Errorf("verifying a purge of %s: %w", class.Name, err)
		}
		if quiet++; stale {
			quiet = 0
		}
	}
	if limited {
		account.add(certificate.Counts{Due: more, Left: more})
	} else {
		account.add(certificate.Counts{Due: more, Failed: more})
	}
	return account, nil
}

// ask reads the index once. It reports whether the index still shows deleted or
// no longer due records, and how many due records the account lacks.
func (v Verifier) ask(ctx context.Context, class retention.Class, cutoff time.Time, account Account) (stale bool, more int, err error) {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(shardsAtOnce)
	for n := range retention.Shards {
		group.Go(func() error {
			staleHere, moreHere, err := v.askShard(ctx, class, retention.ShardName(n), cutoff, account.accounted[n])
			mu.Lock()
			defer mu.Unlock()
			stale, more = stale || staleHere, more+moreHere
			return err
		})
	}
	err = group.Wait()
	return stale, more, err
}

func (v Verifier) askShard(ctx context.Context, class retention.Class, shard string, cutoff time.Time, accounted map[string]bool) (stale bool, more int, err error) {
	for unknown, err := range idsOf(eachDue(ctx, v.Records, class, shard, cutoff), accounted) {
		if err != nil {
			return false, 0, err
		}
		there, unreadable, err := v.Records.Load(ctx, class.Name, unknown)
		if err != nil {
			return false, 0, err
		}
		for _, id := range unknown {
			record, exists := there[id]
			if unreadable[id] == nil && (!exists || !class.Due(record.Record, cutoff)) {
				stale = true
			} else {
				more++
			}
		}
	}
	return stale, more, nil
}
