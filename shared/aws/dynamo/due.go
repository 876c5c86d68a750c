package dynamo

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// sortKey is the sort key of an index.
func sortKey(of purge.Index) string {
	switch of {
	case purge.ByWithdrawal:
		return names.AttrWithdrawnAt
	case purge.ByActivity:
		return names.AttrActiveSort
	case purge.ByStart:
	}
	return names.AttrRetentionSort
}

// DueBefore is purge.Records's.
func (r *Records) DueBefore(ctx context.Context, class string, by purge.Index, shard string, before time.Time, after purge.Due, atOnce int) iter.Seq2[purge.Due, error] {
	sort := sortKey(by)
	input := &dynamodb.QueryInput{
		TableName: aws.String(r.stack.Records(class)), IndexName: aws.String(string(by)),
		KeyConditionExpression:    aws.String("#shard = :shard AND #sort < :before"),
		ExpressionAttributeNames:  map[string]string{"#shard": names.AttrRetentionShard, "#sort": sort},
		ExpressionAttributeValues: item{":shard": text(shard), ":before": text(retention.Sort(before))},
		Limit:                     aws.Int32(int32(atOnce)), //nolint:gosec // never that large
	}
	if after != (purge.Due{}) {
		input.ExclusiveStartKey = item{
			names.AttrID: text(after.ID), names.AttrRetentionShard: text(shard), sort: text(after.Sort),
		}
	}
	return func(yield func(purge.Due, error) bool) {
		for entry, err := range query(ctx, r.db, input, "asking what is due") {
			if !yield(purge.Due{ID: idOf(entry), Sort: textOf(entry, sort)}, err) {
				return
			}
		}
	}
}

// Load is purge.Records's. It leaves out the owner's attributes.
func (r *Records) Load(ctx context.Context, class string, ids []string) (map[string]retention.Stored, map[string]error, error) {
	keys := make([]item, len(ids))
	for i, id := range ids {
		keys[i] = recordKey(id)
	}
	attributes, placeholders := projection()
	records, unreadable := make(map[string]retention.Stored, len(ids)), map[string]error{}
	err := batchGet(ctx, r.db, r.stack.Records(class), keys,
		types.KeysAndAttributes{ProjectionExpression: attributes, ExpressionAttributeNames: placeholders},
		func(found item) {
			s, err := decodeRecord(found)
			if err != nil {
				unreadable[idOf(found)] = err
				return
			}
			records[s.ID] = s
		})
	return records, unreadable, err
}

// Scan is purge.Records's. It reads the table, so it also finds records that no
// index shows. It leaves out the owner's attributes.
func (r *Records) Scan(ctx context.Context, class string, segment purge.Segment, after string, limit int) (purge.Scanned, error) {
	attributes, placeholders := projection()
	input := &dynamodb.ScanInput{
		TableName: aws.String(r.stack.Records(class)), ConsistentRead: aws.Bool(true),
		Segment: aws.Int32(int32(segment.Number)), TotalSegments: aws.Int32(int32(segment.Of)), //nolint:gosec // both are small
		Limit:                aws.Int32(int32(limit)), //nolint:gosec // a page, never large
		ProjectionExpression: attributes, ExpressionAttributeNames: placeholders,
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
