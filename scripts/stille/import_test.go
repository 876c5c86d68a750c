package main

import (
	"errors"
	"fmt"
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
		line       string
		doubt, why string
		args       []string
	}{
		"all that there may be":         {line: "email,kari@example.no,acme/newsletter,complaint,2026-11-20T08:00:00+01:00,old/crm-1"},
		"nothing but a contact":         {line: "email,kari@example.no,,,,", args: []string{"--scope", "acme"}},
		"a channel in capitals":         {line: "SMS,+4791234567,*,,,"},
		"a channel in other words":      {line: "Mobile,+4791234567,*,,,"},
		"a number without its country":  {line: "sms,912 34 567,acme,,,", args: []string{"--region", "NO"}},
		"a date":                        {line: "email,kari@example.no,acme,,2026-11-20,"},
		"today":                         {line: "email,kari@example.no,acme,,2026-11-22,"},
		"a time without its zone":       {line: "email,kari@example.no,acme,,2026-11-20 08:00:00,"},
		"no channel":                    {line: ",kari@example.no,acme,,,"},
		"another channel":               {line: "fax,kari@example.no,acme,,,", why: "channel: must be email or sms"},
		"no address":                    {line: "email,,acme,,,", why: "address: there is none"},
		"an invalid address":            {line: "email,kari.secret,acme,,,", why: "address: no @"},
		"a number of no country":        {line: "sms,912 34 567,acme,,,", why: "address: a number without + or 00 needs a region"},
		"letters of another time":       {line: "email,k\xe5re@example.no,acme,,,", doubt: "address: letters that are not UTF-8 were read as an older encoding; save the file as CSV UTF-8 and import it again"},
		"no scope":                      {line: "email,kari@example.no,,,,", why: "scope: missing, and --scope is not given; there are acme, acme/newsletter, globex, and * for all"},
		"an unknown scope":              {line: "email,kari@example.no,secret,,,", why: "scope: there is no such scope; there are acme, acme/newsletter, globex, and * for all"},
		"a line that is no line at all": {line: "kari.secret@example.no", why: "1 fields, where the first line has 6"},
		"an unknown reason":             {line: "email,kari@example.no,acme,secret,,", doubt: "reason: cannot be read; taken as imported, as of now"},
		"an erasure":                    {line: "email,kari@example.no,acme,erasure,,", doubt: "reason: taken as imported; an erasure is asked for with `stille subject erase`"},
		"tomorrow":                      {line: "email,kari@example.no,acme,,2026-11-23,", doubt: "since: lies in the future; taken as of now"},
		"in a minute":                   {line: "email,kari@example.no,acme,,2026-11-22T03:01:00Z,", doubt: "since: lies in the future; taken as of now"},
		"the day of nothing":            {line: "email,kari@example.no,acme,,1900-01-01,", doubt: "since: cannot be read; taken as of now"},
		"no time":                       {line: "email,kari@example.no,acme,,secret,", doubt: "since: cannot be read; taken as of now"},
		"a source that tells a story":   {line: "email,kari@example.no,acme,,,kari.secret@example.no", doubt: "source: must be 1 to 64 characters of A-Za-z0-9._:/-; left out"},
	} {
		t.Run(name, func(t *testing.T) {
			file := fileOf(t, "old.csv", "channel,address,scope,reason,since,source\n"+c.line+"\nemail,ola@example.no,globex,,,\n")
			got := call{}.run(t, slices.Concat([]string{"import", file, "--dry-run"}, c.args)...)
			taken, rejected, doubts := 2, "0", "0"
			code := exitDone
			if c.doubt != "" {
				doubts = "1\n  1: " + c.doubt + " (first in line 2)"
			}
			if c.why != "" {
				code, taken, rejected = exitFailed, 1, "1\n  1: "+c.why+" (first in line 2)"
			}
			got.ended(t, code)
			want := fmt.Sprintf("a dry run, nothing is changed\n\nused       address, channel, reason, scope, since, source\nlines      2\ntaken      %d\ndoubts     %s\nrejected   %s\n", taken, doubts, rejected)
			if diff := cmp.Diff(want, got.out); diff != "" || strings.Contains(got.errors, "secret") {
				t.Errorf("it says %q (-want +got)\n%s", got.errors, diff)
			}
			if files, err := filepath.Glob(strings.TrimSuffix(file, ".csv") + ".*"); err != nil || len(files) != 1 {
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
	if files, err := filepath.Glob(strings.TrimSuffix(old, ".csv") + ".*"); err != nil || len(files) != 1 {
		t.Errorf("it wrote %v, error %v", files, err)
	}
}

func TestFlagsThatContradictEachOtherAreRefused(t *testing.T) {
	file := fileOf(t, "list.csv", "Email,Other,When,Then\nkari@example.no,ola@example.no,2026-01-01,2026-01-02\n")
	for _, flags := range [][]string{
		{"scrub", file, "--email-column", "Email", "--ignore-column", "email"},
		{"scrub", file, "--email-column", "Other", "--phone-column", "Other"},
		{"import", file, "--email-column", "Other", "--ignore-column", "Other"},
		{"import", file, "--map", "Other=email", "--ignore-column", "Other"},
		{"import", file, "--email-column", "Other", "--map", "When=since", "--map", "Then=since"},
	} {
		got := call{}.run(t, append(flags, "--scope", "acme")...).ended(t, exitUsage)
		if !strings.Contains(got.errors, "another flag says otherwise") || got.out != "" {
			t.Errorf("%v: it says %q", flags[2:], got.errors)
		}
	}
}
