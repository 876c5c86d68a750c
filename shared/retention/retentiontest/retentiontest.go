// Package retentiontest holds the retention policy that tests use: the classes
// communication, messaging, contact and service. Tests never read the policy of
// a deployment. Only tests import this package.
package retentiontest

import (
	_ "embed"
	"slices"
	"testing"

	"stille/shared/retention"
)

//go:embed retention.yaml
var file []byte

// File returns the policy as a retention.yaml.
func File() []byte { return slices.Clone(file) }

// Policy returns the policy.
func Policy(t testing.TB) *retention.Policy {
	t.Helper()
	policy, err := retention.LoadPolicy(file)
	if err != nil {
		t.Fatal(err)
	}
	return policy
}
