package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stille/scripts/stackfile"
)

func TestDataStaysOnItsPort(t *testing.T) {
	p := near(t)
	p.File, p.Port = filepath.Join(t.TempDir(), "stack.json"), 4567
	if err := p.keepsPort(); err != nil {
		t.Errorf("without a stack file: %v", err)
	}
	if err := writeJSON(p.File, stackfile.Stack{Endpoint: address(4566)}); err != nil {
		t.Fatal(err)
	}
	if err := p.keepsPort(); err == nil || !strings.Contains(err.Error(), "127.0.0.1:4566") {
		t.Errorf("another port: %v", err)
	}
	p.Port = 4566
	if err := p.keepsPort(); err != nil {
		t.Errorf("the same port: %v", err)
	}
	p.Port, p.Folder = 4567, p.path("removed")
	if err := p.keepsPort(); err != nil {
		t.Errorf("a removed folder: %v", err)
	}
}

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
