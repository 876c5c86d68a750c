package local

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNewPlaceSweepsOnlyWhatKilledStacksLeft(t *testing.T) {
	root := t.TempDir()
	running, _ := sleeper(t)
	killed := running
	killed.Started = "another time"
	for name, record := range map[string]process{"test-running": running, "test-killed": killed, "run": killed} {
		folder := filepath.Join(root, ".local", name)
		if err := os.MkdirAll(folder, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := writeJSON(filepath.Join(folder, processFile), record); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, ".local", "test-just-made"), 0o750); err != nil {
		t.Fatal(err)
	}

	place, err := Passing(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"test-running":              true,
		"test-killed":               false,
		"run":                       true,
		"test-just-made":            true,
		filepath.Base(place.Folder): true,
	} {
		_, err := os.Stat(filepath.Join(root, ".local", name))
		if got := err == nil; got != want {
			t.Errorf("%s is there: %t, want %t", name, got, want)
		}
	}
}
