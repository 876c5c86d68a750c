package wiring

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"stille/shared/api/gateway"
	"stille/shared/aws/lambdafn"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope/scopetest"
)

// container returns a container with these environment variables.
func container(variables map[string]string) *lambdafn.Container {
	return &lambdafn.Container{
		Env:   lambdafn.NewReader(func(name string) (string, bool) { value, ok := variables[name]; return value, ok }),
		AWS:   aws.Config{Region: "eu-north-1"},
		Log:   slog.New(slog.DiscardHandler),
		Stack: "unit",
	}
}

func TestLinksAreServedWhereEverythingIsConfigured(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string][]byte{names.ScopesFile: scopetest.File(), names.RetentionFile: retentiontest.File()} {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := container(map[string]string{names.VarTaskRoot: root, names.VarWaitingQueue: "https://queue"})
	serve, ok := links(deps(c, time.Now), contact.SMS).(func(context.Context, gateway.Request) (gateway.Response, error))
	if err := c.Env.Err(); err != nil || !ok {
		t.Fatalf("error %v, or no handler", err)
	}
	// A path that is no link is refused without a look at any key.
	var req gateway.Request
	req.RequestContext.HTTP.Method, req.RawPath = "GET", "/x"
	if resp, err := serve(t.Context(), req); err != nil || resp.StatusCode != 404 {
		t.Errorf("status %d, error %v", resp.StatusCode, err)
	}
}

func TestLinksNameAllThatIsMissing(t *testing.T) {
	c := container(map[string]string{names.VarTaskRoot: t.TempDir()})
	links(deps(c, time.Now), contact.Email)
	for _, missing := range []string{names.VarWaitingQueue, names.ScopesFile, names.RetentionFile} {
		if err := c.Env.Err(); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("error %v does not name %s", err, missing)
		}
	}
}
