// Package purge deletes the records that a retention class says are due, and
// nothing else, and accounts for them: plan (what is due at a cutoff), delete
// (page by page, under fences, each page in the manifest before it is touched),
// account and verify (read again what is left), certify. It promises that a
// hold wins, that a changed record stays, and that an interrupted run can be
// resumed and ends in the same counts. It also stamps records, so that they are
// found when they are due, and audits whole classes. Package retention holds
// the rule of what is due. The stores of a purge are interfaces; package
// purgetest has them in memory.
package purge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/retention"
)

// shardsAtOnce is how many shards are asked at the same time.
const shardsAtOnce = 16

// pageSize is the number of entries of an index, or of a table, that one
// request reads.
const pageSize = 1000

// Plan is the most that a purge of a class at a cutoff would delete.
type Plan struct {
	Class      string
	PolicyHash string
	Cutoff     time.Time
	Shards     []int     // number of due records of each shard
	Oldest     time.Time // the earliest start or withdrawal of a due record; zero when none is due
}

// Due is the number of due records.
func (p Plan) Due() int { return sum(p.Shards) }

func sum(shards []int) int {
	all := 0
	for _, n := range shards {
		all += n
	}
	return all
}

// shares divides what one run deletes among the shards; nil if the plan is not
// larger. A shard with few due records gets all it needs: held records of another
// shard, which no run deletes, cannot take its place night after night.
func (p Plan) shares(most int) []int {
	if p.Due() <= most {
		return nil
	}
	shares := make([]int, len(p.Shards))
	byDue := make([]int, len(p.Shards))
	for n := range byDue {
		byDue[n] = n
	}
	slices.SortStableFunc(byDue, func(a, b int) int { return p.Shards[a] - p.Shards[b] })
	for i, n := range byDue {
		rest := len(byDue) - i
		shares[n] = min(p.Shards[n], (most+rest-1)/rest)
		most -= shares[n]
	}
	return shares
}

