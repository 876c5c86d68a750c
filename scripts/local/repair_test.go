//go:build stack

package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
)

// The first keys are not made over a table that has items: the service stack cannot
// be created, and what is stored stays. The environment is one on AWS, with
// everything kept and protected, for the functions of this machine.
func TestFailedFirstDeployIsRepairedByAnother(t *testing.T) {
	const prefix names.Stack = "hush"
	place := passing(t)
	if err := place.startEmulator(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Down(place) })
	folder := t.TempDir()
	stanza := fmt.Sprintf("environments:\n  live: {account: %q, region: %s, prefix: %s, architecture: %s, linksConcurrency: none}\n", account, region, prefix, runtime.GOARCH)
	if err := os.WriteFile(filepath.Join(folder, names.EnvironmentsFile), []byte(stanza), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{names.RetentionFile, names.ScopesFile} {
		content, err := os.ReadFile(filepath.Join(place.Root, policyFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	assembly := place.path("cdk.out")
	cdk := func(arguments ...string) error { return place.cdk(t.Context(), deployLimit, arguments...) }
	deploy := func(which string) error {
		return cdk("deploy", "--app", assembly, which, "--require-approval", "never")
	}
	for _, step := range [][]string{
		{"synth", "--quiet", "--app", place.app(), "--output", assembly, "--context", "environment=live", "--context", "version=v1", "--context", "policy=" + folder},
		{"bootstrap", "--app", assembly, "aws://" + account + "/" + region},
		{"deploy", "--app", assembly, prefix.Data(), "--require-approval", "never"},
	} {
		if err := cdk(step...); err != nil {
			t.Fatal(err)
		}
	}

	items, key := dynamodb.NewFromConfig(place.config()), map[string]types.AttributeValue{names.AttrKey: &types.AttributeValueMemberS{Value: "of an older stack"}}
	table := aws.String(prefix.Suppressions())
	if _, err := items.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: key}); err != nil {
		t.Fatal(err)
	}
	if err := deploy("--all"); err == nil {
		t.Fatal("keys are made over a table that has items")
	}
	if _, err := items.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: key}); err != nil {
		t.Fatal(err)
	}
	if err := deploy("--all"); err != nil {
		t.Fatal(err)
	}
	if got := place.status(t, string(prefix)); got != "CREATE_COMPLETE" {
		t.Errorf("the stack is %s", got)
	}
}

func (p Place) status(t *testing.T, stack string) string {
	t.Helper()
	found, err := cloudformation.NewFromConfig(p.config()).DescribeStacks(context.Background(), &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil || len(found.Stacks) != 1 {
		t.Fatalf("%d stacks, %v", len(found.Stacks), err)
	}
	return string(found.Stacks[0].StackStatus)
}
