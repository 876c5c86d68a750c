//go:build store

package purge_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	smithy "github.com/aws/smithy-go/middleware"
)

// units are the request units that calls consumed, without the writes of
// indexes.
type units struct{ read, write float64 }

// meter adds up the consumption of a client's calls, as reported by DynamoDB Local
// and corrected to DynamoDB's. DynamoDB Local reports nothing for a missing key,
// which DynamoDB charges as 1 KB. Of a transaction it reports only one operation
// of each kind, while DynamoDB charges each with two units per KB: all items here
// are smaller.
type meter struct {
	mu   sync.Mutex
	used units
}

// newMeter returns a meter and the metered client.
func newMeter(client *dynamodb.Client) (*meter, *dynamodb.Client) {
	m := &meter{}
	return m, dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *smithy.Stack) error {
			return stack.Initialize.Add(smithy.InitializeMiddlewareFunc("meter", m.call), smithy.After)
		})
	})
}

// taken returns the consumption since its last call.
func (m *meter) taken() units {
	m.mu.Lock()
	defer m.mu.Unlock()
	used := m.used
	m.used = units{}
	return used
}

func (m *meter) call(ctx context.Context, in smithy.InitializeInput, next smithy.InitializeHandler) (out smithy.InitializeOutput, metadata smithy.Metadata, err error) {
	var used units
	switch input := in.Parameters.(type) {
	case *dynamodb.GetItemInput:
		used.read = 1
	case *dynamodb.QueryInput:
		input.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.ScanInput:
		input.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	case *dynamodb.BatchGetItemInput:
		input.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
		for _, keys := range input.RequestItems {
			used.read += float64(len(keys.Keys))
		}
	case *dynamodb.TransactWriteItemsInput:
		used.write = 2 * float64(len(input.TransactItems))
	default:
		return out, metadata, fmt.Errorf("nobody knows what a %T consumes", input)
	}
	out, metadata, err = next.HandleInitialize(ctx, in)
	switch output := out.Result.(type) {
	case *dynamodb.QueryOutput:
		used.read = aws.ToFloat64(output.ConsumedCapacity.CapacityUnits)
	case *dynamodb.ScanOutput:
		used.read = aws.ToFloat64(output.ConsumedCapacity.CapacityUnits)
	case *dynamodb.BatchGetItemOutput:
		for _, found := range output.Responses {
			used.read -= float64(len(found))
		}
		for _, consumed := range output.ConsumedCapacity {
			used.read += aws.ToFloat64(consumed.CapacityUnits)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used.read += used.read
	m.used.write += used.write
	return out, metadata, err
}