// Hash names the plan, for its approval and in the certificate. It is the SHA-256,
// in hex, over class, policy, cutoff and the shards' counts.
func (p Plan) Hash() string {
	b, _ := json.Marshal([]any{p.Class, p.PolicyHash, p.Cutoff.UTC(), p.Shards}) // strings, integers and a time always marshal
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Make counts the records that the indexes, or both where none is named, show as due in
// the class at the cutoff. Its cost follows the number of due records, not the size of
// the table.
func Make(ctx context.Context, records Records, class retention.Class, policyHash string, cutoff time.Time, indexes ...Index) (Plan, error) {
	plan := Plan{Class: class.Name, PolicyHash: policyHash, Cutoff: cutoff.UTC(), Shards: make([]int, retention.Shards)}
	var oldest [retention.Shards]time.Time
	err := eachShard(ctx, shardsAtOnce, func(ctx context.Context, n int, shard string) error {
		for d, err := range eachDue(ctx, records, class, shard, cutoff, indexes...) {
			if err != nil {
				return err
			}
			plan.Shards[n]++
			if at, err := retention.ParseSort(d.Sort); err == nil {
				oldest[n] = earlier(oldest[n], at)
			}
		}
		return nil
	})
	if err != nil {
		return Plan{}, fmt.Errorf("planning a purge of %s: %w", class.Name, err)
	}
	for _, at := range oldest {
		plan.Oldest = earlier(plan.Oldest, at)
	}
	return plan, nil
}

// eachShard calls do for every shard, for some at the same time, and ends with the
// first error.
func eachShard(ctx context.Context, atOnce int, do func(ctx context.Context, n int, shard string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for n := range retention.Shards {
		group.Go(func() error { return do(ctx, n, retention.ShardName(n)) })
	}
	return group.Wait()
}

// earlier is the earlier of two times; zero is no time.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// before is the exclusive end of the due entries of an index at the cutoff.
func before(by Index, class retention.Class, cutoff time.Time) time.Time {
	if by == ByWithdrawal {
		return cutoff.Truncate(time.Second).Add(time.Second) // a withdrawn record is due from the instant of its withdrawal
	}
	return class.Keep.StartsBefore(cutoff, class.Location())
}

// eachDue yields each record once that the indexes, or both where none is named, show
// as due at the cutoff. It ends with the first error. It remembers the withdrawn
// records only, so that its memory does not grow with what else is due.
func eachDue(ctx context.Context, records Records, class retention.Class, shard string, cutoff time.Time, indexes ...Index) iter.Seq2[Due, error] {
	if len(indexes) == 0 {
		indexes = []Index{ByWithdrawal, ByStart}
	}
	return func(yield func(Due, error) bool) {
		// A hash stands for an id, because millions may be withdrawn: of a million ids,
		// two have the same hash once in 37 million times.
		seed, withdrawn := maphash.MakeSeed(), map[uint64]struct{}{}
		for _, by := range indexes {
			for d, err := range eachEntry(ctx, records, class, by, shard, cutoff, Due{}) {
				id := maphash.String(seed, d.ID)
				if _, known := withdrawn[id]; known && err == nil {
					continue
				}
				if !yield(d, err) || err != nil {
					return
				}
				if by == ByWithdrawal {
					withdrawn[id] = struct{}{}
				}
			}
		}
	}
}

// pagesOf yields the entries in pages, as many at a time as one request reads. It ends
// with the first error.
func pagesOf(entries iter.Seq2[Due, error]) iter.Seq2[[]Due, error] {
	return func(yield func([]Due, error) bool) {
		var page []Due
		for d, err := range entries {
			if err != nil {
				yield(nil, err)
				return
			}
			if page = append(page, d); len(page) == MaxDeletes {
				if !yield(page, nil) {
					return
				}
				page = nil
			}
		}
		if len(page) > 0 {
			yield(page, nil)
		}
	}
}

// idsOf yields the ids of the entries by pages, as pagesOf does. A record that moves in
// an index during the reading may be in two entries; no request names it twice.
func idsOf(entries iter.Seq2[Due, error]) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		for page, err := range pagesOf(entries) {
			ids := make([]string, len(page))
			for i, d := range page {
				ids[i] = d.ID
			}
			slices.Sort(ids)
			if !yield(slices.Compact(ids), err) {
				return
			}
		}
	}
}

// eachEntry yields the entries of one index that are due at the cutoff, after the
// given entry. It ends with the first error. The index of withdrawn records also
// has those that a law still keeps. They are read and left out.
func eachEntry(ctx context.Context, records Records, class retention.Class, by Index, shard string, cutoff time.Time, after Due) iter.Seq2[Due, error] {
	entries := records.DueBefore(ctx, class.Name, by, shard, before(by, class, cutoff), after, pageSize)
	if by != ByWithdrawal || !class.HasMinimum() {
		return entries
	}
	return func(yield func(Due, error) bool) {
		for page, err := range pagesOf(entries) {
			if err == nil {
				page, err = withoutKeptByLaw(ctx, records, class, page, cutoff)
			}
			if err != nil {
				yield(Due{}, err)
				return
			}
			for _, d := range page {
				if !yield(d, nil) {
					return
				}
			}
		}
	}
}

// withoutKeptByLaw reads the records strongly and returns the entries of those
// that a law does not keep, in their order.
func withoutKeptByLaw(ctx context.Context, records Records, class retention.Class, entries []Due, cutoff time.Time) ([]Due, error) {
	ids := make([]string, len(entries))
	for i, d := range entries {
		ids[i] = d.ID
	}
	there, _, err := records.Load(ctx, class.Name, ids)
	if err != nil {
		return nil, err
	}
	var left []Due
	for _, d := range entries {
		record, exists := there[d.ID]
		if _, kept := class.KeptByLaw(record.Record, cutoff); !exists || !kept || record.PurgingBy != "" {
			left = append(left, d)
		}
	}
	return left, nil
}
