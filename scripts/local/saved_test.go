package local

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/scripts/stackfile"
)

func TestSavedStateMovesToAnotherPort(t *testing.T) {
	p := near(t)
	p.File, p.Port = p.path("stack.json"), 4567
	saved := p.path("state", "sqs.json")
	if err := os.Mkdir(p.path("state"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(saved, []byte(`["http://localhost:4566/1/q", "127.0.0.1:4566", "localhost:45660", "kari:4566"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ before, want string }{
		{"", `["http://localhost:4566/1/q", "127.0.0.1:4566", "localhost:45660", "kari:4566"]`},
		{address(4566), `["http://localhost:4567/1/q", "127.0.0.1:4567", "localhost:45660", "kari:4566"]`},
		{address(4567), `["http://localhost:4567/1/q", "127.0.0.1:4567", "localhost:45660", "kari:4566"]`},
	} {
		if step.before != "" {
			if err := writeJSON(p.File, stackfile.Stack{Endpoint: step.before}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.moveSaved(); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(saved)
		if err != nil || string(got) != step.want {
			t.Errorf("after %q: %s, error %v, want %s", step.before, got, err, step.want)
		}
	}
}

func TestOnlyStreamPositionsLeaveTheSavedState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lambda.json")
	if err := forgetStreams(file); err != nil {
		t.Errorf("without a saved state: %v", err)
	}
	const saved = `{"__ministack_format__":2,"payload":{"functions":{"a":1.50},"dynamodb_stream_positions":{"data":{"x":40}},"esms":[]}}`
	if err := os.WriteFile(file, []byte(saved), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := forgetStreams(file); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"__ministack_format__": 2.0, "payload": map[string]any{"functions": map[string]any{"a": 1.5}, "esms": []any{}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := forgetStreams(file); err == nil {
		t.Error("a state that cannot be read was taken")
	}
}
