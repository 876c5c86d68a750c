package local

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
