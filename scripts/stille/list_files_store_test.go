//go:build store

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/operator/files"
	"stille/shared/suppression"
)

func (d *deployed) entries(t *testing.T, address string) []ledger.Entry {
	t.Helper()
	entries, err := d.suppressions.History(t.Context(), d.key(t, contact.Email, address))
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestAListIsImportedCheckedScrubbedAndExported(t *testing.T) {
	d := deploy(t)
	old := fileOf(t, "old.csv", "\ufeffaddress;channel;scope;reason;since;source\r\n"+
		"Kari@Example.no;email;acme;unsubscribed;2026-11-20;old/crm\r\n"+
		"91234567;sms;;stop;2026-11-21T08:00:00+01:00;\r\n"+
		"nobody.secret;email;acme;;;\r\n"+
		"ola@example.no;email;*;;;\r\n")
	got := d.run(t, "import", old, "--scope", "globex", "--region", "NO").ended(t, exitFailed)
	rejected := files.RejectsOf(old)
	want := "used       address, channel, reason, scope, since, source\nlines      4\ntaken      3\nadded      3\nrenewed    0, suppressed before by an older event\n" +
		"noted      0, as newer consent is known\nunchanged  0, as an event as new or newer was known\ndoubts     0\nrejected   1\n  1: address: no @ (first in line 4)\n\n" +
		"next: correct " + rejected + ", then stille import " + rejected + "\n"
	if diff := cmp.Diff([]string{want, "stille: lines that were not taken: 1\n"}, []string{got.out, got.errors}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if rejects := contentOf(t, rejected); rejects != "\ufeffreject-reason;address;channel;scope;reason;since;source\r\nline 4: address: no @;nobody.secret;email;acme;;;\r\n" {
		t.Errorf("the rejects are %q", rejects)
	}
	for args, want := range map[string]string{
		"email kari@example.no --scope acme/newsletter": "do not send: unsubscribed in acme since 2026-11-20T22:59:59Z\n",
		"email kari@example.no --scope globex":          "send\n",
		"sms +4791234567 --scope globex":                "do not send: stop in globex since 2026-11-21T07:00:00Z\n",
		"email ola@example.no --scope acme":             "do not send: imported in * since 2026-11-22T03:00:00Z\n",
	} {
		if got := d.run(t, append([]string{"check"}, strings.Fields(args)...)...).ended(t, codeOf(want)); got.out != want {
			t.Errorf("check %s: %q, want %q", args, got.out, want)
		}
	}
	if entries := d.entries(t, "kari@example.no"); len(entries) != 1 || entries[0].Source != "import:old/crm" {
		t.Errorf("the ledger says %+v", entries)
	}

	spring := fileOf(t, "spring.csv", "name;email;phone\r\nKari;kari@example.no;\r\n\"Liv; the first\";Liv@Example.no;+47 911 11 111\r\n"+
		"Ola;ola@example.no;\r\nEva;eva@example.no;91234567\r\nMix;mix@example.no;n/a\r\nNobody;;\r\nOdd;odd.example;\r\n\"Bad;bad@example.no;\r\nLast;last@example.no;")
	scrubbed := d.run(t, "scrub", spring, "--scope", "globex", "--region", "NO").ended(t, exitDone)
	clean, suppressed := files.Beside(spring, "clean"), files.Beside(spring, "suppressed")
	wantAnswer := "used       email, phone\nnot used   name\nas of       2026-11-22T03:00:00Z\nlines       9\nclean       3\nsuppressed  6\n  1: imported\n  3: invalid-address\n  1: stop\n  1: unreadable-line\n\n" +
		clean + "\n" + suppressed + "\n"
	if diff := cmp.Diff([]string{wantAnswer, ""}, []string{scrubbed.out, scrubbed.errors}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	wantClean := "name;email;phone\r\nKari;kari@example.no;\r\n\"Liv; the first\";Liv@Example.no;+47 911 11 111\r\nLast;last@example.no;"
	if diff := cmp.Diff(wantClean, contentOf(t, clean)); diff != "" {
		t.Errorf("clean (-want +got)\n%s", diff)
	}
	wantSuppressed := "reason;name;email;phone\r\nimported;Ola;ola@example.no;\r\nstop;Eva;eva@example.no;91234567\r\ninvalid-address;Mix;mix@example.no;n/a\r\ninvalid-address;Nobody;;\r\n" +
		"invalid-address;Odd;odd.example;\r\nunreadable-line;\"Bad;bad@example.no;\r\n"
	if diff := cmp.Diff(wantSuppressed, contentOf(t, suppressed)); diff != "" {
		t.Errorf("suppressed (-want +got)\n%s", diff)
	}
	d.run(t, "scrub", spring, "--scope", "globex", "--channel", "email").ended(t, exitDone)
	if content := contentOf(t, clean); !strings.Contains(content, "eva@") {
		t.Errorf("for e-mail alone clean is %q", content)
	}

	list := filepath.Join(t.TempDir(), "list.csv")
	exported := d.run(t, "export", list).ended(t, exitDone)
	if exported.out != "contacts  3\nlines     3, without a header\n\n"+list+"\n" || exported.errors != "" {
		t.Errorf("it says %q and %q", exported.out, exported.errors)
	}
	lines := strings.SplitAfter(contentOf(t, list), "\n")
	wantLines := []string{
		"key,channel,scope,reason,first,last,source,released,mergedInto\n",
		string(d.key(t, contact.Email, "kari@example.no")) + ",email,acme,unsubscribed,2026-11-20T22:59:59Z,2026-11-20T22:59:59Z,import:old/crm,,\n",
		string(d.key(t, contact.SMS, "+4791234567")) + ",sms,globex,stop,2026-11-21T07:00:00Z,2026-11-21T07:00:00Z,import,,\n",
		string(d.key(t, contact.Email, "ola@example.no")) + ",email,*,imported,2026-11-22T03:00:00Z,2026-11-22T03:00:00Z,import,,\n", "",
	}
	slices.Sort(lines)
	slices.Sort(wantLines)
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Errorf("exported (-want +got)\n%s", diff)
	}
}

// importAt runs an import at a time, and returns its answer, what it said and
// its error.
func (d *deployed) importAt(t *testing.T, file string, now time.Time) (files.Imported, string, error) {
	t.Helper()
	var out, said strings.Builder
	s := session{stdout: &out, stderr: &said, folder: projectFolder(t), now: func() time.Time { return now }, opened: d.on, options: options{JSON: true}}
	d.on.Now = s.now
	c := importCmd{File: file}
	failed := c.Run(t.Context(), &s, d.on.Operator)
	var answer files.Imported
	if err := json.Unmarshal([]byte(out.String()), &answer); err != nil && out.Len() > 0 {
		t.Fatalf("%v: %s", err, out.String())
	}
	return answer, said.String(), failed
}

func TestARepeatedImportChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		more   string // a line that is rejected
		before bool
	}{"all of it": {"", true}, "with rejects": {`{"channel":"fax"}` + "\n", false}} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t)
			old := fileOf(t, "old.ndjson", `{"channel":"email","address":"kari@example.no","scope":"acme"}`+"\n"+c.more)
			if first, _, _ := d.importAt(t, old, at); first.Added != 1 || first.Before {
				t.Fatalf("the first time: %+v", first)
			}
			d.release(t, at.Add(time.Hour))
			rejects := contentOf(t, files.RejectsOf(old))
			again, _, err := d.importAt(t, old, at.Add(48*time.Hour))
			if again.Before != c.before || (err == nil) != c.before || !again.Started.Equal(at) {
				t.Errorf("again: %+v, error %v", again, err)
			}
			if diff := cmp.Diff(rejects, contentOf(t, files.RejectsOf(old))); diff != "" || strings.Contains(rejects, "fax") != (c.more != "") {
				t.Errorf("rejects (-before +again)\n%s", diff)
			}
			if entries := d.entries(t, "kari@example.no"); len(entries) != 2 {
				t.Errorf("the ledger has %d entries", len(entries))
			}
			if got := d.run(t, "check", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone); got.out != "send\n" {
				t.Errorf("after consent, and the same import again, a check says %q", got.out)
			}
			// Another list of the same name is news.
			if err := os.WriteFile(old, []byte(`{"channel":"email","address":"kari@example.no","scope":"acme"} `), 0o600); err != nil {
				t.Fatal(err)
			}
			other, _, err := d.importAt(t, old, at.Add(96*time.Hour))
			if other.Before || other.Added != 1 || err != nil || contentOf(t, files.RejectsOf(old)) != "-" {
				t.Errorf("another list: %+v, error %v, rejects %q", other, err, contentOf(t, files.RejectsOf(old)))
			}
		})
	}
}

