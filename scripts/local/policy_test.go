package local

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// The policy files of infra belong to their deployers. Only this test reads
// them, and it must never check their content.
func TestShippedPolicyFilesAreValid(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "infra", "retention.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"infra", policyFolder} {
		t.Run(folder, func(t *testing.T) {
			read := func(name string) []byte {
				content, err := os.ReadFile(filepath.Join(root, folder, name))
				if err != nil {
					t.Fatal(err)
				}
				return content
			}
			if _, err := retention.LoadPolicy(read(names.RetentionFile)); err != nil {
				t.Error(err)
			}
			var content any
			if err := yaml.Unmarshal(read(names.RetentionFile), &content); err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(content); err != nil {
				t.Error(err)
			}
			if _, err := scope.Load(read(names.ScopesFile)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDemoHasALettersBucketAndAMinimum(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	s, err := readSettings(root)
	if err != nil {
		t.Fatal(err)
	}
	letters, ok := s.policy.Class("communication")
	accounting, there := s.policy.Class("accounting")
	if !ok || !slices.Contains(letters.Buckets, lettersBucket) || !there || accounting.KeptBy == "" {
		t.Errorf("the stack file names the bucket %s, and the policy does not, or no law keeps vouchers", lettersBucket)
	}
}
