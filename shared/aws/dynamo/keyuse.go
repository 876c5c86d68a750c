package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/contact"
	"stille/shared/names"
)

// The counts in this file show whether a contact key is still needed: they
// count the items that only a lookup under that key finds. Each count reads its
// whole table strongly.

// CountUnmerged returns how many unmerged suppressions the contact key of this id
// has.
func (s *Suppressions) CountUnmerged(ctx context.Context, keyID uint32) (int, error) {
	unmerged := expression.AttributeNotExists(expression.Name(names.AttrMergedInto))
	e, err := expression.NewBuilder().WithProjection(expression.NamesList(expression.Name(names.AttrKey))).WithFilter(unmerged).Build()
	if err != nil {
		return 0, fmt.Errorf("building a scan: %w", err)
	}
	return count(ctx, s.db, s.table, e, func(stored item) bool {
		return isMadeBy(keyID, textOf(stored, names.AttrKey))
	})
}

// CountSubjects returns how many contacts are held under their key of this id.
// An unreadable hold counts; a lifted hold does not.
func (h *Holds) CountSubjects(ctx context.Context, keyID uint32) (int, error) {
	return count(ctx, h.db, h.table, expression.Expression{}, func(stored item) bool {
		subject, ok := targetOf(stored).Subject()
		return ok && isMadeBy(keyID, string(subject)) && isHeldItem(stored)
	})
}

// CountSubjects returns how many of the class's records have a subject under
// the contact key of this id.
func (r *Records) CountSubjects(ctx context.Context, class string, keyID uint32) (int, error) {
	e, err := expression.NewBuilder().WithProjection(expression.NamesList(expression.Name(names.AttrSubject))).Build()
	if err != nil {
		return 0, fmt.Errorf("building a scan: %w", err)
	}
	return count(ctx, r.db, r.stack.Records(class), e, func(stored item) bool {
		return isMadeBy(keyID, textOf(stored, names.AttrSubject))
	})
}

// isMadeBy reports whether a text is a contact's key, made by the key of this id.
func isMadeBy(keyID uint32, key string) bool {
	return keyID != 0 && contact.Key(key).KeyID() == keyID
}

// count scans a table strongly and counts the items for which counts is true.
func count(ctx context.Context, db *dynamodb.Client, table string, e expression.Expression, counts func(item) bool) (int, error) {
	input := &dynamodb.ScanInput{
		TableName: &table, ProjectionExpression: e.Projection(), FilterExpression: e.Filter(), ExpressionAttributeNames: e.Names(),
	}
	found := 0
	for stored, err := range scan(ctx, db, input, "counting in "+table) {
		if err != nil {
			return 0, err
		}
		if counts(stored) {
			found++
		}
	}
	return found, nil
}
