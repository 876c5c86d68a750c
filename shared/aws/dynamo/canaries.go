package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
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
	stored := encodeCanaries(canaries)
	stored[names.AttrKey] = text(canariesKey)
	done, err := write(ctx, s.db, "storing the canaries", put(s.table, stored, absent(names.AttrKey)))
	if err == nil && !done {
		return fmt.Errorf("storing the canaries: %w", ErrCanary)
	}
	return err
}

func encodeCanaries(canaries map[string]string) item {
	stored := make(item, len(canaries))
	for id, value := range canaries {
		stored[id] = text(value)
	}
	return stored
}

// AddCanaries adds all given canaries or none to a table that has canaries. The
// error wraps ErrCanary where the table has no canary, or has another canary for
// one of the ids. A canary may be added twice.
func (s *Suppressions) AddCanaries(ctx context.Context, canaries map[string]string) error {
	if len(canaries) == 0 {
		return nil
	}
	adding := setting(encodeCanaries(canaries))
	adding.where = "attribute_exists(#key)"
	for id := range canaries {
		adding.where += " AND (attribute_not_exists(#" + id + ") OR #" + id + " = :new" + id + ")"
	}
	return s.updateCanaries(ctx, "adding canaries", adding, ErrCanary)
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
	var others []string
	for other := range canaries {
		others = append(others, "attribute_exists(#"+other+")")
	}
	return s.updateCanaries(ctx, "removing a canary", terms{set: "REMOVE #" + id, where: strings.Join(others, " OR ")}, ErrLastCanary)
}

// updateCanaries returns refused if the condition does not hold.
func (s *Suppressions) updateCanaries(ctx context.Context, doing string, t terms, refused error) error {
	done, err := write(ctx, s.db, doing, update(s.table, item{names.AttrKey: text(canariesKey)}, t))
	if err == nil && !done {
		err = fmt.Errorf("%s: %w", doing, refused)
	}
	return err
}

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
