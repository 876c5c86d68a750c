package deployment

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/evidence"
	"stille/shared/names"
	"stille/shared/operator"
)

// Outputs reads the outputs of a stack.
type Outputs func(ctx context.Context) (map[string]string, error)

// NewOutputs returns the outputs that CloudFormation knows.
func NewOutputs(client *cloudformation.Client, stack names.Stack) Outputs {
	return func(ctx context.Context) (map[string]string, error) {
		found, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(string(stack))})
		if err != nil {
			return nil, fmt.Errorf("reading the outputs of the stack: %w", err)
		}
		outputs := map[string]string{}
		for _, described := range found.Stacks {
			for _, output := range described.Outputs {
				outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
			}
		}
		return outputs, nil
	}
}

func (o Outputs) get(ctx context.Context, name string) (string, error) {
	outputs, err := o(ctx)
	if err == nil && outputs[name] == "" {
		err = fmt.Errorf("the stack lacks the output %s: `make deploy` adds it", name)
	}
	return outputs[name], err
}

// HookBase returns the address below which other systems report opt-outs.
func (o Outputs) HookBase(ctx context.Context) (string, error) { return o.get(ctx, names.OutputAPI) }

// Certificates opens the evidence bucket.
func (o Outputs) Certificates(files *s3.Client) func(context.Context) (operator.Certificates, error) {
	return func(ctx context.Context) (operator.Certificates, error) {
		bucket, err := o.get(ctx, names.OutputEvidenceBucket)
		if err != nil {
			return nil, err
		}
		return evidence.NewCertificates(files, bucket), nil
	}
}

// Principal asks STS for the caller's ARN.
func Principal(client *sts.Client) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return "", fmt.Errorf("asking STS who you are: %w", err)
		}
		return aws.ToString(out.Arn), nil
	}
}

// Tables looks at the stack's tables.
func Tables(tables *dynamo.Tables) func(context.Context, []string) ([]operator.Table, error) {
	return func(ctx context.Context, classes []string) ([]operator.Table, error) {
		found, err := tables.All(ctx, classes)
		all := make([]operator.Table, len(found))
		for i, table := range found {
			all[i] = operator.Table{Name: table.Name, State: table.State, Items: table.Items, OK: table.OK()}
		}
		return all, err
	}
}

// NewDeployed returns a stack with the names that its tables have since a restore, as
// its functions know them. A stack that is not deployed yet has none. Every command of
// the operator begins with this: it needs lambda:GetFunctionConfiguration.
func NewDeployed(ctx context.Context, functions lambda.GetFunctionConfigurationAPIClient, stack names.Stack) (names.Deployed, error) {
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
