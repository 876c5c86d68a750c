//go:build store

package dynamo_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
)

// The benchmark compares reading an item as a suppression with a bare strong
// GetItem.
func BenchmarkSuppressionGet(b *testing.B) {
	db, stack := dynamotest.Tables(b)
	list := dynamo.NewSuppressions(db, stack)
	keys := []contact.Key{key(1)}
	if _, err := list.Apply(b.Context(), contact.Known{Channel: contact.Email, Keys: keys}, optOut(now), now); err != nil {
		b.Fatal(err)
	}
	b.Run("raw", func(b *testing.B) {
		bare := dynamotest.Bare(db)
		for b.Loop() {
			_, err := bare.GetItem(b.Context(), &dynamodb.GetItemInput{
				TableName:      aws.String(stack.Table(names.TableSuppressions)),
				Key:            map[string]types.AttributeValue{names.AttrKey: &types.AttributeValueMemberS{Value: string(keys[0])}},
				ConsistentRead: aws.Bool(true),
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			if _, err := list.Get(b.Context(), keys); err != nil {
				b.Fatal(err)
			}
		}
	})
}
