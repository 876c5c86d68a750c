package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"stille/scripts/stackfile"
	"stille/shared/aws/deployment"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/operator"
)

// stackAt writes a stack file into a new folder and returns a folder below it.
func stackAt(t *testing.T, stack stackfile.Stack) string {
	t.Helper()
	root := t.TempDir()
	below := filepath.Join(root, "infra", "deeper")
	for _, folder := range []string{below, filepath.Join(root, ".local")} {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(stack)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, stackfile.Path), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return below
}

func nothingSet(string) string { return "" }

func firstNames(_ context.Context, _ aws.Config, name names.Stack) (names.Deployed, error) {
	return names.Deployed{Stack: name}, nil
}

func TestLocalStackIsFoundAtOrAboveFolder(t *testing.T) {
	file := stackfile.Stack{
		Endpoint: "http://127.0.0.1:4566", Region: "eu-north-1",
		Purge:   map[string]string{"messaging": "arn:machine"},
		Buckets: map[string]string{"evidence": "the-bucket"},
		Hooks:   "http://127.0.0.1:4566/api",
	}
	on, err := connect(t.Context(), options{Stack: "stille"}, stackAt(t, file), nothingSet, firstNames)
	if err != nil {
		t.Fatal(err)
	}
	if !on.Local || on.Stack != string(names.DefaultStack) {
		t.Errorf("it is %+v", on)
	}
	want := map[string]string{names.OutputPurge("messaging"): "arn:machine", names.OutputEvidenceBucket: "the-bucket", names.OutputAPI: "http://127.0.0.1:4566/api"}
	if diff := cmp.Diff(want, localOutputs(file)); diff != "" {
		t.Errorf("outputs (-want +got)\n%s", diff)
	}
	if _, err := on.Executions.Start(t.Context(), "letters", "", ""); err == nil || !strings.Contains(err.Error(), "lacks the output PurgeLetters") {
		t.Errorf("a class that was not deployed: %v", err)
	}
}

func TestGivenStackFileIsUsed(t *testing.T) {
	there := stackAt(t, stackfile.Stack{Endpoint: "http://127.0.0.1:4566", Region: "eu-north-1"})
	other := filepath.Join(filepath.Dir(filepath.Dir(stackAt(t, stackfile.Stack{Region: "eu-west-1"}))), stackfile.Path)
	on, err := connect(t.Context(), options{Stack: "stille", Local: other}, there, nothingSet, firstNames)
	if err != nil {
		t.Fatal(err)
	}
	if on.Where != "the local stack of "+other {
		t.Errorf("it works on %s", on.Where)
	}
	if _, err := connect(t.Context(), options{Stack: "stille", Local: other + "x"}, there, nothingSet, firstNames); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a file that is not there: %v", err)
	}
}

func TestLocalStackGetsCredentialsOfEnvironment(t *testing.T) {
	for _, c := range []struct {
		name         string
		environment  map[string]string
		id, secret   string
		sessionToken string
	}{
		{"none are set", nil, "test", "test", ""},
		{"only an id is set", map[string]string{"AWS_ACCESS_KEY_ID": "kari"}, "kari", "test", ""},
		{"all are set", map[string]string{"AWS_ACCESS_KEY_ID": "kari", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}, "kari", "s", "t"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := localConfig(stackfile.Stack{Endpoint: "http://127.0.0.1:4566", Region: "eu-north-1"}, func(name string) string { return c.environment[name] })
			got, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{c.id, c.secret, c.sessionToken}, []string{got.AccessKeyID, got.SecretAccessKey, got.SessionToken}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if *cfg.BaseEndpoint != "http://127.0.0.1:4566" || cfg.Region != "eu-north-1" {
				t.Errorf("it goes to %s in %s", *cfg.BaseEndpoint, cfg.Region)
			}
		})
	}
}

func TestAWSIsUsedWithoutALocalStack(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1")
	withStack := stackAt(t, stackfile.Stack{Endpoint: "http://127.0.0.1:4566", Region: "eu-north-1"})
	for folder, o := range map[string]options{
		t.TempDir(): {Stack: "production"},
		withStack:   {Stack: "production", AWS: true},
	} {
		on, err := connect(t.Context(), o, folder, nothingSet, firstNames)
		if err != nil {
			t.Fatal(err)
		}
		if on.Local || on.Where != "the stack production on AWS in eu-west-1" {
			t.Errorf("it works on %s", on.Where)
		}
	}
}

