package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/suppression"
)

// A contact has an item under each key that it was ever written with. Whoever
// writes and knows several keys lets the newest one's item take over the
// others': the marks are united there, and each of the others says where they
// went. It keeps its own marks and is never written again, so a reader who
// comes between, and finds the one not yet and the other already merged, still
// sees them. A taking-over ties two items of which neither was taken over, so
// following where they went always comes to an end, in whatever order
// containers with different key sets work.

// maxHops is how many takings-over one lookup follows: many more than contact
// keys are ever rotated.
const maxHops = 16

// gather returns the item that changes of the contact go to, after it has taken over what the other keys know. What
// cannot be understood under an older key stays there: every lookup goes on to
// say so, and the change at hand is not refused.
func (s *Suppressions) gather(ctx context.Context, who contact.Known, now time.Time) (into suppression.Item, err error) {
	err = repeat(ctx, contended("merging suppressions"), func() (err error) {
		if into, err = s.unmerged(ctx, who.Newest(), who.Channel); err != nil {
			return err
		}
		for _, key := range who.Keys[1:] {
			if key == into.Key {
				continue
			}
			if into, err = s.takeOver(ctx, into, key, now); err != nil {
				return err
			}
		}
		return nil
	})
	return into, err
}

// unmerged returns the item that changes of the contact with this key go to:
// the one under the key, or the one that has taken it over.
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
	return suppression.Item{}, errUnreadable("a suppression that was taken over too often")
}

// takeOver merges the item of an older key into another, if there is one that
// none has taken over, and returns what the other has become. The error is
// errRaced where both are to be read again.
func (s *Suppressions) takeOver(ctx context.Context, into suppression.Item, key contact.Key, now time.Time) (suppression.Item, error) {
	older, err := s.Under(ctx, key)
	if isUnreadable(err) || err == nil && (older.Version == 0 || older.MergedInto != "") {
		return into, nil
	}
	if err != nil {
		return into, err
	}
	stored := into.Version
	for range 2 { // again once where the table is behind its ledger
		id, err := entryID(now)
		if err != nil {
			return into, err
		}
		united, entry := suppression.TakeOver(into, older, id, now)
		err = s.write(ctx, append(s.change(stored, united, entry), s.signpost(older, into.Key)))
		reasons, _ := cancelled(err)
		switch {
		case err == nil:
			return united, nil
		case len(reasons) != 3:
			return into, fmt.Errorf("merging suppressions: %w", err)
		case failed(reasons[0], conditionFailed), failed(reasons[2], conditionFailed), transient(reasons):
			return into, errRaced
		case !failed(reasons[1], conditionFailed):
			return into, fmt.Errorf("merging suppressions: %w", err)
		}
		if into, err = s.behindItsLedger(ctx, into); err != nil {
			return into, err
		}
	}
	return into, errRaced
}

// signpost says on an item by which key's it was taken over, provided that it
// is still as it was read.
func (s *Suppressions) signpost(older suppression.Item, into contact.Key) types.TransactWriteItem {
	condition, attributes, values := unchanged(older.Version)
	values[":into"] = text(string(into))
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &s.table, Key: item{names.AttrKey: text(string(older.Key))},
		UpdateExpression:    aws.String("SET #into = :into"),
		ConditionExpression: condition, ExpressionAttributeNames: attributes, ExpressionAttributeValues: values,
	}}
}

// follow unites what was read of one contact with the items that have taken
// those over, as far as these are not among them as they are since then.
func (s *Suppressions) follow(ctx context.Context, items []suppression.Item) (suppression.Item, error) {
	asked := 0
	for i := 0; i < len(items); i++ {
		into := items[i].MergedInto
		if into == "" || slices.ContainsFunc(items, func(other suppression.Item) bool {
			return other.Key == into && slices.Contains(other.Former, items[i].Key)
		}) {
			continue
		}
		if asked++; asked > maxHops {
			return suppression.Item{}, errUnreadable("a suppression that was taken over too often")
		}
		next, err := s.Under(ctx, into)
		if err != nil {
			return suppression.Item{}, err
		}
		items = append(items, next)
	}
	return suppression.Merge(items...), nil
}