// release lets newer consent of Kari's be shown.
func (d *deployed) release(t *testing.T, consented time.Time) {
	t.Helper()
	_, err := d.suppressions.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{d.key(t, contact.Email, "kari@example.no")}}, suppression.Change{
		Action: suppression.Release, Scope: "acme", Reason: suppression.Imported, At: consented, Source: suppression.SourceOperator,
	}, consented)
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnInterruptedImportContinues(t *testing.T) {
	d := deploy(t)
	var b strings.Builder
	b.WriteString("channel,address,scope\n")
	const lines = files.ImportAtOnce + 55
	for n := range lines {
		if n%125 == 0 {
			b.WriteString("email,nobody,acme\n")
			continue
		}
		fmt.Fprintf(&b, "email,somebody-%d@example.no,acme\n", n)
	}
	old := fileOf(t, "old.csv", b.String())
	// The network fails after some transactions, once the list has more contacts
	// than before them.
	fails := func(after int32, before int) {
		var writes atomic.Int32 // of many rows each, at the same time
		d.on.Suppressions = dynamo.NewSuppressions(dynamotest.Intercept(dynamotest.Client(t), func(operation string) error {
			if operation != "TransactWriteItems" || writes.Add(1) <= after {
				return nil
			}
			for contacts := 0; contacts <= before; {
				contacts = 0
				if err := d.suppressions.Each(t.Context(), func(suppression.Item, error) error { contacts++; return nil }); err != nil {
					return err
				}
			}
			return errors.New("the network is down")
		}), d.name)
	}
	const transactions = files.ImportAtOnce / 50
	for n, c := range []struct {
		after  int32
		before int
		says   string
	}{
		{2, 0, "the first 0 rows are done: the same command goes on from there"},
		{transactions + 1, files.ImportAtOnce - files.ImportAtOnce/125, "the first 500 rows are done: the same command goes on from there"},
	} {
		fails(c.after, c.before)
		_, said, err := d.importAt(t, old, at.Add(time.Duration(n)*time.Hour))
		if err == nil || !strings.Contains(err.Error(), "the network is down; "+c.says) || said != "" {
			t.Fatalf("it says %q, error %v", said, err)
		}
	}
	d.on.Suppressions = d.suppressions
	answer, said, err := d.importAt(t, old, at.Add(72*time.Hour))
	if err == nil || answer.Lines != lines || answer.Rejected != lines/125+1 || answer.Added+answer.Same != lines-answer.Rejected || said != "going on behind row 500\n" {
		t.Errorf("it says %q and answers %+v, error %v", said, answer, err)
	}
	if answer.Same == 0 || answer.Renewed != 0 || !answer.Started.Equal(at) {
		t.Errorf("what was written before it was cut off was written again: %+v", answer)
	}
	rejects := contentOf(t, files.RejectsOf(old))
	if strings.Count(rejects, "\n") != answer.Rejected+1 || !strings.HasPrefix(rejects, "reject-reason,channel,address,scope\nline 2: ") || !strings.Contains(rejects, "\nline 502: ") {
		t.Errorf("the rejects are %q", rejects)
	}
	if got := d.run(t, "check", "email", fmt.Sprintf("somebody-%d@example.no", lines-1)).ended(t, exitNo); got.out == "send\n" {
		t.Error("the last line was not taken")
	}
}

