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
	"stille/shared/schema"
	"stille/shared/suppression"
)

// Suppressions is the suppression list and its ledger.
type Suppressions struct {
	db     *dynamodb.Client
	table  string
	ledger string
}

// NewSuppressions returns the list of a stack.
func NewSuppressions(db *dynamodb.Client, stack schema.Stack) *Suppressions {
	return &Suppressions{db: db, table: stack.Suppressions(), ledger: stack.Ledger()}
}

// Apply makes one change to the contact with these keys, the newest first, and
// records it in the ledger, in one transaction: once Apply has returned
// without error, every later read sees the change. It is optimistic: the first
// attempt takes the contact for unknown and reads only what the failed
// condition gives back, so that a first opt-out costs one request.
func (s *Suppressions) Apply(ctx context.Context, keys []contact.Key, ch contact.Channel, c suppression.Change, now time.Time) (suppression.Outcome, error) {
	current := suppression.Item{Key: keys[0], Channel: ch}
	stored := current.Version // of the item in the table, as far as we know
	for n := range attempts {
		if n > 1 { // the first repetition follows a read of ours, not a conflict
			if err := pause(ctx, n-1); err != nil {
				return suppression.Outcome{}, err
			}
		}
		id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
		if err != nil {
			return suppression.Outcome{}, fmt.Errorf("naming a ledger entry: %w", err)
		}
		outcome, err := suppression.Apply(current, c, id.String(), now)
		if err != nil {
			return outcome, err
		}
		if outcome.Entry == nil {
			if current.Version > 0 {
				return outcome, nil
			}
			// Without effect on a contact taken for unknown: look before saying so.
			current, err = s.get(ctx, keys[0])
			if err != nil {
				return suppression.Outcome{}, err
			}
			current.Channel = ch
			if stored = current.Version; stored == 0 {
				return outcome, nil
			}
			continue
		}
		err = s.write(ctx, stored, outcome.Item, *outcome.Entry)
		if err == nil {
			return outcome, nil
		}
		if current, stored, err = s.whatStoodInTheWay(ctx, current, stored, err); err != nil {
			return suppression.Outcome{}, err
		}
	}
	return suppression.Outcome{}, fmt.Errorf("changing a suppression: %w", ErrContended)
}

// write stores the item and its entry together, provided that the version in
// the table is still the one given (0: no item) and the ledger has no such
// entry yet.
func (s *Suppressions) write(ctx context.Context, stored int64, i suppression.Item, e ledger.Entry) error {
	put := &types.Put{
		TableName:                           &s.table,
		Item:                                encodeSuppression(i),
		ConditionExpression:                 aws.String("attribute_not_exists(#key)"),
		ExpressionAttributeNames:            map[string]string{"#key": schema.AttrKey},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if stored > 0 {
		put.ConditionExpression = aws.String("#version = :stored")
		put.ExpressionAttributeNames = map[string]string{"#version": schema.AttrVersion}
		put.ExpressionAttributeValues = item{":stored": number(stored)}
	}
	_, err := s.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: put},
		{Put: &types.Put{
			TableName:                &s.ledger,
			Item:                     encodeEntry(e),
			ConditionExpression:      aws.String("attribute_not_exists(#key)"),
			ExpressionAttributeNames: map[string]string{"#key": schema.AttrKey},
		}},
	}})
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
		ExpressionAttributeNames:  map[string]string{"#key": schema.AttrKey},
		ExpressionAttributeValues: item{":key": text(string(key))},
		ConsistentRead:            aws.Bool(true),
	}
	if !all {
		query.ScanIndexForward, query.Limit = aws.Bool(false), aws.Int32(1)
	}
	return query
}

// Get returns what is known of the contact with these keys; an item without
// marks when nothing is. The error wraps ErrUnreadable when an item cannot be
// understood.
func (s *Suppressions) Get(ctx context.Context, keys []contact.Key) (suppression.Item, error) {
	items := make([]suppression.Item, 0, len(keys))
	for _, key := range keys {
		i, err := s.get(ctx, key)
		if err != nil {
			return suppression.Item{}, err
		}
		items = append(items, i)
	}
	return suppression.Merge(items...), nil
}

func (s *Suppressions) get(ctx context.Context, key contact.Key) (suppression.Item, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{schema.AttrKey: text(string(key))}, ConsistentRead: aws.Bool(true),
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

// canariesKey is the one item of the table that is no contact's: it is too
// short to be a contact.Key.
const canariesKey = "canaries"

// Canaries returns the canary of each contact key id under which the table
// was written; none from a table that has never held a suppression.
func (s *Suppressions) Canaries(ctx context.Context) (map[string]string, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{schema.AttrKey: text(canariesKey)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the canaries: %w", err)
	}
	canaries := make(map[string]string, len(out.Item))
	for id, value := range out.Item {
		if id == schema.AttrKey {
			continue
		}
		s, ok := value.(*types.AttributeValueMemberS)
		if !ok {
			return nil, fmt.Errorf("reading the canaries: %w", ErrUnreadable)
		}
		canaries[id] = s.Value
	}
	return canaries, nil
}

// PutCanaries stores the canaries of a table that has none yet, and refuses
// where there are some.
func (s *Suppressions) PutCanaries(ctx context.Context, canaries map[string]string) error {
	stored := item{schema.AttrKey: text(canariesKey)}
	for id, value := range canaries {
		stored[id] = text(value)
	}
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: stored,
		ConditionExpression:      aws.String("attribute_not_exists(#key)"),
		ExpressionAttributeNames: map[string]string{"#key": schema.AttrKey},
	})
	if err != nil {
		return fmt.Errorf("storing the canaries: %w", err)
	}
	return nil
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
