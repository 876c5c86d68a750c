package dynamotest

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithy "github.com/aws/smithy-go/middleware"
)

// Intercept returns a client that calls before with the name of each operation
// ("TransactWriteItems", ...). If before returns an error, the operation
// returns it and sends no request. The original client is not intercepted, so
// before may use it.
func Intercept(client *dynamodb.Client, before func(operation string) error) *dynamodb.Client {
	return dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *smithy.Stack) error {
			return stack.Initialize.Add(smithy.InitializeMiddlewareFunc("intercept",
				func(ctx context.Context, in smithy.InitializeInput, next smithy.InitializeHandler) (smithy.InitializeOutput, smithy.Metadata, error) {
					if err := before(middleware.GetOperationName(ctx)); err != nil {
						return smithy.InitializeOutput{}, smithy.Metadata{}, err
					}
					return next.HandleInitialize(ctx, in)
				}), smithy.After)
		})
	})
}
