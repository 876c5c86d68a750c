package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	input := dynamodb.ScanInput{
		TableName: &s.table, ProjectionExpression: aws.String("#key"), FilterExpression: aws.String("attribute_not_exists(#into)"),
		ExpressionAttributeNames: map[string]string{"#key": names.AttrKey, "#into": names.AttrMergedInto},
	}
	return count(ctx, s.db, input, func(stored item) bool {
		return isMadeBy(keyID, textOf(stored, names.AttrKey))
	})
}

// CountSubjects returns how many contacts are held under their key of this id.
// An unreadable hold counts; a lifted hold does not.
func (h *Holds) CountSubjects(ctx context.Context, keyID uint32) (int, error) {
	return count(ctx, h.db, dynamodb.ScanInput{TableName: &h.table}, func(stored item) bool {
		subject, ok := targetOf(stored).Subject()
		return ok && isMadeBy(keyID, string(subject)) && isHeldItem(stored)
	})
}

// CountSubjects returns how many of the class's records have a subject under
// the contact key of this id.
func (r *Records) CountSubjects(ctx context.Context, class string, keyID uint32) (int, error) {
	input := dynamodb.ScanInput{TableName: aws.String(r.stack.Records(class)), ProjectionExpression: aws.String(names.AttrSubject)}
	return count(ctx, r.db, input, func(stored item) bool {
		return isMadeBy(keyID, textOf(stored, names.AttrSubject))
	})
}

// isMadeBy reports whether a text is a contact's key, made by the key of this id.
func isMadeBy(keyID uint32, key string) bool {
	return keyID != 0 && contact.Key(key).KeyID() == keyID
}

// count scans a table strongly and counts the items for which counts is true.
func count(ctx context.Context, db *dynamodb.Client, input dynamodb.ScanInput, counts func(item) bool) (int, error) {
	found := 0
	for stored, err := range scan(ctx, db, &input, "counting in "+*input.TableName) {
		if err != nil {
			return 0, err
		}
		if counts(stored) {
			found++
		}
	}
	return found, nil
}
