package dynamo

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Evidence reads strongly the records that many contacts have in a class and in
// the scopes, each contact given by all its live keys, and answers in their
// order. A record counts while the record has its contact's slot. Evidence fails
// as a whole unless the tables answer for every contact.
func (r *Records) Evidence(ctx context.Context, class string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error) {
	slots := map[string]struct{}{}
	for _, key := range distinct(contacts) {
		for _, in := range scopes {
			slots[slotOf(class, key, in)] = struct{}{}
		}
	}
	holders, err := r.holders(ctx, slices.Collect(maps.Keys(slots)))
	if err != nil {
		return nil, err
	}
	records, unreadable, err := r.loadAll(ctx, class, holders)
	if err != nil {
		return nil, err
	}
	said := make([]suppression.Evidence, len(contacts))
	for i, keys := range contacts {
		for _, key := range keys {
			for _, in := range scopes {
				id := holders[slotOf(class, key, in)]
				if err := unreadable[id]; err != nil {
					said[i].Err = err
				}
				if stored, there := records[id]; there && stored.Subject == key && stored.Scope == in {
					said[i].Records = append(said[i].Records, stored)
				}
			}
		}
	}
	return said, nil
}

// holders returns the id of the record that each slot names.
func (r *Records) holders(ctx context.Context, slots []string) (map[string]string, error) {
	var mu sync.Mutex
	holders := make(map[string]string, len(slots))
	err := inBatches(ctx, slots, func(ctx context.Context, batch []string) error {
		wanted := make([]item, len(batch))
		for i, slot := range batch {
			wanted[i] = slotKey(slot)
		}
		return batchGet(ctx, r.db, r.stack.Table(names.TableSlots), wanted, types.KeysAndAttributes{}, func(found item) {
			mu.Lock()
			defer mu.Unlock()
			if id := textOf(found, names.AttrRecord); id != "" {
				holders[textOf(found, names.AttrSlot)] = id
			}
		})
	})
	return holders, err
}

// loadAll is Load for the holders of any number of slots.
func (r *Records) loadAll(ctx context.Context, class string, holders map[string]string) (map[string]retention.Stored, map[string]error, error) {
	ids := slices.Sorted(maps.Values(holders))
	var mu sync.Mutex
	records, unreadable := make(map[string]retention.Stored, len(ids)), map[string]error{}
	err := inBatches(ctx, slices.Compact(ids), func(ctx context.Context, batch []string) error {
		some, faulty, err := r.Load(ctx, class, batch)
		mu.Lock()
		defer mu.Unlock()
		maps.Copy(records, some)
		maps.Copy(unreadable, faulty)
		return err
	})
	return records, unreadable, err
}

// inBatches does one thing for batches of a size that one BatchGetItem takes,
// some of them at the same time.
func inBatches[T any](ctx context.Context, all []T, do func(ctx context.Context, batch []T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBatches)
	for batch := range slices.Chunk(all, batchSize) {
		group.Go(func() error { return do(ctx, batch) })
	}
	return group.Wait()
}
