package deployment_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/smithy-go"

	"stille/shared/aws/deployment"
	"stille/shared/deployed"
)

// templates are those of deployed stacks, by the stack. The stack "down" makes
// CloudFormation fail.
type templates map[string]string

func (f templates) GetTemplate(_ context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error) {
	if _, down := f["down"]; down {
		return nil, &smithy.GenericAPIError{Code: "Throttling", Message: "Rate exceeded"}
	}
	template, found := f[*in.StackName]
	if !found {
		return nil, &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id " + *in.StackName + " does not exist"}
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: &template}, nil
}

func noting(scopes, classes string) string {
	return fmt.Sprintf(`{"Resources":{"suppressions":{"Metadata":{%q:{"scopes":%s,"classes":%s}}}}}`, deployed.Note, scopes, classes)
}

func TestDeployKeepsWhatIsDeployed(t *testing.T) {
	const scopes, classes, silent = `{"1":"acme"}`, `["messaging"]`, `{"Resources":{"a":{"Type":"AWS::S3::Bucket"}}}`
	for name, test := range map[string]struct {
		next   string
		before templates
		says   string // of the error; "" for none
	}{
		"nothing is deployed":         {noting(scopes, classes), nil, ""},
		"another stack is deployed":   {noting(`{}`, `[]`), templates{"stille": noting(scopes, classes)}, ""},
		"the same is deployed":        {noting(scopes, classes), templates{"stille-data": noting(scopes, classes)}, ""},
		"a scope would go":            {noting(`{}`, classes), templates{"stille-data": noting(scopes, classes)}, "acme (id 1)"},
		"a class would go":            {noting(scopes, `[]`), templates{"stille-data": noting(scopes, classes)}, "messaging"},
		"nobody knows what is there":  {noting(scopes, classes), templates{"down": ""}, "Rate exceeded"},
		"a replica at first":          {strings.Replace(noting(scopes, classes), `"classes"`, `"replicated":true,"classes"`, 1), nil, "evidenceReplica: deploy without it first"},
		"a replica later":             {strings.Replace(noting(scopes, classes), `"classes"`, `"replicated":true,"classes"`, 1), templates{"stille-data": noting(scopes, classes)}, ""},
		"a replica over a change set": {strings.Replace(noting(scopes, classes), `"classes"`, `"replicated":true,"classes"`, 1), templates{"stille-data": `{}`}, "evidenceReplica: deploy without it first"},
		"only a change set is there":  {noting(scopes, classes), templates{"stille-data": `{}`}, ""},
		"its template is empty":       {noting(scopes, classes), templates{"stille-data": ""}, ""},
		"the new template is silent":  {silent, nil, "does not note"},
		"the old template is silent":  {noting(scopes, classes), templates{"stille-data": silent}, "does not note"},
	} {
		t.Run(name, func(t *testing.T) {
			assembly := t.TempDir()
			if err := os.WriteFile(filepath.Join(assembly, "stille-data.template.json"), []byte(test.next), 0o600); err != nil {
				t.Fatal(err)
			}
			err := deployment.Guard(t.Context(), test.before, "stille", assembly)
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q", err, test.says)
			}
		})
	}
	if err := deployment.Guard(t.Context(), templates{}, "stille", t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without an assembly: %v", err)
	}
}
