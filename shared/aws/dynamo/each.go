package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/contact"
	"stille/shared/suppression"
)

// Each calls each with every item of the list, read strongly and in no order.
// Merged items are included; their marks are in another item as well. For an
// unreadable item, the error wraps ErrUnreadable and the item has only its key.
// Each stops at an error from each and returns it unchanged.
//
// The scan is no snapshot: it may or may not see a change made during the scan.
func (s *Suppressions) Each(ctx context.Context, each func(i suppression.Item, unreadable error) error) error {
	for stored, err := range scan(ctx, s.db, &dynamodb.ScanInput{TableName: &s.table}, "reading the whole list") {
		if err != nil {
			return err
		}
		i, unreadable := decodeSuppression(stored)
		if i.Key == contact.Key(canariesKey) {
			continue
		}
		if err := each(i, unreadable); err != nil {
			return err
		}
	}
	return nil
}
