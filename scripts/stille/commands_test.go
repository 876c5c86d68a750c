package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"stille/shared/operator/files"
	"stille/shared/suppression/suppressiontest"
)

func TestNoCommandPrintsHelpAndIsBadUsage(t *testing.T) {
	got := call{}.run(t).ended(t, exitUsage)
	if !strings.Contains(got.out, "Usage: stille <command>") {
		t.Errorf("it says %q", got.out)
	}
}

func TestHelpIsACommandToo(t *testing.T) {
	got := call{}.run(t, "help", "purge", "run").ended(t, exitDone)
	if !strings.Contains(got.out, "Usage: stille purge run") {
		t.Errorf("it says %q", got.out)
	}
}

func TestHelpNeedsNoCorrectArgument(t *testing.T) {
	for _, line := range []string{"import none.csv", "keys destroy contact KEYID", "report --month MONTH", "subject proof none.json"} {
		got := call{}.run(t, append(strings.Fields(line), "--help")...).ended(t, exitDone)
		if !strings.Contains(got.out, "Usage: stille "+strings.Fields(line)[0]) {
			t.Errorf("%s --help says %q", line, got.out)
		}
	}
}

func TestVersionIsPrinted(t *testing.T) {
	got := call{}.run(t, "--version").ended(t, exitDone)
	if !strings.HasPrefix(got.out, "stille ") || got.errors != "" {
		t.Errorf("it says %q and %q", got.out, got.errors)
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	parser, err := kong.New(&commands{}, variables())
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Leaves(false) {
		args := append(strings.Fields(command.Path()), "--help")
		got := call{}.run(t, args...).ended(t, exitDone)
		if !strings.Contains(got.out, "Usage: stille "+args[0]) || !strings.Contains(got.out, "--json") || got.errors != "" {
			t.Errorf("%v says %q and %q", args, got.out, got.errors)
		}
	}
}

func TestEveryHelpTextIsOfACommand(t *testing.T) {
	for _, section := range strings.Split("\n"+helpTexts, "\n# ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		args := append(strings.Fields(strings.TrimPrefix(title, "stille")), "--help")
		got := call{}.run(t, args...).ended(t, exitDone)
		begin := strings.Join(strings.Fields(text)[:3], " ")
		if all := strings.Join(strings.Fields(got.out), " "); !strings.Contains(all, begin) || strings.Contains(all, "${") {
			t.Errorf("the help of %q says %q, want %q", title, got.out, begin)
		}
	}
}

func TestBadUsageIsNamedWithItsExitCode(t *testing.T) {
	for _, c := range []struct {
		name, says string
		args       []string
	}{
		{"an unknown command", "unexpected argument delete", []string{"delete"}},
		{"an unknown command of a command", "unexpected argument undo", []string{"purge", "undo"}},
		{"no such channel", `must be one of "email","sms"`, []string{"normalise", "fax", "1"}},
		{"no period", "--keep", []string{"due", "2024-08-31"}},
		{"an unknown class", "the deployed policy has no such class; it has communication, messaging, contact, service", []string{"purge", "plan", "letters"}},
		{"an unknown class to run", "it has communication, messaging, contact, service", []string{"purge", "run", "letters"}},
		{"an unknown scope", "there are acme, acme/newsletter, globex, and * for all", []string{"add", "email", "a@example.no", "--scope", "acne"}},
		{"an unknown scope of a tool", "--scopes: there is no such scope", []string{"tool", "add", "crm", "--rights", "check", "--scopes", "acme,acne"}},
		{"an unknown right", "must be one of", []string{"tool", "add", "crm", "--rights", "check,fly", "--scopes", "acme"}},
		{"a tool without a name one can write", "<name>: must be 1 to 64 characters", []string{"tool", "add", "the crm", "--rights", "check", "--scopes", "acme"}},
		{"no scope where there are several brands", "more than one brand: acme, acme/newsletter, globex, or *", []string{"add", "email", "a@example.no"}},
		{"an unknown reason", "must be one of", []string{"add", "email", "a@example.no", "--scope", "acme", "--reason", "bored"}},
		{"a reason that only an erasure has", "must be one of", []string{"add", "email", "a@example.no", "--scope", "acme", "--reason", "erasure"}},
		{"an opt-out before computers", "--at: must not be before 1970", []string{"add", "email", "a@example.no", "--scope", "acme", "--at", "1969-12-31T00:00:00Z"}},
		{"an invalid time", "--at: must be a time like 2026-11-20T08:00:00Z", []string{"add", "email", "a@example.no", "--scope", "acme", "--at", "yesterday"}},
		{"a note that tells a story", "--note: must be 1 to 64 characters", []string{"add", "email", "a@example.no", "--scope", "acme", "--note", "she called"}},
		{"an invalid address to add", "the address cannot be read: no @", []string{"add", "email", "a", "--scope", "acme"}},
		{"a purge of yesterday", "--at: must be in the future", []string{"purge", "run", "messaging", "--at", "2026-11-21T00:00:00Z"}},
		{"a hold on nothing", "--contact CHANNEL ADDRESS, --record CLASS ID or --file FILE", []string{"hold", "set", "--case", "1", "--reason", "r"}},
		{"a hold on a missing file", "--file: there is no such file", []string{"hold", "set", "--case", "1", "--reason", "r", "--file", "none.csv"}},
		{"a hold on half a contact", "needs two values, CHANNEL ADDRESS", []string{"hold", "set", "--contact", "email", "--case", "1", "--reason", "r"}},
		{"a hold on half a record", "needs two values, CLASS ID", []string{"hold", "set", "--case", "1", "--reason", "r", "--record", "messaging"}},
		{"a hold on an unknown channel", "must be email or sms", []string{"hold", "set", "--case", "1", "--reason", "r", "--contact", "fax", "1"}},
		{"a hold on an unknown class", "--record: the deployed policy has no such class", []string{"hold", "set", "--case", "1", "--reason", "r", "--record", "letters", "l-1"}},
		{"a hold on an address as an id", "--record: the id must not look like", []string{"hold", "set", "--case", "1", "--reason", "r", "--record", "messaging", "kari@example.no"}},
		{"a case that tells a story", "--case: must be 1 to 64 characters", []string{"hold", "set", "--case", "Kari Nordmann", "--reason", "r", "--record", "messaging", "sub-81"}},
		{"an erasure of what is no address", "the address cannot be read: no @", []string{"subject", "erase", "email", "kari"}},
		{"an erasure of nobody", "say CHANNEL ADDRESS, or --file FILE", []string{"subject", "erase"}},
		{"an erasure of half a contact", "say CHANNEL ADDRESS, or --file FILE", []string{"subject", "erase", "email"}},
		{"an erasure in no region", "--region: must be two letters", []string{"subject", "erase", "--file", "commands_test.go", "--region", "NOR"}},
		{"an erasure of a channel of a file", "say CHANNEL ADDRESS, or --file FILE", []string{"subject", "erase", "email", "--file", "commands_test.go"}},
		{"an erasure with a story", "--case: must be 1 to 64 characters", []string{"subject", "erase", "email", "a@example.no", "--case", "she called"}},
		{"a restriction without a case", "missing flags: --case=ID", []string{"subject", "restrict", "email", "a@example.no", "--reason", "r"}},
		{"an import for an unknown scope", "there are acme, acme/newsletter, globex, and * for all", []string{"import", "commands_test.go", "--scope", "acne", "--dry-run"}},
		{"an import of nothing", "there is no such file", []string{"import", "/nowhere.csv", "--dry-run"}},
		{"a scrub for an unknown scope", "there are acme, acme/newsletter, globex, and * for all", []string{"scrub", "commands_test.go", "--scope", "acne"}},
		{"a scrub for an unknown channel", "must be one of", []string{"scrub", "commands_test.go", "--channel", "fax"}},
		{"an export to a spreadsheet", "must end in .csv, .ndjson or .jsonl", []string{"export", "list.xlsx"}},
		{"a local stack and AWS", "can't be used together", []string{"hold", "list", "--aws", "--stack-file", "commands_test.go"}},
		{"a folder without a certificate", "fetches all files", []string{"certificate", "verify", "/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := call{}.run(t, c.args...).ended(t, exitUsage)
			if !strings.Contains(got.errors, c.says) || got.out != "" {
				t.Errorf("it says %q and answers %q, want %q and nothing", got.errors, got.out, c.says)
			}
		})
	}
}

func TestWrongArgumentsAreRefusedWithoutAStack(t *testing.T) {
	receipt := filepath.Join(t.TempDir(), "receipt.json")
	if err := os.WriteFile(receipt, []byte(`{"asked":"export"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		says string
		args []string
	}{
		{"a key's id is 8 hexadecimal digits", []string{"keys", "destroy", "contact", "nonsense"}},
		{"must be 1 to 64 characters", []string{"tool", "revoke", "the crm"}},
		{"--scope is given twice", []string{"add", "email", "kari@example.no", "--scope", "acme", "--scope", "globex"}},
		{"--scopes is empty", []string{"tool", "add", "crm", "--rights", "check", "--scopes", ""}},
		{"due after the year 9999", []string{"due", "--keep", "P1Y", "9999-06-30"}},
		{"<run> is empty", []string{"purge", "stop", ""}},
		{"<class> is empty", []string{"mend", ""}},
		{"must be one of", []string{"hook", "add", "carrier", "acme"}},
		{"must be one of", []string{"hook", "test", "carrier", "acme"}},
		{"the secret cannot be used", []string{"hook", "add", "sendgrid", "acme"}},
		{"the secret cannot be used", []string{"hook", "add", "standard", "acme", "--secret", "whsec_"}},
		{"must begin with https://", []string{"webhook", "add", "ftp://receiver.example/"}},
		{"must look like https://", []string{"webhook", "remove", "receiver"}},
		{"there is no such file", []string{"hold", "list", "--stack-file", "none.json"}},
		{"there is no certificate.json in this folder", []string{"certificate", "verify", "commands_test.go"}},
		{"a plan's hash has 64 characters", []string{"purge", "approve", "3f1"}},
		{"say which run", []string{"purge", "show", "--list"}},
		{"--rate", []string{"mend", "messaging", "--rate=-5"}},
		{"say --events SINCE as well", []string{"replay", "--rate", "5"}},
		{"--month: a month is four digits", []string{"report", "--month", "2026-13"}},
		{"say what to hold", []string{"hold", "set", "--case", "1", "--reason", "r"}},
		{"it is a folder", []string{"hold", "set", "--case", "1", "--reason", "r", "--file", "."}},
		{"there is no such file", []string{"subject", "proof", "none.json"}},
		{"no receipt of `stille subject erase`", []string{"subject", "proof", receipt}},
		{"must not look like an e-mail address", []string{"proof", "messaging", "kari@example.no"}},
		{"the address cannot be read", []string{"add", "email", "kari"}},
		{"the address cannot be read", []string{"release", "sms", "12", "--scope", "acme", "--consented-at", "2026-01-01T00:00:00Z", "--evidence", "e"}},
		{"the address cannot be read", []string{"subject", "erase", "email", "kari"}},
		{"--region: must be two letters", []string{"check", "sms", "91234567", "--region", "Norway"}},
		{"--region: must be two letters", []string{"normalise", "sms", "91234567", "--region", "Norway"}},
		{"--region: must be two letters", []string{"scrub", "commands_test.go", "--region", "Norway"}},
		{"--map: must be COLUMN=FIELD", []string{"import", "commands_test.go", "--map", "Avmeldt=day"}},
		{"must be one of", []string{"import", "commands_test.go", "--reason", "erasure"}},
		{"there is no such file", []string{"import", "none.csv"}},
		{"there is no such file", []string{"scrub", "none.csv"}},
		{"must end in .csv", []string{"export", "list.xlsx"}},
	} {
		t.Run(strings.Join(c.args[:2], " "), func(t *testing.T) {
			if got := (call{closed: true}).run(t, c.args...).ended(t, exitUsage); !strings.Contains(got.errors, c.says) || got.out != "" {
				t.Errorf("it says %q and answers %q, want %q and nothing", got.errors, got.out, c.says)
			}
		})
	}
}

func TestNoErrorRepeatsAnAddressOrANumber(t *testing.T) {
	for _, args := range [][]string{
		{"kari.secret@example.no"},
		{"normalise", "kari.secret@example.no"},
		{"normalise", "email", "--kari.secret@example.no"},
		{"normalise", "email", "--region=NO", "--json=kari.secret@example.no"},
		{"check", "kari.secret@example.no"},
		{"check", "+4791234567"},
		{"check", "912 34 567"},
		{"check", "email", "x@example.no", "kari.secret@example.no"},
		{"check", "email", "kari.secret@@example.no"},
		{"check", "email", "kari.secret@example.no", "--scope", "kari.secret@example.no"},
		{"check", "email", "kari.secret@example.no", "--purpose", "kari.secret@example.no"},
		{"check", "email", "-kari.secret@example.no"},
		{"check", "sms", "--region", "NOR", "91234567"},
		{"add", "email", "kari.secret@@example.no", "--scope", "acme"},
		{"add", "email", "x@example.no", "--scope", "acme", "--note", "kari.secret@example.no"},
		{"add", "email", "x@example.no", "--scope", "acme", "--at", "kari.secret@example.no"},
		{"hold", "set", "--case", "1", "--reason", "kari.secret@example.no", "--record", "messaging", "sub-81"},
		{"hold", "set", "--case", "1", "--reason", "r", "--record", "messaging", "kari.secret@example.no"},
		{"hold", "set", "--case", "1", "--reason", "r", "--record", "kari.secret@example.no", "sub-81"},
		{"hold", "set", "--case", "1", "--reason", "r", "--contact", "kari.secret@example.no", "email"},
		{"hold", "set", "--case", "1", "--reason", "r", "--contact", "email", "kari.secret@example.no", "kari.secret@example.no"},
		{"due", "--keep", "kari.secret@example.no", "2024-08-31"},
		{"due", "--keep", "P6M", "--zone", "kari.secret@example.no"},
		{"due", "--keep", "P6M", "kari.secret@example.no"},
		{"purge", "run", "kari.secret@example.no"},
		{"subject", "erase", "kari.secret@example.no"},
		{"subject", "erase", "email", "kari.secret@@example.no"},
		{"subject", "erase", "email", "x@example.no", "--case", "kari.secret@example.no"},
		{"subject", "restrict", "email", "kari.secret@example.no", "--reason", "r"},
		{"subject", "export", "sms", "--region", "NOR", "91234567"},
		{"import", "commands_test.go", "--scope", "kari.secret@example.no"},
		{"scrub", "commands_test.go", "--scope", "kari.secret@example.no"},
		{"tool", "add", "kari.secret@example.no", "--rights", "kari.secret@example.no", "--scopes", "acme"},
		{"tool", "add", "crm", "--rights", "check", "--scopes", "kari.secret@example.no"},
	} {
		got := call{}.run(t, args...)
		said := got.out + got.errors
		if strings.Contains(said, "secret") || strings.Contains(said, "1234") || strings.Contains(said, "912 34") || said == "" {
			t.Errorf("%v: it says %q", args, said)
		}
	}
}

func TestCheckOfAnInvalidAddressAnswersNo(t *testing.T) {
	got := call{}.run(t, "check", "email", "kari", "--scope", "acme", "--json").ended(t, exitNo)
	if got.out != `{"send":false,"reason":"invalid-address"}`+"\n" {
		t.Errorf("it answers %q", got.out)
	}
}

func TestAnUnopenedStackIsAFailure(t *testing.T) {
	got := call{closed: true}.run(t, "hold", "list").ended(t, exitFailed)
	if got.errors != "stille: this test has no stack\n" {
		t.Errorf("it says %q", got.errors)
	}
}

func TestErrorsAreJSONWhereTheAnswerIs(t *testing.T) {
	for _, args := range [][]string{{"purge", "plan", "letters", "--json"}, {"purge", "fly", "--json"}} {
		got := call{}.run(t, args...).ended(t, exitUsage)
		var failed struct {
			Error string
			Exit  int
		}
		if err := json.Unmarshal([]byte(got.errors), &failed); err != nil || failed.Error == "" || failed.Exit != exitUsage || got.out != "" {
			t.Errorf("%v: %q, error %v", args, got.errors, err)
		}
	}
}

func TestAnInterruptedCommandSaysWhatIsDone(t *testing.T) {
	m := inMemory(t)
	old := fileOf(t, "old.csv", "email\n"+strings.Repeat("kari@example.no\n", files.ImportAtOnce+1))
	ctx, interrupt := context.WithCancel(t.Context())
	var calls atomic.Int32 // of several rows at the same time
	m.List.Before = func(ctx context.Context, _ suppressiontest.Call) error {
		if calls.Add(1) > files.ImportAtOnce {
			interrupt()
			return fmt.Errorf("operation error DynamoDB: TransactWriteItems: %w", ctx.Err())
		}
		return nil
	}
	var out, said strings.Builder
	on := m.stack()
	code := run(ctx, []string{"import", old, "--scope", "acme"}, session{
		stdout: &out, stderr: &said, now: func() time.Time { return at }, folder: t.TempDir(), opened: on,
	})
	want := "stille: interrupted; the first 500 rows are done: the same command goes on from there\n"
	if code != exitFailed || said.String() != want {
		t.Errorf("it ends in %d and says %q, want %q", code, said.String(), want)
	}
}

func TestWordsAreCompleted(t *testing.T) {
	for line, want := range map[string]string{
		"pur":                     "purge",
		"purge ":                  "plan run approve stop show",
		"purge r":                 "run",
		"scrub spring.csv --ch":   "--channel",
		"scrub --channel ":        "email sms",
		"scrub --channel e":       "email",
		"check ":                  "email sms",
		"check email ":            "",
		"check --scope acme e":    "email",
		"scrub --phone-column Mo": "",
		"nothing ":                "",
	} {
		got := call{}.run(t, append([]string{"complete", "--"}, strings.Split(line, " ")...)...).ended(t, exitDone)
		if words := strings.Join(strings.Fields(got.out), " "); words != want && (line != "nothing " || !strings.Contains(words, "purge")) {
			t.Errorf("%q is completed by %q, want %q", line, words, want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if got := (call{}).run(t, "completion", shell).ended(t, exitDone); !strings.Contains(got.out, "stille complete --") {
			t.Errorf("for %s it prints %q", shell, got.out)
		}
	}
}
