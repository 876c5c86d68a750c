package dynamo

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/retention"
)

// Due is one entry of an index of what is due: the record's id, and the time
// it is due by, as it sorts.
type Due struct {
	ID   string
	Sort string
}

// Index names one of the two ways a record can be due.
type Index string

const (
	// ByStart holds the records whose retention started, by that start.
	ByStart Index = names.IndexDue
	// ByWithdrawal holds the records that were withdrawn, by that time.
	ByWithdrawal Index = names.IndexWithdrawn
	// ByActivity holds the records that are running, by when something last
	// happened with them. Nothing in it is due by that.
	ByActivity Index = names.IndexRunning
)

func (i Index) sortKey() string {
	switch i {
	case ByWithdrawal:
		return names.AttrWithdrawnAt
	case ByActivity:
		return names.AttrActiveSort
	}
	return names.AttrRetentionSort
}

// DueBefore gives the entries of one shard of an index that sort before a time,
// oldest first, beginning after the entry given (the zero one for all), and
// reads so many of them at once. It ends with the first error. The index lags
// behind the table by moments: an entry says "look", never "delete".
func (r *Records) DueBefore(ctx context.Context, class string, by Index, shard string, before time.Time, after Due, atOnce int) iter.Seq2[Due, error] {
	sortKey := by.sortKey()
	input := &dynamodb.QueryInput{
		TableName: aws.String(r.stack.Records(class)), IndexName: aws.String(string(by)),
		KeyConditionExpression:    aws.String("#shard = :shard AND #sort < :before"),
		ExpressionAttributeNames:  map[string]string{"#shard": names.AttrRetentionShard, "#sort": sortKey},
		ExpressionAttributeValues: item{":shard": text(shard), ":before": text(retention.Sort(before))},
		Limit:                     aws.Int32(int32(atOnce)), //nolint:gosec // never that large
	}
	if after != (Due{}) {
		input.ExclusiveStartKey = item{
			names.AttrID: text(after.ID), names.AttrRetentionShard: text(shard), sortKey: text(after.Sort),
		}
	}
	return func(yield func(Due, error) bool) {
		for pages := dynamodb.NewQueryPaginator(r.db, input); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Due{}, fmt.Errorf("asking what is due: %w", err))
				return
			}
			for _, entry := range page.Items {
				sort, _ := entry[sortKey].(*types.AttributeValueMemberS) // the index's sort key: always there, always a string
				if !yield(Due{ID: idOf(entry), Sort: sort.Value}, nil) {
					return
				}
			}
		}
	}
}

// decisive is the projection to the attributes that a deletion is decided on,
// and that an audit looks at: all but what the owner keeps in the record.
func decisive() expression.ProjectionBuilder {
	projection := expression.NamesList(expression.Name(names.AttrID))
	for _, name := range []string{
		names.AttrSubject, names.AttrFormerSubjects, names.AttrScope, names.AttrBasis, names.AttrOccurredAt,
		names.AttrRetentionStart, names.AttrStartAsOf, names.AttrWithdrawnAt, names.AttrObjects, names.AttrPurgingBy,
		names.AttrLastActivityAt, names.AttrRetentionSort, names.AttrRetentionShard, names.AttrActiveSort,
	} {
		projection = projection.AddNames(expression.Name(name))
	}
	return projection
}

// Load reads records strongly, at most batchSize of them, as far as a deletion
// is decided on them, and returns those that exist by id. A record that cannot
// be understood is in the second answer.
func (r *Records) Load(ctx context.Context, class string, ids []string) (map[string]Stored, map[string]error, error) {
	keys := make([]item, len(ids))
	for i, id := range ids {
		keys[i] = recordKey(id)
	}
	e, err := expression.NewBuilder().WithProjection(decisive()).Build()
	if err != nil {
		return nil, nil, fmt.Errorf("reading records: %w", err)
	}
	records, unreadable := make(map[string]Stored, len(ids)), map[string]error{}
	err = batchGet(ctx, r.db, r.stack.Records(class), keys,
		types.KeysAndAttributes{ProjectionExpression: e.Projection(), ExpressionAttributeNames: e.Names()},
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
