// Package invoke calls a function of the stack for the operator, and waits for its
// answer. It promises that a failure of the function is an error.
package invoke

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// Lambda is the part of Lambda that calls a function.
type Lambda interface {
	Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Call calls the function with an order and reads its answer.
func Call[T any](ctx context.Context, service Lambda, function string, order any) (answer T, err error) {
	payload, err := json.Marshal(order)
	if err != nil {
		return answer, fmt.Errorf("writing the order: %w", err)
	}
	got, err := service.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: payload})
	if err != nil {
		return answer, fmt.Errorf("calling %s: %w", function, err)
	}
	if got.FunctionError != nil {
		var failure struct{ ErrorMessage string }
		_ = json.Unmarshal(got.Payload, &failure) // without a message the function's log says why
		return answer, fmt.Errorf("%s failed: %s", function, failure.ErrorMessage)
	}
	if err := json.Unmarshal(got.Payload, &answer); err != nil {
		return answer, fmt.Errorf("reading the answer of %s: %w", function, err)
	}
	return answer, nil
}
