package dynamotest

import (
	"context"
	"maps"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/api/apitest"
	"stille/shared/names"
)

// inFlight is how many calls each processor of a benchmark has under way.
const inFlight = 8

// Bare is a client as the SDK makes it, over the connections of db.
func Bare(db *dynamodb.Client) *dynamodb.Client {
	return dynamodb.New(db.Options(), func(o *dynamodb.Options) { o.EndpointResolverV2 = dynamodb.NewDefaultEndpointResolverV2() })
}

// Parallel does the same for as long as the benchmark lasts, many times at once.
func Parallel(b *testing.B, do func(context.Context) error) {
	b.Helper()
	b.SetParallelism(inFlight)
	apitest.CPU(b, func() {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := do(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// Only is the one item of a table that is a contact's.
func Only(b *testing.B, db *dynamodb.Client, table string) map[string]types.AttributeValue {
	b.Helper()
	out, err := db.Scan(b.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		b.Fatal(err)
	}
	for _, found := range out.Items {
		if found[names.AttrVersion] != nil {
			return found
		}
	}
	b.Fatal("nothing was written")
	return nil
}

// PutLike is a Put of an item under another key.
func PutLike(table string, like map[string]types.AttributeValue, key types.AttributeValue) *types.Put {
	like = maps.Clone(like)
	like[names.AttrKey] = key
	return &types.Put{
		TableName: &table, Item: like,
		ConditionExpression:      aws.String("attribute_not_exists(#key)"),
		ExpressionAttributeNames: map[string]string{"#key": names.AttrKey},
	}
}
