package purge

import (
	"context"
	"fmt"
	"math"
	"time"

	"stille/shared/retention"
)

// Counted is the number of due records that still exist.
type Counted struct {
	Due     int
	Held    int   // due records that a hold keeps
	Failing int   // due records that a purge leaves as failed: unreadable, or with objects that keep them
	Shards  []int // of each shard, what a purge would delete: due, and neither held nor failing
}

// Overdue is the number of due records without a hold.
func (c Counted) Overdue() int { return c.Due - c.Held }

// Count reads strongly the records that the index shows as due in the class at
// the cutoff, and the holds on them. An unreadable record counts as due,
// because a purge leaves it. A marked record counts as due, because its purge
// did not end. Count deletes nothing. Its cost follows the number of due
// records. It reads the indexes that are named, or both.
func Count(ctx context.Context, records Records, holds Holds, class retention.Class, cutoff time.Time, indexes ...Index) (Counted, error) {
	return count(ctx, records, holds, class, cutoff, math.MaxInt, indexes...)
}

// mostOverdue is how many overdue records of a shard CountOverdue finds before it
// believes the index.
const mostOverdue = 1000

// CountOverdue counts, as Count does, the records that should be gone at now. Of a
// backlog it reads a part: in a shard with mostOverdue records without a hold, every
// further entry of the index counts as a record without a hold.
func CountOverdue(ctx context.Context, records Records, holds Holds, class retention.Class, now time.Time) (Counted, error) {
	return count(ctx, records, holds, class, now.Add(-retention.OverdueAfter), mostOverdue)
}

func count(ctx context.Context, records Records, holds Holds, class retention.Class, cutoff time.Time, most int, indexes ...Index) (Counted, error) {
	total := Counted{Shards: make([]int, retention.Shards)}
	var counted [retention.Shards]Counted
	err := eachShard(ctx, shardsAtOnce, func(ctx context.Context, n int, shard string) (err error) {
		counted[n], err = countRemaining(ctx, records, holds, class, shard, cutoff, most, indexes...)
		return err
	})
	if err != nil {
		return Counted{}, fmt.Errorf("counting what is due in %s: %w", class.Name, err)
	}
	for n, shard := range counted {
		total.Due += shard.Due
		total.Held += shard.Held
		total.Failing += shard.Failing
		total.Shards[n] = shard.Due - shard.Held - shard.Failing
	}
	return total, nil
}

func countRemaining(ctx context.Context, records Records, holds Holds, class retention.Class, shard string, cutoff time.Time, most int, indexes ...Index) (Counted, error) {
	var counted Counted
	for ids, err := range idsOf(eachDue(ctx, records, class, shard, cutoff, indexes...)) {
		if err == nil && counted.Overdue() >= most {
			counted.Due += len(ids)
			continue
		}
		var all []Remaining
		if err == nil {
			all, err = loadRemaining(ctx, records, holds, class, ids, cutoff)
		}
		if err != nil {
			return counted, err
		}
		counted.Due += len(all)
		for _, r := range all {
			switch r.Why {
			case WhyHeld:
				counted.Held++
			case WhyUnreadable, WhyObjects:
				counted.Failing++
			case WhyDue:
			}
		}
	}
	return counted, nil
}

// Remaining is a due record that still exists.
type Remaining struct {
	ID  string `json:"id"`
	Why Why    `json:"why"`
}

// Why says why a due record still exists.
type Why string

// Why a due record still exists.
const (
	WhyDue        Why = "due"        // the next purge takes it
	WhyHeld       Why = "held"       // a hold keeps it
	WhyUnreadable Why = "unreadable" // no purge takes it: it counts as failed
	WhyObjects    Why = "objects"    // one of its objects belongs to no record, may not be deleted, or was not deleted
)

// ListRemaining returns up to most of the due records that still exist, as Count counts
// them, the withdrawn ones of a shard first.
func ListRemaining(ctx context.Context, records Records, holds Holds, class retention.Class, cutoff time.Time, most int) ([]Remaining, error) {
	list := []Remaining{}
	for n := range retention.Shards {
		for ids, err := range idsOf(eachDue(ctx, records, class, retention.ShardName(n), cutoff)) {
			if len(list) >= most {
				return list[:most], nil
			}
			var all []Remaining
			if err == nil {
				all, err = loadRemaining(ctx, records, holds, class, ids, cutoff)
			}
			if err != nil {
				return nil, fmt.Errorf("listing what is due in %s: %w", class.Name, err)
			}
			list = append(list, all...)
		}
	}
	return list[:min(most, len(list))], nil
}

// loadRemaining reads records and their holds, and returns those that are due.
func loadRemaining(ctx context.Context, records Records, holds Holds, class retention.Class, ids []string, cutoff time.Time) ([]Remaining, error) {
	there, unreadable, err := records.Load(ctx, class.Name, ids)
	if err != nil {
		return nil, err
	}
	var due []retention.Stored
	var targets []retention.Target
	for id, record := range there {
		if !class.Due(record.Record, cutoff) && record.PurgingBy == "" {
			delete(there, id)
			continue
		}
		due = append(due, record)
		targets = append(targets, record.Targets(class.Name)...)
	}
	held, err := holds.Held(ctx, targets)
	if err != nil {
		return nil, err
	}
	left, err := own(ctx, records, class, due)
	if err != nil {
		return nil, err
	}
	var all []Remaining
	for _, id := range ids {
		record, found := there[id]
		switch {
		case unreadable[id] != nil:
			all = append(all, Remaining{id, WhyUnreadable})
		case !found:
		case record.PurgingBy != "":
			all = append(all, Remaining{id, WhyObjects})
		case isHeld(class, record, held):
			all = append(all, Remaining{id, WhyHeld})
		case left[id] != nil:
			all = append(all, Remaining{id, WhyObjects})
		default:
			all = append(all, Remaining{id, WhyDue})
		}
	}
	return all, nil
}

// isHeld reports whether a hold keeps the record. A marked record has passed
// its hold check: a later hold is reported as too late.
func isHeld(class retention.Class, record retention.Stored, held HeldTargets) bool {
	return record.PurgingBy == "" && held.Any(record.Targets(class.Name))
}
