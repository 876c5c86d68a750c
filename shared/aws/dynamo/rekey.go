package dynamo

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/suppression"
)

// A contact has an item under each key that a change was written with. A writer
// that knows several keys merges the older keys' items into the newest key's
// item: the newest item gets all marks, and each older item names the newest in
// MergedInto. An older item keeps its marks and is never written again, so that
// a reader between two writes still sees every mark. A merge needs two unmerged
// items, so the chain of MergedInto always ends, in whatever order containers
// with different key sets write.

// maxHops is the number of merges that one lookup follows: far more than
// contact keys are ever rotated.
const maxHops = 16

// gather returns the item that changes of the contact go to, after it has
// merged the items of the contact's other keys into it. An unreadable older
// item stays unmerged: every lookup still reports it, and the change is not
// refused.
func (s *Suppressions) gather(ctx context.Context, who contact.Known, now time.Time) (target suppression.Item, err error) {
	err = repeat(ctx, contended("merging suppressions"), func() (err error) {
		if target, err = s.unmerged(ctx, who.Newest(), who.Channel); err != nil {
			return err
		}
		for _, key := range who.Keys[1:] {
			if key == target.Key {
				continue
			}
			if target, err = s.takeOver(ctx, target, key, now); err != nil {
				return err
			}
		}
		return nil
	})
	return target, err
}

// unmerged returns the item that changes of the contact with this key go to:
// the item of the key, or the item that replaced it.
func (s *Suppressions) unmerged(ctx context.Context, key contact.Key, ch contact.Channel) (suppression.Item, error) {
	for range maxHops {
		i, err := s.Under(ctx, key)
		if err != nil {
			return i, err
		}
		if i.Version == 0 {
			i.Channel = ch
		}
		if i.MergedInto == "" {
			return i, nil
		}
		key = i.MergedInto
	}
	return suppression.Item{}, errUnreadable("a suppression was taken over too often")
}

// takeOver merges the item of an older key into another item, and returns the
// merged item. Without an older item, or if it is merged already, there is
// nothing to do. The error is errRaced if both items must be read again.
func (s *Suppressions) takeOver(ctx context.Context, target suppression.Item, key contact.Key, now time.Time) (suppression.Item, error) {
	older, err := s.Under(ctx, key)
	if isUnreadable(err) || err == nil && (older.Version == 0 || older.MergedInto != "") {
		return target, nil
	}
	if err != nil {
		return target, err
	}
	stored := editionOf(target)
	for range 2 { // the second attempt is for a table that is behind its ledger
		id, err := entryID(now)
		if err != nil {
			return target, err
		}
		united, entry := suppression.TakeOver(target, older, id, now)
		err = s.write(ctx, append(s.change(stored, united, entry), s.mergedIntoUpdate(older, target.Key)))
		reasons, _ := cancelled(err)
		switch {
		case err == nil:
			return united, nil
		case len(reasons) != 3:
			return target, fmt.Errorf("merging suppressions: %w", err)
		case failed(reasons[0], conditionFailed), failed(reasons[2], conditionFailed), transient(reasons):
			return target, errRaced
		case !failed(reasons[1], conditionFailed):
			return target, fmt.Errorf("merging suppressions: %w", err)
		}
		if target, err = s.behindItsLedger(ctx, target); err != nil {
			return target, err
		}
	}
	return target, errRaced
}

// mergedIntoUpdate is the operation that writes MergedInto on an older item, if the
// item is unchanged.
func (s *Suppressions) mergedIntoUpdate(older suppression.Item, target contact.Key) types.TransactWriteItem {
	merged := setting(item{names.AttrMergedInto: text(string(target))}).under(unchanged(editionOf(older)))
	return update(s.table, item{names.AttrKey: text(string(older.Key))}, merged)
}

// follow merges the items read for a contact with the items that replaced them
// after a key rotation. A replaced item names its replacement in MergedInto; the
// replacement is read again if it is missing here or was read before the merge.
func (s *Suppressions) follow(ctx context.Context, items []suppression.Item) (suppression.Item, error) {
	asked := 0
	for i := 0; i < len(items); i++ {
		target := items[i].MergedInto
		if target == "" || slices.ContainsFunc(items, func(other suppression.Item) bool {
			return other.Key == target && slices.Contains(other.Former, items[i].Key)
		}) {
			continue
		}
		if asked++; asked > maxHops {
			return suppression.Item{}, errUnreadable("a suppression was taken over too often")
		}
		next, err := s.Under(ctx, target)
		if err != nil {
			return suppression.Item{}, err
		}
		items = append(items, next)
	}
	return suppression.Merge(items...), nil
}

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
