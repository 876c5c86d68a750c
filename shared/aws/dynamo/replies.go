package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
)

// remembered is how long a claim is kept: longer than a queue and its
// dead-letter queue keep the reply.
const remembered = 14 * 24 * time.Hour

// Replies knows by their ids which SMS replies were answered.
type Replies struct {
	db    *dynamodb.Client
	table string
}

// NewReplies returns the answered replies of a stack.
func NewReplies(db *dynamodb.Client, stack names.Stack) *Replies {
	return &Replies{db: db, table: stack.Replies()}
}

// Claimed reports whether the answer to the reply was claimed.
func (r *Replies) Claimed(ctx context.Context, id string) (bool, error) {
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: item{names.AttrID: text(id)}, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return false, fmt.Errorf("looking for the claim of a reply: %w", err)
	}
	return out.Item != nil, nil
}

// Claim claims the answer to the reply for the caller, who must send it. Claim
// returns false if the answer was claimed before.
func (r *Replies) Claim(ctx context.Context, id string, now time.Time) (bool, error) {
	_, err := r.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                &r.table,
		Item:                     item{names.AttrID: text(id), names.AttrExpires: number(now.Add(remembered).Unix())},
		ConditionExpression:      aws.String("attribute_not_exists(#id)"),
		ExpressionAttributeNames: map[string]string{"#id": names.AttrID},
	})
	var taken *types.ConditionalCheckFailedException
	if errors.As(err, &taken) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claiming a reply: %w", err)
	}
	return true, nil
}

// Release gives a claim back if the answer was not sent.
func (r *Replies) Release(ctx context.Context, id string) error {
	_, err := r.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &r.table, Key: item{names.AttrID: text(id)}})
	if err != nil {
		return fmt.Errorf("giving back the claim of a reply: %w", err)
	}
	return nil
}
