package deployment_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"stille/shared/aws/deployment"
	"stille/shared/names"
)

// configured is a function's configuration, or the error of asking for it.
type configured struct {
	variables map[string]string
	err       error
}

func (c configured) GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	return &lambda.GetFunctionConfigurationOutput{Environment: &lambdatypes.EnvironmentResponse{Variables: c.variables}}, c.err
}

func TestOperatorUsesTheTablesThatAreDeployed(t *testing.T) {
	for name, test := range map[string]struct {
		configured
		holds string // "" for an error
	}{
		"no restore":      {configured{}, "quiet-holds"},
		"a restore":       {configured{variables: map[string]string{names.VarRestored: `{"holds":"quiet-holds-2"}`}}, "quiet-holds-2"},
		"not deployed":    {configured{err: &lambdatypes.ResourceNotFoundException{}}, "quiet-holds"},
		"nobody knows":    {configured{err: errors.New("access denied")}, ""},
		"nobody can read": {configured{variables: map[string]string{names.VarRestored: "quiet-holds-2"}}, ""},
	} {
		got, err := deployment.NewDeployed(t.Context(), test.configured, "quiet")
		if (err != nil) != (test.holds == "") || err == nil && got.Table(names.TableHolds) != test.holds {
			t.Errorf("%s: %s, %v", name, got.Table(names.TableHolds), err)
		}
	}
}
