package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fileOf writes a file for a test.
func fileOf(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADryRunNamesRejectsAndWritesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		line, why string
		args      []string
	}{
		"all that there may be":         {"email,kari@example.no,acme/newsletter,complaint,2026-11-20T08:00:00+01:00,old/crm-1", "", nil},
		"nothing but a contact":         {"email,kari@example.no,,,,", "", []string{"--scope", "acme"}},
		"a channel in capitals":         {"SMS,+4791234567,*,,,", "", nil},
		"a number without its country":  {"sms,912 34 567,acme,,,", "", []string{"--region", "NO"}},
		"a date":                        {"email,kari@example.no,acme,,2026-11-20,", "", nil},
		"today":                         {"email,kari@example.no,acme,,2026-11-22,", "", nil},
		"no channel":                    {",kari@example.no,acme,,,", "channel: must be email or sms", nil},
		"no address":                    {"email,,acme,,,", "address: no @", nil},
		"an address that is none":       {"email,kari.secret,acme,,,", "address: no @", nil},
		"a number of no country":        {"sms,912 34 567,acme,,,", "address: a number without + or 00 needs a region", nil},
		"letters of another time":       {"email,k\xe5re@example.no,acme,,,", "address: not UTF-8", nil},
		"no scope":                      {"email,kari@example.no,,,,", "scope: missing, and --scope is not given; there are acme, acme/newsletter, globex, and * for all", nil},
		"an unknown scope":              {"email,kari@example.no,secret,,,", "scope: there is no such scope; there are acme, acme/newsletter, globex, and * for all", nil},
		"an unknown reason":             {"email,kari@example.no,acme,secret,,", "reason: must be unsubscribed, stop, objection, manual, imported, complaint or hard-bounce", nil},
		"an erasure":                    {"email,kari@example.no,acme,erasure,,", "reason: an erasure is asked for with `stille subject erase`", nil},
		"tomorrow":                      {"email,kari@example.no,acme,,2026-11-23,", "since: must not be in the future, nor before 1970", nil},
		"in a minute":                   {"email,kari@example.no,acme,,2026-11-22T03:01:00Z,", "since: must not be in the future, nor before 1970", nil},
		"the day of nothing":            {"email,kari@example.no,acme,,1900-01-01,", "since: must not be in the future, nor before 1970", nil},
		"a time without its zone":       {"email,kari@example.no,acme,,2026-11-20 08:00:00,", "since: must be a time like 2026-11-20T08:00:00Z, or a date like 2026-11-20", nil},
		"a source that tells a story":   {"email,kari@example.no,acme,,,kari.secret@example.no", "source: must be 1 to 64 characters of A-Za-z0-9._:/-", nil},
		"a line that is no line at all": {"kari.secret@example.no", "1 fields, where the header has 6", nil},
	} {
		t.Run(name, func(t *testing.T) {
			file := fileOf(t, "old.csv", "channel,address,scope,reason,since,source\n"+c.line+"\nemail,ola@example.no,globex,,,\n")
			got := call{}.run(t, slices.Concat([]string{"import", file, "--dry-run"}, c.args)...)
			want := "a dry run, nothing is changed\n\nlines      2\nvalid      2\nrejected   0\n"
			if c.why != "" {
				got.ended(t, exitFailed)
				want = "a dry run, nothing is changed\n\nlines      2\nvalid      1\nrejected   1\n  1: " + c.why + " (first in line 2)\n"
			} else {
				got.ended(t, exitDone)
			}
			if diff := cmp.Diff(want, got.out); diff != "" || strings.Contains(got.errors, "secret") {
				t.Errorf("it says %q (-want +got)\n%s", got.errors, diff)
			}
			if files, err := filepath.Glob(file + ".*"); err != nil || len(files) > 0 {
				t.Errorf("it wrote %v", files)
			}
		})
	}
}

// contentOf reads a file that a command wrote, "-" where there is none.
func contentOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestABadFileLeavesNothingBehind(t *testing.T) {
	old := fileOf(t, "old.csv", "channel,scope\nemail,acme\n")
	inMemory(t).run(t, "import", old).ended(t, exitUsage)
	if files, err := filepath.Glob(old + ".*"); err != nil || len(files) > 0 {
		t.Errorf("it wrote %v, error %v", files, err)
	}
}