func TestMissingStackErrorNamesBothWays(t *testing.T) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	_, err := connectFrom(t.Context(), options{Stack: "stille"}, t.TempDir(), t.TempDir(), nothingSet, firstNames)
	if err == nil || !strings.Contains(err.Error(), "make run") || !strings.Contains(err.Error(), "AWS_REGION") {
		t.Errorf("it says %v", err)
	}
	program := stackAt(t, stackfile.Stack{Endpoint: "http://127.0.0.1:4566", Region: "eu-north-1"})
	on, err := connectFrom(t.Context(), options{Stack: "stille"}, t.TempDir(), program, nothingSet, firstNames)
	if err != nil || !on.Local {
		t.Errorf("from another directory: error %v", err)
	}
	if _, err := connectFrom(t.Context(), options{Stack: "stille", AWS: true}, program, program, nothingSet, firstNames); err == nil {
		t.Error("it works on a local stack instead of AWS")
	}
}

func TestSilentLocalStackIsToBeStarted(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	folder := stackAt(t, stackfile.Stack{Endpoint: nobody, Region: "eu-north-1"})
	on, err := connect(t.Context(), options{Stack: "stille"}, folder, nothingSet, firstNames)
	if err != nil {
		t.Fatal(err)
	}
	got := call{stack: on}.run(t, "hold", "list").ended(t, exitFailed)
	if !strings.Contains(got.errors, "does not answer: start it with `make run`") {
		t.Errorf("it says %q", got.errors)
	}
}

func TestFoundStackIsNamed(t *testing.T) {
	folder := stackAt(t, stackfile.Stack{Endpoint: "http://127.0.0.1:1", Region: "eu-north-1"})
	file := filepath.Join(filepath.Dir(filepath.Dir(folder)), stackfile.Path)
	for _, c := range []struct {
		o    options
		says string
	}{
		{options{Stack: "stille"}, "working on the local stack of " + file + "; --aws works on AWS\n"},
		{options{Stack: "stille", Local: file}, ""},
	} {
		on, err := connect(t.Context(), c.o, folder, nothingSet, firstNames)
		if err != nil {
			t.Fatal(err)
		}
		on.rotateKeys = deployment.NewKeys(&rotateKeys{answer: listing}, "unit")
		got := call{stack: on}.run(t, "keys", "list", "--json").ended(t, exitDone)
		if got.errors != c.says || got.out != listing+"\n" {
			t.Errorf("%+v: it says %q and answers %q", c.o, got.errors, got.out)
		}
	}
}

func TestDoctorNamesFilesThatAreNotDeployed(t *testing.T) {
	folder := projectFolder(t)
	on := &stack{Operator: &operator.Operator{
		Config: deployment.NewKeys(&rotateKeys{}, "unit"), ContactKeys: func(context.Context) (*contact.KeySet, error) { return nil, nil },
	}}
	doctor := call{stack: on, folder: folder}
	for _, step := range []struct {
		file, text string
		code       int
		says       []string
	}{
		{"scopes.yaml", scopesText(), exitDone, nil},
		{"scopes.yaml", strings.Replace(scopesText(), "Globex", "Globex 2", 1), exitNo, []string{"infra/scopes.yaml is not what is deployed"}},
		{"retention.yaml", "no policy", exitNo, []string{"infra/retention.yaml is not what is deployed", "infra/scopes.yaml is not what is deployed"}},
	} {
		if err := os.WriteFile(filepath.Join(folder, "infra", step.file), []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := doctor.run(t, "doctor").ended(t, step.code)
		if strings.Count(got.out, "is not what is deployed") != len(step.says) {
			t.Errorf("%s: it answers %q", step.file, got.out)
		}
		for _, says := range step.says {
			if !strings.Contains(got.out, says) {
				t.Errorf("%s: it does not say %q", step.file, says)
			}
		}
	}
}

func TestOtherPolicyThanDeployedIsRemarked(t *testing.T) {
	for name, c := range map[string]struct {
		policy string
		local  bool
		says   bool
	}{
		"the same":            {"", false, false},
		"another":             {strings.ReplaceAll(policyText(), "keep: P6M", "keep: P5M"), false, true},
		"the same on a demo":  {"", true, false},
		"another on the demo": {strings.ReplaceAll(policyText(), "keep: P6M", "keep: P5M"), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			on := &stack{Operator: &operator.Operator{Local: c.local, Config: deployment.NewKeys(&rotateKeys{policy: c.policy}, "unit")}}
			got := call{stack: on}.run(t, "purge", "plan", "letters").ended(t, exitUsage)
			if said := strings.Contains(got.errors, "infra/retention.yaml is not the deployed policy"); said != c.says {
				t.Errorf("it says %q", got.errors)
			}
		})
	}
}
