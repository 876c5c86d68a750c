package deployment

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// STS is the part of STS that says who works here.
type STS interface {
	GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error)
}

// Identity tells who works here.
type Identity struct{ STS STS }

// Principal is the ARN that STS knows.
func (i Identity) Principal(ctx context.Context) (string, error) {
	out, err := i.STS.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("asking STS who you are: %w", err)
	}
	return aws.ToString(out.Arn), nil
}

// Outputs reads the outputs of a CloudFormation stack.
func Outputs(ctx context.Context, cfg aws.Config, stack string) (map[string]string, error) {
	found, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("reading the outputs of the stack: %w", err)
	}
	outputs := map[string]string{}
	for _, stack := range found.Stacks {
		for _, output := range stack.Outputs {
			outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
		}
	}
	return outputs, nil
}
