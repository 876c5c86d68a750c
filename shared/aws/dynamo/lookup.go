package dynamo

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/suppression"
)

// parallelBatches is how many requests of one lookup run at the same time.
const parallelBatches = 8

// Lookup reads many contacts strongly, each given by all its live keys, and
// answers in their order. Lookup fails as a whole unless the table answers for
// every contact.
func (s *Suppressions) Lookup(ctx context.Context, contacts [][]contact.Key) ([]suppression.Found, error) {
	if len(contacts) == 1 && len(contacts[0]) == 1 {
		return s.lookupOne(ctx, contacts[0])
	}
	stored, err := s.read(ctx, distinct(contacts))
	if err != nil {
		return nil, err
	}
	found := make([]suppression.Found, len(contacts))
	for i, keys := range contacts {
		items := make([]suppression.Item, 0, len(keys))
		for _, key := range keys {
			one := stored[key]
			if one.Err != nil {
				found[i].Err = one.Err
			}
			items = append(items, one.Item)
		}
		if found[i].Item, err = s.follow(ctx, items); isUnreadable(err) {
			found[i].Err = err
		} else if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (s *Suppressions) lookupOne(ctx context.Context, keys []contact.Key) ([]suppression.Found, error) {
	i, err := s.Get(ctx, keys)
	if err != nil && !isUnreadable(err) {
		return nil, err
	}
	return []suppression.Found{{Item: i, Err: err}}, nil
}

// read gets the items of keys in parallel batches.
func (s *Suppressions) read(ctx context.Context, keys []contact.Key) (map[contact.Key]suppression.Found, error) {
	var (
		mu    sync.Mutex
		found = make(map[contact.Key]suppression.Found, len(keys))
	)
	err := inBatches(ctx, keys, func(ctx context.Context, batch []contact.Key) error {
		wanted := make([]item, len(batch))
		for i, key := range batch {
			wanted[i] = item{names.AttrKey: text(string(key))}
		}
		return batchGet(ctx, s.db, s.table, wanted, types.KeysAndAttributes{}, func(stored item) {
			i, err := decodeSuppression(stored)
			mu.Lock()
			defer mu.Unlock()
			found[i.Key] = suppression.Found{Item: i, Err: err}
		})
	})
	return found, err
}

func distinct(contacts [][]contact.Key) []contact.Key {
	set := make(map[contact.Key]struct{}, len(contacts))
	for _, keys := range contacts {
		for _, key := range keys {
			set[key] = struct{}{}
		}
	}
	return slices.Collect(maps.Keys(set))
}
