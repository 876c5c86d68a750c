package wiring

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/aws/lambdafn"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope/scopetest"
	"stille/shared/webhook"
)

// container returns a container with these environment variables.
func container(variables map[string]string) *lambdafn.Container {
	return &lambdafn.Container{
		Env:   lambdafn.NewReader(func(name string) (string, bool) { value, ok := variables[name]; return value, ok }),
		AWS:   aws.Config{Region: "eu-north-1"},
		Log:   slog.New(slog.DiscardHandler),
		Stack: names.Deployed{Stack: "unit"},
	}
}

// none is a registry without a webhook.
func none(context.Context) (webhook.Registry, error) { return nil, nil }

func TestLinksAreServedWhereEverythingIsConfigured(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string][]byte{names.ScopesFile: scopetest.File(), names.RetentionFile: retentiontest.File()} {
		if err := os.WriteFile(filepath.Join(root, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := container(map[string]string{names.VarTaskRoot: root, names.VarOutageQueue: "https://queue", names.VarWebhookQueue: "https://webhooks"})
	serve, ok := links(deps(c, time.Now), contact.SMS, none).(gateway.Handler)
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

// hangs never answers.
type hangs struct{}

func (hangs) Do(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestCallOnHangingStoreEndsInFiveSeconds(t *testing.T) {
	key, _, err := access.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := container(nil)
		c.AWS.HTTPClient, c.AWS.Credentials = hangs{}, credentials.NewStaticCredentialsProvider("test", "test", "")
		handler := serve(c, time.Now, func(Deps) api.Call { return nil })
		start := time.Now()
		resp, err := handler(context.Background(), gateway.Request{Headers: map[string]string{"authorization": "Bearer " + key}})
		if took := time.Since(start); err != nil || resp.StatusCode != http.StatusServiceUnavailable || took > 5*time.Second {
			t.Errorf("status %d after %v, error %v", resp.StatusCode, took, err)
		}
	})
}

func TestLinksNameAllThatIsMissing(t *testing.T) {
	c := container(map[string]string{names.VarTaskRoot: t.TempDir()})
	links(deps(c, time.Now), contact.Email, none)
	for _, missing := range []string{names.VarOutageQueue, names.VarWebhookQueue, names.ScopesFile, names.RetentionFile} {
		if err := c.Env.Err(); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("error %v does not name %s", err, missing)
		}
	}
}
