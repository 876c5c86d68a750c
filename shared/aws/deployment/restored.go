package deployment

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"stille/shared/names"
)

// Configured is the part of Lambda that tells a function's configuration.
type Configured interface {
	GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
}

// NewDeployed returns a stack with the names that its tables have since a restore, as
// its functions know them. A stack that is not deployed yet has none. Every command of
// the operator begins with this: it needs lambda:GetFunctionConfiguration.
func NewDeployed(ctx context.Context, functions Configured, stack names.Stack) (names.Deployed, error) {
	deployed := names.Deployed{Stack: stack}
	found, err := functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(stack.Function(names.RotateKeys))})
	if err != nil && isAbsent(err) {
		return deployed, nil
	}
	if err != nil {
		return deployed, fmt.Errorf("asking for the names of the tables: %w", err)
	}
	if found.Environment == nil || found.Environment.Variables[names.VarRestored] == "" {
		return deployed, nil
	}
	if err := json.Unmarshal([]byte(found.Environment.Variables[names.VarRestored]), &deployed.Restored); err != nil {
		return deployed, fmt.Errorf("reading the names of the tables: %w", err)
	}
	return deployed, nil
}
