package dynamo

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Evidence reads strongly the records that many contacts have in a class and in
// the scopes, each contact given by all its live keys, and answers in their
// order. A record counts while the record has its contact's slot. Evidence fails
// as a whole unless the tables answer for every contact.
func (r *Records) Evidence(ctx context.Context, class string, contacts [][]contact.Key, scopes []scope.Scope) ([]suppression.Evidence, error) {
	var slots []item
	for _, key := range distinct(contacts) {
		for _, in := range scopes {
			slots = append(slots, slotKey(slotOf(class, key, in)))
		}
	}
	holders := make(map[string]string, len(slots)) // the id of the record that each slot names
	err := batchGet(ctx, r.db, r.stack.Table(names.TableSlots), slots, types.KeysAndAttributes{}, func(found item) {
		if id := textOf(found, names.AttrRecord); id != "" {
			holders[textOf(found, names.AttrSlot)] = id
		}
	})
	if err != nil {
		return nil, err
	}
	records, unreadable, err := r.Load(ctx, class, slices.Compact(slices.Sorted(maps.Values(holders))))
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
