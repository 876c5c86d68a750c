package door_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"stille/shared/apigw"
	"stille/shared/contact"
	"stille/shared/door"
	"stille/shared/env"
	"stille/shared/schema"
	"stille/shared/start"
)

// container is one that is configured with these variables.
func container(variables map[string]string) *start.Container {
	return &start.Container{
		Env:   env.NewReader(func(name string) (string, bool) { value, ok := variables[name]; return value, ok }),
		AWS:   aws.Config{Region: "eu-north-1"},
		Log:   slog.New(slog.DiscardHandler),
		Stack: "unit",
	}
}

func TestADoorOpensWhereEverythingIsConfigured(t *testing.T) {
	scopes, err := os.ReadFile(filepath.Join("..", "..", "infra", schema.ScopesFile))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, schema.ScopesFile), scopes, 0o600); err != nil {
		t.Fatal(err)
	}
	c := container(map[string]string{schema.VarTaskRoot: root, schema.VarWaitingQueue: "https://queue"})
	serve, ok := door.Of(contact.SMS, time.Now)(c).(func(context.Context, apigw.Request) (apigw.Response, error))
	if err := c.Env.Err(); err != nil || !ok {
		t.Fatalf("error %v, or no handler", err)
	}
	// The wrong channel's door is closed without a look at any key.
	var req apigw.Request
	req.RequestContext.HTTP.Method, req.RawPath = "GET", "/e/x"
	if resp, err := serve(t.Context(), req); err != nil || resp.StatusCode != 404 {
		t.Errorf("status %d, error %v", resp.StatusCode, err)
	}
}

func TestADoorSaysAllThatIsMissing(t *testing.T) {
	c := container(map[string]string{schema.VarTaskRoot: t.TempDir()})
	door.Of(contact.Email, time.Now)(c)
	for _, missing := range []string{schema.VarWaitingQueue, schema.ScopesFile} {
		if err := c.Env.Err(); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("error %v does not name %s", err, missing)
		}
	}
}
