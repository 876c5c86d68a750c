//go:build stack

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/scripts/local"
	"stille/scripts/stackfile"
	"stille/shared/aws/keyring"
	"stille/shared/names"
)

// deployed is the stack of all tests of this package: one deploy serves them.
var deployed struct {
	root  string
	place local.Place
	stack stackfile.Stack
}

func TestMain(m *testing.M) { os.Exit(onAStack(m)) }

func onAStack(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "no stack to test on:", err)
		return 1
	}
	var err error
	if deployed.root, err = local.Root(); err != nil {
		return fail(err)
	}
	if deployed.place, err = local.Passing(deployed.root); err != nil {
		return fail(err)
	}
	deployed.place.Enforcing = true // a role that lacks a right, or has one too many, fails a test
	defer func() {
		if err := local.Down(deployed.place); err != nil {
			fmt.Fprintln(os.Stderr, "ending the test's stack:", err)
		}
	}()
	if deployed.stack, err = local.Up(context.Background(), deployed.place, os.Stderr); err != nil {
		return fail(err)
	}
	return m.Run()
}

func tellNew(t *testing.T, out io.Writer) *story {
	t.Helper()
	s, err := newStory(deployed.root, deployed.place.File, deployed.stack, out)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *story) newPerson(name string) person {
	return person{email: name + "." + s.id + "@example.no", sms: "+4793" + s.id}
}

func TestStoryIsTrueEveryTime(t *testing.T) {
	for range 2 {
		var out bytes.Buffer
		began := time.Now()
		if err := tellNew(t, &out).tell(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		tellNew(t, io.Discard).expectPicturedNumbers(t, began)
	}
}

func TestSecondDeployKeepsDataAndKeys(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("stays")
	if err := s.optOut(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	again, err := local.Up(t.Context(), deployed.place, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if again.APIKey != deployed.stack.APIKey || again.Links != deployed.stack.Links {
		t.Error("the key or the links' address changed")
	}
	if err := s.expect(t.Context(), p, false, false); err != nil {
		t.Error(err)
	}
	answer, err := s.api.get(t.Context(), s.links[0])
	if err != nil || answer.status != http.StatusOK {
		t.Errorf("an old link answers %d, error %v", answer.status, err)
	}
}

// The test replaces the contact keys and restores them.
func TestForeignKeySetAnswersNobody(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("foreign")
	if err := s.optOut(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	cfg := s.stack.Config()
	secrets, functions := secretsmanager.NewFromConfig(cfg), lambda.NewFromConfig(cfg)
	name := aws.String(names.DefaultStack.ContactKeys())
	before, err := secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: name})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := keyring.NewContactSecret()
	if err != nil {
		t.Fatal(err)
	}
	restart := func(secret *string) {
		t.Helper()
		if _, err := secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: name, SecretString: secret}); err != nil {
			t.Fatal(err)
		}
		function := aws.String(names.DefaultStack.Function(names.Check))
		got, err := functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: function})
		if err != nil {
			t.Fatal(err)
		}
		// A new environment is a new container.
		got.Environment.Variables["RESTARTED"] = time.Now().String()
		if _, err := functions.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: function, Environment: &lambdatypes.Environment{Variables: got.Environment.Variables},
		}); err != nil {
			t.Fatal(err)
		}
	}
	restart(&foreign)
	_, err = s.api.check(t.Context(), s.stack.Scope, p.contacts())
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("with foreign keys: error %v, want 503", err)
	}
	if _, err := s.operator(t.Context(), "doctor", "--json"); err == nil || !strings.Contains(err.Error(), "other contact keys") {
		t.Errorf("with foreign keys the doctor says %v", err)
	}
	restart(before.SecretString)
	if err := s.expect(t.Context(), p, false, false); err != nil {
		t.Errorf("with its own keys again: %v", err)
	}
}
