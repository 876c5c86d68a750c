package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stille/shared/names"
	"stille/shared/purge"
)

func TestMendSaysWhatItRepaired(t *testing.T) {
	m := inMemory(t)
	m.Plant(t, "messaging", map[string]any{
		names.AttrID: "sub-1", names.AttrSubject: "subject-1", names.AttrScope: "acme",
		names.AttrOccurredAt: "2020-01-01T00:00:00Z", names.AttrRetentionStart: "2020-01-01T00:00:00Z",
	})
	folder := t.TempDir()
	run := func(args ...string) call {
		return call{stack: m.stack(), folder: folder}.run(t, args...)
	}
	got := run("mend", "messaging").ended(t, exitDone)
	if want := "scanned    1\nstamped    1\nwithdrawn  0\nclaimed    1\n"; got.out != want {
		t.Errorf("it says %q", got.out)
	}
	again := answers[purge.Mended](t, run("mend", "messaging", "--json").ended(t, exitDone))[0]
	if again != (purge.Mended{Scanned: 1}) {
		t.Errorf("the second time: %+v", again)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, error %v", len(left), err)
	}
	if got := run("mend", "nothing").ended(t, exitUsage); !strings.Contains(got.errors, "messaging") {
		t.Errorf("it says %q", got.errors)
	}
	if err := os.WriteFile(filepath.Join(folder, "mend-messaging.progress"), []byte(`{"class":"contact"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	run("mend", "messaging").ended(t, exitUsage)
}

func TestMendGivesAStampedRecordItsSlot(t *testing.T) {
	m := inMemory(t)
	m.Plant(t, "messaging", map[string]any{ // as a restore of the table of slots leaves it
		names.AttrID: "sub-1", names.AttrSubject: "subject-1", names.AttrScope: "acme", names.AttrOccurredAt: "2025-01-01T00:00:00Z",
		names.AttrRetentionStart: "2025-01-01T00:00:00Z", names.AttrRetentionSort: "2025-01-01T00:00:00Z", names.AttrRetentionShard: "07",
	})
	run := func() purge.Mended {
		t.Helper()
		return answers[purge.Mended](t, call{stack: m.stack(), folder: t.TempDir()}.run(t, "mend", "messaging", "--json").ended(t, exitDone))[0]
	}
	for _, want := range []purge.Mended{{Scanned: 1, Claimed: 1}, {Scanned: 1}} {
		if got := run(); got != want {
			t.Errorf("it did %+v, want %+v", got, want)
		}
	}
}
