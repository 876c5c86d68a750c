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
	// ErrCanary means that canaries cannot be added: the table has another canary
	// for the same key id, or no canary at all.
	ErrCanary = errors.New("the canaries do not allow it")
	// ErrLastCanary means that no other canary would be left. Without a canary, a
	// new key set could not be told from a foreign key set.
	ErrLastCanary = errors.New("the last canary stays")
)

// canariesKey is the key of the only item that belongs to no contact. It is too
// short to be a contact.Key.
const canariesKey = "canaries"

// Canaries returns the canary of each contact key id under which the table
// was written; none from a table that has never held a suppression.
func (s *Suppressions) Canaries(ctx context.Context) (map[string]string, error) {
	stored, err := get(ctx, s.db, s.table, item{names.AttrKey: text(canariesKey)}, "reading the canaries")
	if err != nil {
		return nil, err
	}
	canaries := make(map[string]string, len(stored))
	for id, value := range stored {
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

// PutCanaries stores the canaries of a table that has none, and otherwise returns
// an error.
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

// AddCanaries adds all given canaries or none to a table that has canaries. The
// error wraps ErrCanary where the table has no canary, or has another canary for
// one of the ids. A canary may be added twice.
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

// RemoveCanary removes the canary of a contact key id, if there is one. The
// caller must have made sure that no row under that key is left. The error
// wraps ErrLastCanary if no other canary would remain.
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
	// The condition holds against a second caller that removes the others.
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

// updateCanaries returns refused if the condition does not hold.
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
	if conditionNotMet(err) {
		return refused
	}
	return err
}
