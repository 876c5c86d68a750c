//go:build stack

package local

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

const live names.Stack = "hush"

// One emulator sees a production environment of another brand, with everything
// kept and protected, from a first deploy that fails to the removal. The functions are
// built for this machine.
func TestProductionIsRepairedUpdatedAndRemoved(t *testing.T) {
	place := passing(t)
	if err := place.startEmulator(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Down(place) })
	place.Root = place.production(t, "project")
	place.synth(t, "v1")
	place.mustCDK(t, "bootstrap", "--app", place.path("cdk.out"), "aws://"+account+"/"+region)
	_ = t.Run("a first deploy that failed is repaired by another", place.failsFirst) &&
		t.Run("an update that failed is repaired by another", place.failsToAddClass) &&
		t.Run("a deploy of the same code changes nothing", place.changesNothing) &&
		t.Run("a removal leaves what is stored", place.isRemoved)
}

// failsFirst: the first keys are not made over a table that has items, so the service
// stack cannot be created.
func (p Place) failsFirst(t *testing.T) {
	p.mustCDK(t, "deploy", "--app", p.path("cdk.out"), live.Data(), "--require-approval", "never")
	items, key := dynamodb.NewFromConfig(p.config()), map[string]types.AttributeValue{names.AttrKey: &types.AttributeValueMemberS{Value: "of an older stack"}}
	table := aws.String(live.Table(names.TableSuppressions))
	if _, err := items.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: table, Item: key}); err != nil {
		t.Fatal(err)
	}
	p.deployTwice(t, "CREATE_COMPLETE", func() error {
		_, err := items.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: table, Key: key})
		return err
	})
}

// failsToAddClass: what the new class's state machine does cannot be read. What was left
// before stands after it.
func (p Place) failsToAddClass(t *testing.T) {
	left := p.leave(t)
	before := p.answers(t, left)
	p.addClass(t, "letters")
	p.synth(t, "v2")
	p.wreckMachine(t, live.Purge("letters"))
	p.deployTwice(t, "UPDATE_COMPLETE", func() error {
		p.synth(t, "v3") // what was uploaded for v2 is not uploaded again
		return nil
	})
	p.stille(t, "purge", "run", "letters")
	if diff := cmp.Diff(before, p.answers(t, left)); diff != "" {
		t.Errorf("before and after the update: %s", diff)
	}
}

// changesNothing makes the templates again. What is made of a map must not have another
// order.
func (p Place) changesNothing(t *testing.T) {
	updated := func() time.Time {
		found, err := cloudformation.NewFromConfig(p.config()).DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(string(live))})
		if err != nil || len(found.Stacks) != 1 || found.Stacks[0].LastUpdatedTime == nil {
			t.Fatalf("%v, %v", found, err)
		}
		return *found.Stacks[0].LastUpdatedTime
	}
	before := updated()
	p.synth(t, "v3")
	p.mustCDK(t, "deploy", "--app", p.path("cdk.out"), "--all", "--require-approval", "never")
	if after := updated(); !after.Equal(before) {
		t.Errorf("updated at %v, and again at %v", before, after)
	}
}

