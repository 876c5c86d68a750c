//go:build stack

package main

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"stille/shared/names"
)

// The tests below prove the rights of the purge's roles, on a stack that
// enforces them: a forbidden call fails with a role's credentials, while the
// same call succeeds with an administrator's. The required rights are proved by
// the story, which fails without them.

// The purge's functions, whose roles are tested.
func purgeFunctions() []string {
	return []string{names.PurgePlan, names.PurgeDelete, names.PurgeVerify, names.PurgeAudit}
}

// as returns the credentials of a function's role, as its containers receive
// them.
func as(t *testing.T, function string) aws.Config {
	t.Helper()
	cfg := deployed.stack.Config()
	got, err := lambda.NewFromConfig(cfg).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String(names.DefaultStack.Function(function)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return assume(t, aws.ToString(got.Role), "trial")
}

// assume returns the credentials of a role in a session of this name.
func assume(t *testing.T, role, session string) aws.Config {
	t.Helper()
	cfg := deployed.stack.Config()
	taken, err := sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &session})
	if err != nil {
		t.Fatal(err)
	}
	c := taken.Credentials
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	return cfg
}

// A deed is one call, with the roles that may make it.
type deed struct {
	what string
	do   func(ctx context.Context, cfg aws.Config) error
	may  []string
}

// judge judges the roles of the purge.
func judge(t *testing.T, deeds []deed) {
	t.Helper()
	roles := map[string]aws.Config{}
	for _, function := range purgeFunctions() {
		roles[function] = as(t, function)
	}
	judgeAll(t, roles, deeds)
}

// judgeAll has the administrator make every call first, and then every role.
func judgeAll(t *testing.T, roles map[string]aws.Config, deeds []deed) {
	t.Helper()
	for _, d := range deeds {
		// If the administrator were refused, a role's refusal would prove
		// nothing.
		if err := d.do(t.Context(), deployed.stack.Config()); err != nil {
			t.Errorf("%s: not even an administrator can: %v", d.what, err)
			continue
		}
		for _, role := range slices.Sorted(maps.Keys(roles)) {
			err := d.do(t.Context(), roles[role])
			switch may := slices.Contains(d.may, role); {
			case may && err != nil:
				t.Errorf("%s: %s must, and cannot: %v", d.what, role, err)
			case !may && err == nil:
				t.Errorf("%s: %s must not, and can", d.what, role)
			case !may && !isDenied(err):
				t.Errorf("%s: %s fails for another reason than its role: %v", d.what, role, err)
			}
		}
	}
}

// isDenied reports whether a call was refused for its caller.
func isDenied(err error) bool {
	var refusal smithy.APIError
	return errors.As(err, &refusal) && slices.Contains([]string{"AccessDeniedException", "AccessDenied"}, refusal.ErrorCode())
}

// DescribeExecution distinguishes a running purge from a killed one.
func TestOnlyThePlanMayDescribeExecutions(t *testing.T) {
	ended, err := tellNew(t, io.Discard).execute(t.Context(), "service", `{}`)
	if err != nil {
		t.Fatal(err)
	}
	judge(t, []deed{{"ask how a run stands", func(ctx context.Context, cfg aws.Config) error {
		_, err := sfn.NewFromConfig(cfg).DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: ended.ExecutionArn})
		return err
	}, []string{names.PurgePlan}}})
}
