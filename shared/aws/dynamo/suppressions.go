package dynamo

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

// Suppressions is the suppression list and its ledger.
type Suppressions struct {
	db     *dynamodb.Client
	table  string
	ledger string
}

// NewSuppressions returns the list of a stack.
func NewSuppressions(db *dynamodb.Client, stack names.Stack) *Suppressions {
	return &Suppressions{db: db, table: stack.Suppressions(), ledger: stack.Ledger()}
}

// Apply makes one change to a contact and
// records it in the ledger, in one transaction: once Apply has returned
// without error, every later read sees the change. It is optimistic: the first
// attempt takes the contact for unknown and reads only what the failed
// condition gives back, so that a first opt-out costs one request.
//
// With more than one key it first lets the newest take over what older ones
// know, each in a transaction of its own (see rekey.go). A change always goes
// to an item that no other has taken over.
func (s *Suppressions) Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error) {
	current := suppression.Item{Key: who.Newest(), Channel: who.Channel}
	looked := len(who.Keys) > 1
	if looked {
		var err error
		if current, err = s.gather(ctx, who, now); err != nil {
			return suppression.Outcome{}, err
		}
	}
	stored := current.Version // of the item in the table, as far as we know
	for n := range attempts {
		if n > 1 { // the first repetition follows a read of ours, not a conflict
			if err := pause(ctx, n-1); err != nil {
				return suppression.Outcome{}, err
			}
		}
		id, err := entryID(now)
		if err != nil {
			return suppression.Outcome{}, err
		}
		outcome, err := suppression.Apply(current.Known(who.Keys...), c, id, now)
		if err != nil {
			return outcome, err
		}
		if outcome.Entry == nil {
			if looked || current.Version > 0 {
				return outcome, nil
			}
			// Without effect on a contact taken for unknown: look before saying so.
			if current, err = s.unmerged(ctx, who.Newest(), who.Channel); err != nil {
				return suppression.Outcome{}, err
			}
			looked, stored = true, current.Version
			continue
		}
		err = s.write(ctx, s.change(stored, outcome.Item, *outcome.Entry))
		if err == nil {
			return outcome, nil
		}
		if current, stored, err = s.whatStoodInTheWay(ctx, current, stored, err); err != nil {
			return suppression.Outcome{}, err
		}
	}
	return suppression.Outcome{}, fmt.Errorf("changing a suppression: %w", ErrContended)
}

func entryID(now time.Time) (string, error) {
	id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("naming a ledger entry: %w", err)
	}
	return id.String(), nil
}

// change stores the item (put) and its entry together, provided that the ledger
// has no such entry yet.
func (s *Suppressions) change(stored int64, i suppression.Item, e ledger.Entry) []types.TransactWriteItem {
	return []types.TransactWriteItem{
		s.put(stored, i),
		{Put: &types.Put{
			TableName:                &s.ledger,
			Item:                     encodeEntry(e),
			ConditionExpression:      aws.String("attribute_not_exists(#key)"),
			ExpressionAttributeNames: map[string]string{"#key": names.AttrKey},
		}},
	}
}

