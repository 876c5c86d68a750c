package dynamo

import (
	"context"
	"fmt"

	"stille/shared/purge"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Scan is purge.Records's. It reads the table, so it also finds records that no
// index shows. It leaves out the owner's attributes.
func (r *Records) Scan(ctx context.Context, class string, segment purge.Segment, after string, limit int) (purge.Scanned, error) {
	e, err := expression.NewBuilder().WithProjection(projection()).Build()
	if err != nil {
		return purge.Scanned{}, fmt.Errorf("building a scan: %w", err)
	}
	input := &dynamodb.ScanInput{
		TableName: aws.String(r.stack.Records(class)), ConsistentRead: aws.Bool(true),
		Segment: aws.Int32(int32(segment.Number)), TotalSegments: aws.Int32(int32(segment.Of)), //nolint:gosec // both are small
		Limit:                aws.Int32(int32(limit)), //nolint:gosec // a page, never large
		ProjectionExpression: e.Projection(), ExpressionAttributeNames: e.Names(),
	}
	if after != "" {
		input.ExclusiveStartKey = recordKey(after)
	}
	out, err := r.db.Scan(ctx, input)
	if err != nil {
		return purge.Scanned{}, fmt.Errorf("reading all records: %w", err)
	}
	var page purge.Scanned
	for _, found := range out.Items {
		record, err := decodeRecord(found)
		if err != nil {
			page.Unreadable = append(page.Unreadable, idOf(found))
			continue
		}
		page.Records = append(page.Records, record)
	}
	if len(out.LastEvaluatedKey) > 0 {
		page.Last = idOf(out.LastEvaluatedKey)
	}
	return page, nil
}