func (p Place) isRemoved(t *testing.T) {
	stacks, before := cloudformation.NewFromConfig(p.config()), p.stored(t)
	remove := func(stack string) error {
		_, err := stacks.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &stack})
		return err
	}
	if err := remove(live.Data()); err == nil {
		t.Fatal("the data stack is removed while it is protected")
	}
	if _, err := stacks.UpdateTerminationProtection(t.Context(), &cloudformation.UpdateTerminationProtectionInput{StackName: aws.String(live.Data()), EnableTerminationProtection: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	gone := cloudformation.NewStackDeleteCompleteWaiter(stacks, func(o *cloudformation.StackDeleteCompleteWaiterOptions) { o.MinDelay = time.Second })
	for _, stack := range []string{string(live), live.Data()} {
		if err := remove(stack); err != nil {
			t.Fatal(err)
		}
		if err := gone.Wait(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}, deployLimit); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(before, p.stored(t)); diff != "" {
		t.Error(diff)
	}
	left, err := lambda.NewFromConfig(p.config()).ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	if err != nil || len(left.Functions) > 0 {
		t.Errorf("%d functions are left, %v", len(left.Functions), err)
	}
}

// stored names the tables, buckets and secrets that there are.
func (p Place) stored(t *testing.T) []string {
	t.Helper()
	tables, err := dynamodb.NewFromConfig(p.config()).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil || len(tables.TableNames) == 0 {
		t.Fatalf("%d tables, %v", len(tables.TableNames), err)
	}
	found := tables.TableNames
	buckets, err := p.objects().ListBuckets(t.Context(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range buckets.Buckets {
		found = append(found, "bucket "+*bucket.Name)
	}
	secrets, err := secretsmanager.NewFromConfig(p.config()).ListSecrets(t.Context(), &secretsmanager.ListSecretsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range secrets.SecretList {
		found = append(found, "secret "+*secret.Name)
	}
	slices.Sort(found)
	return found
}

// production makes a folder that a deployer has: the files of a production environment
// beside the functions.
func (p Place) production(t *testing.T, folder string) string {
	t.Helper()
	root := p.path(folder)
	if err := os.MkdirAll(filepath.Join(root, "infra"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(p.tool(), filepath.Join(root, ".local")); err != nil {
		t.Fatal(err)
	}
	built, err := filepath.Glob(filepath.Join(p.Root, "dist", "*", "bootstrap"))
	if err != nil || len(built) == 0 {
		t.Fatalf("%d functions, %v", len(built), err)
	}
	for _, function := range built {
		folder := filepath.Join(root, "dist", filepath.Base(filepath.Dir(function)))
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.Link(function, filepath.Join(folder, "bootstrap")); err != nil {
			t.Fatal(err)
		}
	}
	demo := filepath.Join(p.Root, policyFolder)
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(demo, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	p.Root = root
	p.write(t, names.EnvironmentsFile, fmt.Sprintf("environments:\n  live: {production: true, account: %q, region: %s, prefix: %s, architecture: %s, linksConcurrency: none, alarms: [operator@tine.opt-outs.no]}\n", account, region, live, runtime.GOARCH))
	p.write(t, names.ScopesFile, strings.NewReplacer("acme", "tine", ".example", ".opt-outs.no").Replace(read(names.ScopesFile)))
	p.write(t, names.RetentionFile, read(names.RetentionFile))
	return root
}

// write writes a deployer's file into infra, and beside every function.
func (p Place) write(t *testing.T, name, content string) {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(p.Root, "dist", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range append(folders, filepath.Join(p.Root, "infra")) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// addClass adds a class like the last class.
func (p Place) addClass(t *testing.T, name string) {
	t.Helper()
	policy, err := os.ReadFile(filepath.Join(p.Root, "infra", names.RetentionFile))
	if err != nil {
		t.Fatal(err)
	}
	classes := strings.Split(string(policy), "\n  - class: ")
	_, last, _ := strings.Cut(classes[len(classes)-1], "\n")
	p.write(t, names.RetentionFile, string(policy)+"\n  - class: "+name+"\n"+last)
}

func (p Place) synth(t *testing.T, version string) {
	t.Helper()
	p.mustCDK(t, "synth", "--quiet", "--app", p.app(), "--output", p.path("cdk.out"), "--context", "environment=live", "--context", "version="+version)
}

// wreckMachine has the template look for the definition of a state machine where there
// is none.
func (p Place) wreckMachine(t *testing.T, name string) {
	t.Helper()
	file := p.path("cdk.out", string(live)+".template.json")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var template map[string]any
	if err := json.Unmarshal(content, &template); err != nil {
		t.Fatal(err)
	}
	wrecked := false
	for _, resource := range template["Resources"].(map[string]any) {
		if properties, _ := resource.(map[string]any)["Properties"].(map[string]any); properties["StateMachineName"] == name {
			delete(properties, "DefinitionString")
			properties["DefinitionS3Location"], wrecked = map[string]string{"Bucket": "nowhere", "Key": "nothing"}, true
		}
	}
	content, err = json.Marshal(template)
	if err != nil || !wrecked {
		t.Fatalf("%s is in no template, %v", name, err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// deployTwice wants a deploy to fail, and the next to leave the stack in a status after
// what was wrong is repaired.
func (p Place) deployTwice(t *testing.T, want string, repair func() error) {
	t.Helper()
	deploy := func() error {
		return p.cdk(t.Context(), deployLimit, "deploy", "--app", p.path("cdk.out"), "--all", "--require-approval", "never")
	}
	if err := deploy(); err == nil {
		t.Fatalf("the first deploy did not fail: %s", p.status(t, string(live)))
	}
	if got := p.status(t, string(live)); got == want {
		t.Errorf("after the deploy that failed, the stack is %s", got)
	}
	if err := repair(); err != nil {
		t.Fatal(err)
	}
	if err := deploy(); err != nil {
		t.Fatal(err)
	}
	if got := p.status(t, string(live)); got != want {
		t.Errorf("the stack is %s, want %s", got, want)
	}
}

func (p Place) mustCDK(t *testing.T, arguments ...string) {
	t.Helper()
	if err := p.cdk(t.Context(), deployLimit, arguments...); err != nil {
		t.Fatal(err)
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
