package dynamo

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/suppression"
)

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

// read gets the items of keys.
func (s *Suppressions) read(ctx context.Context, keys []contact.Key) (map[contact.Key]suppression.Found, error) {
	found := make(map[contact.Key]suppression.Found, len(keys))
	wanted := make([]item, len(keys))
	for i, key := range keys {
		wanted[i] = item{names.AttrKey: text(string(key))}
	}
	err := batchGet(ctx, s.db, s.table, wanted, types.KeysAndAttributes{}, func(stored item) {
		i, err := decodeSuppression(stored)
		found[i.Key] = suppression.Found{Item: i, Err: err}
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
