//go:build store

package vectorstest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"stille/shared/sdk/vectorstest"
)

// Each of the other SDKs has a test runner, which asks the server that is named
// in its environment. It needs what scripts/setup sdk installs.
func TestTheOtherSDKsPassTheirTests(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	tools := filepath.Join(root, ".local", "sdk")
	python := filepath.Join(tools, "venv", "bin", "python")
	for name, command := range map[string][]string{
		"python":     {python, "-W", "error", "-m", "unittest", "discover", "-s", "tests", "-t", "."},
		"typescript": {"node", "--test", "test/"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, url := serve(t)
			run := exec.CommandContext(t.Context(), command[0], command[1:]...)
			run.Dir = filepath.Join(root, "shared", "sdk", name)
			run.Env = append(os.Environ(), "STILLE_VECTORS="+url, "STILLE_VECTORS_KEY="+vectorstest.Key,
				"PYTHONDONTWRITEBYTECODE=1", "NODE_PATH="+filepath.Join(tools, "npm", "node_modules"))
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, tail(string(out)))
			}
		})
	}
}

func tail(out string) string { return out[max(0, len(out)-8000):] }

func TestTheVectorsAreWhatTheGeneratorWrites(t *testing.T) {
	want, err := exec.CommandContext(t.Context(), "python3", "generate.py").Output()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("vectors.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Error("run: python3 shared/sdk/vectorstest/generate.py >shared/sdk/vectorstest/vectors.ndjson")
	}
}