func TestADoubtfulLineIsNeverClean(t *testing.T) {
	d := deploy(t)
	kari := d.key(t, contact.Email, "kari@example.no")
	dynamotest.Put(t, dynamotest.Client(t), d.name.Table(names.TableSuppressions), map[string]any{"key": string(kari), "marks": "none"})
	list := fileOf(t, "list.ndjson", `{"channel":"email","address":"kari@example.no","age":7}`+"\n"+`{"channel":`+"\n"+`{"channel":"Email","address":"ola@example.no"}`)
	d.run(t, "scrub", list, "--purpose", "transactional").ended(t, exitDone)
	if clean := contentOf(t, files.Beside(list, "clean")); clean != `{"channel":"Email","address":"ola@example.no"}` {
		t.Errorf("clean is %q", clean)
	}
	want := `{"reason":"unreadable","channel":"email","address":"kari@example.no","age":7}` + "\n" + `{"reason":"unreadable-line","line":"{\"channel\":"}` + "\n"
	if diff := cmp.Diff(want, contentOf(t, files.Beside(list, "suppressed"))); diff != "" {
		t.Errorf("suppressed (-want +got)\n%s", diff)
	}
	exported := filepath.Join(t.TempDir(), "list.ndjson")
	got := d.run(t, "export", exported).ended(t, exitFailed)
	if content := contentOf(t, exported); content != `{"key":"`+string(kari)+`","channel":"","scope":"*","reason":"unreadable","source":""}`+"\n" || !strings.Contains(got.errors, "cannot be read: 1") {
		t.Errorf("it says %q and exported %s", got.errors, content)
	}
	if got := d.run(t, "import", fileOf(t, "old.csv", "channel,address,scope\nemail,kari@example.no,acme\nemail,ola@example.no,acme\n")).ended(t, exitFailed); !strings.Contains(got.out, "added      1\n") ||
		!strings.Contains(got.out, "1: what is stored of this contact cannot be read") {
		t.Errorf("an import says\n%s", got.out)
	}

	// A list that does not answer leaves no file, not even an older one.
	down := dynamotest.Intercept(dynamotest.Client(t), func(operation string) error {
		if operation == "BatchGetItem" || operation == "Scan" {
			return errors.New("the network is down")
		}
		return nil
	})
	d.suppressions = dynamo.NewSuppressions(down, d.name)
	d.on.Suppressions = d.suppressions
	d.useKeys()
	d.run(t, "scrub", list).ended(t, exitFailed)
	d.run(t, "export", exported).ended(t, exitFailed)
	left, err := filepath.Glob(filepath.Join(filepath.Dir(list), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("there are %v", left)
	}
	if content := contentOf(t, exported); !strings.Contains(content, "unreadable") {
		t.Errorf("the older export is %q", content)
	}
}

func TestFilesThatCannotBeUsedAreNamed(t *testing.T) {
	d := deploy(t)
	for says, args := range map[string][]string{
		"there is no such file":                        {"import", "/nowhere.csv"},
		"there is no such file; x":                     {"scrub", "/nowhere.csv"},
		"no column names contacts":                     {"import", fileOf(t, "x.csv", "channel,scope\n")},
		"no column names contacts; x":                  {"scrub", fileOf(t, "x.csv", "channel,name\n")},
		"the name must end in .csv, .ndjson or .jsonl": {"export", "/nowhere.xlsx"},
	} {
		says, _, _ = strings.Cut(says, ";")
		if got := d.run(t, args...).ended(t, exitUsage); !strings.Contains(got.errors, says) {
			t.Errorf("%v says %q, want %q", args, got.errors, says)
		}
	}
}
