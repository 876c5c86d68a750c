package deployment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"

	"stille/shared/deployed"
	"stille/shared/names"
)

// Templates is the part of CloudFormation that tells a deployed template.
type Templates interface {
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
}

// Guard refuses to deploy an assembly of the CDK over a stack that has promised
// something else (package deployed). Call it before every deploy.
func Guard(ctx context.Context, templates Templates, stack names.Stack, assembly string) error {
	template, err := os.ReadFile(filepath.Join(assembly, stack.Data()+".template.json"))
	if err != nil {
		return fmt.Errorf("reading what is to be deployed: %w", err)
	}
	next, err := deployed.In(template)
	if err != nil {
		return err
	}
	template, err = templateOf(ctx, templates, stack.Data())
	if err != nil {
		return err
	}
	before, err := deployed.In(template)
	if err != nil {
		return err
	}
	if len(before.Classes) == 0 && next.Replicated {
		return errors.New("infra/environments.yaml: evidenceReplica: deploy without it first: S3 refuses a replica that is not ready, and the first deploy of what is stored must not fail")
	}
	if err := before.Allows(next); err != nil {
		return fmt.Errorf("the stack %s promises what this deploy would take back:\n%w", stack, err)
	}
	return nil
}

// templateOf is the template of a stack, and empty where there is no stack.
func templateOf(ctx context.Context, templates Templates, stack string) ([]byte, error) {
	found, err := templates.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: aws.String(stack)})
	var refusal smithy.APIError
	if errors.As(err, &refusal) && refusal.ErrorCode() == "ValidationError" && strings.Contains(refusal.ErrorMessage(), "does not exist") {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is deployed: %w", err)
	}
	return []byte(aws.ToString(found.TemplateBody)), nil
}
