package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
)

var (
	// ErrCanary means that a canary may not be changed so: another one stands
	// under the same key id, or there are none to add to.
	ErrCanary = errors.New("the canaries do not allow it")
	// ErrLastCanary means that no other canary would be left: without any, a
	// new key set could not be told from a foreign one.
	ErrLastCanary = errors.New("the last canary stays")
)

// canariesKey is the one item of the table that is no contact's: it is too
// short to be a contact.Key.
const canariesKey = "canaries"

// Canaries returns the canary of each contact key id under which the table
// was written; none from a table that has never held a suppression.
func (s *Suppressions) Canaries(ctx context.Context) (map[string]string, error) {
	out, err := s.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.table, Key: item{names.AttrKey: text(canariesKey)}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the canaries: %w", err)
	}
	canaries := make(map[string]string, len(out.Item))
	for id, value := range out.Item {
		if id == names.AttrKey {
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
	stored := item{names.AttrKey: text(canariesKey)}
	for id, value := range canaries {
		stored[id] = text(value)
	}
	_, err := s.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.table, Item: stored,
		ConditionExpression:      aws.String("attribute_not_exists(#key)"),
		ExpressionAttributeNames: map[string]string{"#key": names.AttrKey},
	})
	if err != nil {
		return fmt.Errorf("storing the canaries: %w", err)
	}
	return nil
}

// AddCanaries adds canaries, all or none, to those of a table that has some.
// The error wraps ErrCanary where there are none, or another one stands under
// one of the ids. Those that stand already as they are given may be given again.
func (s *Suppressions) AddCanaries(ctx context.Context, canaries map[string]string) error {
	if len(canaries) == 0 {
		return nil
	}
	var update expression.UpdateBuilder
	condition := expression.AttributeExists(expression.Name(names.AttrKey))
	for id, value := range canaries {
		name, mac := expression.Name(id), expression.Value(value)
		update = update.Set(name, mac)
		condition = condition.And(expression.Or(expression.AttributeNotExists(name), name.Equal(mac)))
	}
	if err := s.updateCanaries(ctx, update, condition, ErrCanary); err != nil {
		return fmt.Errorf("adding canaries: %w", err)
	}
	return nil
}

// RemoveCanary removes the canary of a contact key id, under which no row may
// be left; where there is none of this id it does nothing. The error wraps
// ErrLastCanary when no other canary would be left.
func (s *Suppressions) RemoveCanary(ctx context.Context, id string) error {
	canaries, err := s.Canaries(ctx)
	if err != nil {
		return err
	}
	if _, stands := canaries[id]; !stands {
		return nil
	}
	delete(canaries, id)
	if len(canaries) == 0 {
		return fmt.Errorf("removing a canary: %w", ErrLastCanary)
	}
	// One of the others is to stand still, in case somebody else removes them.
	others := slices.Sorted(maps.Keys(canaries))
	condition := expression.AttributeExists(expression.Name(others[0]))
	for _, other := range others[1:] {
		condition = condition.Or(expression.AttributeExists(expression.Name(other)))
	}
	update := expression.Remove(expression.Name(id))
	if err := s.updateCanaries(ctx, update, condition, ErrLastCanary); err != nil {
		return fmt.Errorf("removing a canary: %w", err)
	}
	return nil
}

// updateCanaries returns refused where the condition does not hold.
func (s *Suppressions) updateCanaries(ctx context.Context, update expression.UpdateBuilder, condition expression.ConditionBuilder, refused error) error {
	e, err := expression.NewBuilder().WithUpdate(update).WithCondition(condition).Build()
	if err != nil {
		return fmt.Errorf("building an update: %w", err)
	}
	_, err = s.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: item{names.AttrKey: text(canariesKey)},
		UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return refused
	}
	return err
}
