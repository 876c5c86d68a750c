package purge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/retention"
)

// Counted is the number of due records that still exist.
type Counted struct {
	Due    int
	Held   int   // due records that a hold keeps
	Shards []int // of each shard, the due records without a hold
}

// Overdue is the number of due records without a hold.
func (c Counted) Overdue() int { return c.Due - c.Held }

// Count reads strongly the records that the index shows as due in the class at
// the cutoff, and the holds on them. An unreadable record counts as due,
// because a purge leaves it. A marked record counts as due, because its purge
// did not end. Count deletes nothing. Its cost follows the number of due
// records.
func Count(ctx context.Context, records Records, holds Holds, class retention.Class, cutoff time.Time) (Counted, error) {
	total := Counted{Shards: make([]int, retention.Shards)}
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(shardsAtOnce)
	for n := range retention.Shards {
		group.Go(func() error {
			shard, err := countLeft(ctx, records, holds, class, retention.ShardName(n), cutoff)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			total.Due += shard.Due
			total.Held += shard.Held
			total.Shards[n] = shard.Overdue()
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Counted{}, fmt.Errorf("counting what is due in %s: %w", class.Name, err)
	}
	return total, nil
}

func countLeft(ctx context.Context, records Records, holds Holds, class retention.Class, shard string, cutoff time.Time) (Counted, error) {
	var counted Counted
	seen := map[string]bool{}
	for d, err := range eachDue(ctx, records, class, shard, cutoff) {
		if err != nil {
			return counted, err
		}
		seen[d.ID] = true
	}
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(seen)), MaxDeletes) {
		there, unreadable, err := records.Load(ctx, class.Name, chunk)
		if err != nil {
			return counted, err
		}
		counted.Due += len(unreadable)
		var due []retention.Stored
		var targets []retention.Target
		for _, record := range there {
			if class.Due(record.Record, cutoff) || record.PurgingBy != "" {
				due = append(due, record)
				targets = append(targets, record.Targets(class.Name)...)
			}
		}
		held, err := holds.Held(ctx, targets)
		if err != nil {
			return counted, err
		}
		counted.Due += len(due)
		for _, record := range due {
			if isHeld(class, record, held) {
				counted.Held++
			}
		}
	}
	return counted, nil
}

// isHeld reports whether a hold keeps the record. A marked record has passed
// its hold check: a later hold is reported as too late.
func isHeld(class retention.Class, record retention.Stored, held HeldTargets) bool {
	return record.PurgingBy == "" && held.Any(record.Targets(class.Name))
}