// put stores an item, provided that the version in the table is still the one
// given (0: no item) and that no other item has taken this one over.
func (s *Suppressions) put(stored int64, i suppression.Item) types.TransactWriteItem {
	put := &types.Put{
		TableName:                           &s.table,
		Item:                                encodeSuppression(i),
		ConditionExpression:                 aws.String("attribute_not_exists(#key)"),
		ExpressionAttributeNames:            map[string]string{"#key": names.AttrKey},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if stored > 0 {
		put.ConditionExpression, put.ExpressionAttributeNames, put.ExpressionAttributeValues = unchanged(stored)
	}
	return types.TransactWriteItem{Put: put}
}

// unchanged is the condition that an item still has this version and that no
// other has taken it over.
func unchanged(version int64) (*string, map[string]string, item) {
	return aws.String("#version = :version AND attribute_not_exists(#into)"),
		map[string]string{"#version": names.AttrVersion, "#into": names.AttrMergedInto},
		item{":version": number(version)}
}

func (s *Suppressions) write(ctx context.Context, operations []types.TransactWriteItem) error {
	_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
	return err
}

// whatStoodInTheWay returns the item to decide on again after a write failed
// and the version it has in the table, or the error where trying again would
// not help.
func (s *Suppressions) whatStoodInTheWay(ctx context.Context, tried suppression.Item, stored int64, err error) (suppression.Item, int64, error) {
	reasons, ok := cancelled(err)
	switch {
	case !ok || len(reasons) != 2:
	case failed(reasons[0], conditionFailed) && reasons[0].Item != nil:
		current, err := decodeSuppression(reasons[0].Item)
		if err == nil && current.MergedInto != "" {
			current, err = s.unmerged(ctx, current.MergedInto, tried.Channel)
		}
		return current, current.Version, err
	case failed(reasons[0], conditionFailed): // the item was deleted by hand
		return suppression.Item{Key: tried.Key, Channel: tried.Channel}, 0, nil
	case failed(reasons[1], conditionFailed):
		current, err := s.behindItsLedger(ctx, tried)
		return current, stored, err
	case transient(reasons):
		return tried, stored, nil
	}
	return tried, stored, fmt.Errorf("writing a suppression: %w", err)
}

// behindItsLedger returns an item whose table was restored to an older state
// than the ledger, so that its next change goes on where the ledger ends.
func (s *Suppressions) behindItsLedger(ctx context.Context, i suppression.Item) (suppression.Item, error) {
	out, err := s.db.Query(ctx, s.entries(i.Key, false))
	if err != nil {
		return i, fmt.Errorf("reading the ledger: %w", err)
	}
	if len(out.Items) == 0 {
		return i, fmt.Errorf("writing a suppression: %w", ErrContended)
	}
	newest, err := decodeEntry(out.Items[0])
	if err != nil {
		return i, err
	}
	i.Version, i.Head = newest.Version, newest.Hash()
	return i, nil
}

// entries asks for the ledger of a contact, oldest first, or for its newest entry.
func (s *Suppressions) entries(key contact.Key, all bool) *dynamodb.QueryInput {
	query := &dynamodb.QueryInput{
		TableName:                 &s.ledger,
		KeyConditionExpression:    aws.String("#key = :key"),
		ExpressionAttributeNames:  map[string]string{"#key": names.AttrKey},
		ExpressionAttributeValues: item{":key": text(string(key))},
		ConsistentRead:            aws.Bool(true),
	}
	if !all {
		query.ScanIndexForward, query.Limit = aws.Bool(false), aws.Int32(1)
	}
	return query
}

// Get returns what is known of the contact with these keys, and of those whose
// items have taken theirs over; an item without marks when nothing is. The
// error wraps ErrUnreadable when an item cannot be understood.
func (s *Suppressions) Get(ctx context.Context, keys []contact.Key) (suppression.Item, error) {
	items := make([]suppression.Item, 0, len(keys))
	for _, key := range keys {
		i, err := s.Under(ctx, key)
		if err != nil {
			return suppression.Item{}, err
		}
		items = append(items, i)
	}
	return s.follow(ctx, items)
}

// Under returns the one item that lies under a key, whether or not another has
// taken it over; an item without marks where there is none. The error wraps
// ErrUnreadable when it cannot be understood.
func (s *Suppressions) Under(ctx context.Context, key contact.Key) (suppression.Item, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{names.AttrKey: text(string(key))}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return suppression.Item{}, fmt.Errorf("reading a suppression: %w", err)
	}
	if out.Item == nil {
		return suppression.Item{Key: key}, nil
	}
	return decodeSuppression(out.Item)
}

// History returns the contact's ledger entries, oldest first.
func (s *Suppressions) History(ctx context.Context, key contact.Key) ([]ledger.Entry, error) {
	pages := dynamodb.NewQueryPaginator(s.db, s.entries(key, true))
	var entries []ledger.Entry
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("reading the ledger: %w", err)
		}
		for _, stored := range page.Items {
			e, err := decodeEntry(stored)
			if err != nil {
				return nil, err
			}
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// Empty tells whether the table holds nothing at all, canaries included.
func (s *Suppressions) Empty(ctx context.Context) (bool, error) {
	out, err := s.db.Scan(ctx, &dynamodb.ScanInput{TableName: &s.table, Limit: aws.Int32(1), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, fmt.Errorf("looking whether the list is empty: %w", err)
	}
	return len(out.Items) == 0, nil
}

// errUnreadable keeps what was wrong, never the value it was wrong with.
func errUnreadable(what string) error { return fmt.Errorf("%w: %s", ErrUnreadable, what) }
