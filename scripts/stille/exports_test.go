package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/scope"
)

// sample is a file as another system exports it, and what it must lead to.
type sample struct {
	File, Command string
	Args          []string
	Counts        map[string]int
	Suppressed    []struct {
		Channel               contact.Channel
		Address               string
		Scope                 scope.Scope
		Reason, Since, Source string
	}
	MustSend, Before, Clean []string
	Exit                    int
}

// copyOf copies a file of testdata to a folder where a command may write.
func copyOf(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "exports", name))
	if err != nil {
		t.Fatal(err)
	}
	return fileOf(t, name, string(content))
}

func TestSamplesOfOtherSystemsAreTaken(t *testing.T) {
	content, err := os.ReadFile("testdata/exports/exports.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples []sample
	if err := json.Unmarshal(content, &samples); err != nil {
		t.Fatal(err)
	}
	for _, c := range samples {
		t.Run(c.File, func(t *testing.T) {
			m := inMemory(t)
			for _, address := range c.Before {
				m.run(t, "add", channelOfText(address), address, "--scope", "acme").ended(t, exitDone)
			}
			file := copyOf(t, c.File)
			got := m.run(t, append([]string{c.Command, file, "--json"}, c.Args...)...).ended(t, c.Exit)
			var counts map[string]any
			if err := json.Unmarshal([]byte(got.out), &counts); err != nil && c.Exit != exitUsage {
				t.Fatal(err)
			}
			for name, want := range c.Counts {
				if counts[name] != float64(want) {
					t.Errorf("%s is %v, want %d; it answers %s", name, counts[name], want, got.out)
				}
			}
			for _, want := range c.Suppressed {
				d := decisionOf(t, m, want.Channel, want.Address, string(want.Scope))
				since := want.Since == "any" || slices.ContainsFunc(strings.Split(want.Since, "|"), func(text string) bool {
					return text == d.Since.Format(time.RFC3339) || text == "now" && d.Since.Equal(at)
				})
				if d.Send || d.Scope != want.Scope || !slices.Contains(strings.Split(want.Reason, "|"), d.Reason) || !since {
					t.Errorf("%s since %s in %s, want %s since %s", d.Reason, d.Since, d.Scope, want.Reason, want.Since)
				}
			}
			for _, address := range c.MustSend {
				if d := decisionOf(t, m, contact.Email, address, "acme"); !d.Send {
					t.Errorf("a person who is not meant is suppressed: %s", d.Reason)
				}
			}
			if c.Command != "scrub" {
				return
			}
			clean := contentOf(t, files.Beside(file, "clean"))
			if c.Exit != exitDone {
				if clean != "-" {
					t.Error("there is a clean file")
				}
				return
			}
			for _, address := range c.Before {
				if strings.Contains(clean, address) {
					t.Errorf("clean is %q", clean)
				}
			}
			for _, address := range c.Clean {
				if !strings.Contains(clean, address) {
					t.Errorf("clean is %q", clean)
				}
			}
		})
	}
}

func channelOfText(address string) string {
	if strings.Contains(address, "@") {
		return "email"
	}
	return "sms"
}

// decisionOf asks about a contact.
func decisionOf(t *testing.T, m memory, ch contact.Channel, address, scope string) operator.Decision {
	t.Helper()
	code := exitNo
	got := m.run(t, "check", string(ch), address, "--scope", scope, "--json")
	d := answers[operator.Decision](t, got)[0]
	if d.Send {
		code = exitDone
	}
	got.ended(t, code)
	return d
}

func TestAnExportedListIsImportedByKey(t *testing.T) {
	for _, name := range []string{"list.csv", "list.ndjson"} {
		t.Run(name, func(t *testing.T) {
			m := inMemory(t)
			kari := func(args ...string) {
				m.run(t, append(args, "email", "kari@example.no", "--scope", "acme")...).ended(t, exitDone)
			}
			m.run(t, "add", "sms", "+4791200102", "--scope", "*", "--reason", "complaint").ended(t, exitDone)
			m.run(t, "add", "email", "old@example.no", "--scope", "globex", "--at", "2026-11-20T08:00:00Z").ended(t, exitDone)
			m.Rotate()
			m.run(t, "add", "email", "old@example.no", "--scope", "acme", "--reason", "objection").ended(t, exitDone)
			kari("add", "--at", "2026-11-18T08:00:00Z")
			kari("release", "--consented-at", "2026-11-19T08:00:00Z", "--evidence", "form/1")
			kari("add", "--reason", "stop", "--at", "2026-11-20T08:00:00Z")
			per := func(args ...string) {
				m.run(t, append(args, "email", "per@example.no", "--scope", "acme")...).ended(t, exitDone)
			}
			per("add", "--at", "2026-11-18T08:00:00Z")
			per("release", "--consented-at", "2026-11-19T08:00:00Z", "--evidence", "form/2")
			asked := func() (said []string) {
				for _, who := range [][2]string{{"sms", "+4791200102"}, {"email", "old@example.no"}, {"email", "kari@example.no"}, {"email", "per@example.no"}, {"email", "nobody@example.no"}} {
					for _, scope := range []string{"acme", "acme/newsletter", "globex", "*"} {
						said = append(said, m.run(t, "check", who[0], who[1], "--scope", scope).out)
					}
				}
				return said
			}
			before, list := asked(), filepath.Join(t.TempDir(), name)
			m.run(t, "export", list).ended(t, exitDone)

			m.run(t, "import", list).ended(t, exitDone) // into the same list
			if diff := cmp.Diff(before, asked()); diff != "" {
				t.Errorf("into the same list (-before +after)\n%s", diff)
			}
			m.List.Clear()
			for range 2 { // the second time after a kill that left no progress
				if err := os.RemoveAll(list + ".progress"); err != nil {
					t.Fatal(err)
				}
				m.run(t, "import", list).ended(t, exitDone)
				if diff := cmp.Diff(before, asked()); diff != "" {
					t.Errorf("into an emptied list (-before +after)\n%s", diff)
				}
			}
			// An opt-out that stands is not lifted by a release in the file.
			m.List.Clear()
			per("add", "--at", "2026-11-18T08:00:00Z")
			m.run(t, "import", list, "--region", "NO").ended(t, exitDone) // other flags: not the import of before
			if d := decisionOf(t, m, contact.Email, "per@example.no", "acme"); d.Send {
				t.Error("an import lifted an opt-out")
			}
			inMemory(t).run(t, "import", list).ended(t, exitFailed) // other contact keys
		})
	}
}

func TestScopeExportHasWhatStopsItsMessages(t *testing.T) {
	m := inMemory(t)
	for _, scope := range []string{"acme", "acme/newsletter", "globex", "*"} {
		m.run(t, "add", "email", "kari@example.no", "--scope", scope).ended(t, exitDone)
	}
	list := filepath.Join(t.TempDir(), "list.csv")
	for scope, want := range map[string]string{"acme": "*,acme,acme/newsletter", "acme/newsletter": "*,acme,acme/newsletter", "globex": "*,globex", "*": "*,acme,acme/newsletter,globex"} {
		m.run(t, "export", list, "--scope", scope).ended(t, exitDone)
		var scopes []string
		for line := range strings.Lines(contentOf(t, list)) {
			if fields := strings.Split(line, ","); fields[2] != "scope" {
				scopes = append(scopes, fields[2])
			}
		}
		slices.Sort(scopes)
		if got := strings.Join(scopes, ","); got != want {
			t.Errorf("of %s it has %s, want %s", scope, got, want)
		}
	}
	m.run(t, "export", list, "--scope", "acne").ended(t, exitUsage)
}

func TestListsOfEveryShapeAreReadOrRefused(t *testing.T) {
	const people = "Name,Email,Mobile\nA,ok@list.example,+4791200102\nB,fine@list.example,+4791200103\n"
	for name, c := range map[string]struct {
		file, content string
		args          string
		code          int
		says          []string // of the answer, or of the error
		suppressed    string   // contacts, and nobody else
	}{
		"a column to decide about":      {"a.csv", people, "import", exitUsage, []string{`"Mobile" looks like phone numbers`, `--phone-column "Mobile"`}, ""},
		"both are taken":                {"a.csv", people, "import --phone-column Mobile", exitDone, []string{"used       Email, Mobile as phone\nnot used   Name\n"}, "ok@list.example fine@list.example +4791200102 +4791200103"},
		"a column that is ignored":      {"a.csv", people, "import --ignore-column mobile", exitDone, nil, "ok@list.example fine@list.example"},
		"a column that is not there":    {"a.csv", people, "import --phone-column Phone", exitUsage, []string{"--phone-column: the file has no such column; it has Name, Email, Mobile"}, ""},
		"a field that is not there":     {"a.csv", people, "import --map Email=mail", exitUsage, []string{"must be COLUMN=FIELD"}, ""},
		"numbers alone are decided":     {"a.csv", "Name,Tlf\nA,912 00 102\n", "scrub", exitUsage, []string{`--phone-column "Tlf"`}, ""},
		"no header, two kinds":          {"a.csv", "A,ok@list.example,+4791200102\n", "scrub", exitUsage, []string{`"column 3" looks like phone numbers`}, ""},
		"an address that would be lost": {"a.csv", "email,note,x\nok@list.example,,\nfine@list.example,a,\nmore@list.example,b,\nlast@list.example,other@list.example,\n", "import", exitUsage, []string{`"note" looks like addresses`}, ""},
		"numbers without their plus":    {"a.csv", "email,kontakt\nok@list.example,4791200102\n", "import --region NO", exitUsage, []string{`"kontakt" looks like phone numbers`}, ""},
		"numbers that are no phone's":   {"a.csv", "email,longitude,ip,id,day\nok@list.example,0.1278123,192.168.10.25,1234567890123,2023-11-02\n", "scrub --region SE", exitDone, []string{"clean       1\n"}, ""},
		"a street beside a number":      {"a.csv", "phone,Address\n+4791200102,Storgata 1\n", "import", exitDone, []string{"not used   Address\n"}, "+4791200102"},
		"nobody":                        {"a.csv", "email,reason\n", "import", exitDone, []string{"lines      0\n"}, ""},
		"nothing":                       {"a.csv", "", "import", exitUsage, []string{"the file is empty"}, ""},
		"no contacts":                   {"a.csv", "name,city\nKari,Oslo\n", "import", exitUsage, []string{"no column names contacts", "the columns are name, city"}, ""},
		"a spreadsheet":                 {"a.xlsx", "PK\x03\x04", "import", exitUsage, []string{"save it as CSV UTF-8"}, ""},
		"End User Messaging": {"a.json", `{"OptOutListName":"x","OptedOutNumbers":[{"OptedOutNumber":"+4791200102","OptedOutTimestamp":1709251199.5,"EndUserOptedOut":true}]}`,
			"import", exitDone, []string{"OptedOutTimestamp as since"}, "+4791200102"},
		"a page of numbers":     {"a.json", `{"phoneNumbers":["+4791200102"],"nextToken":"x"}`, "import", exitDone, []string{"the list is not whole"}, "+4791200102"},
		"lists in lists":        {"a.json", `[{"list":"spring","members":[{"email":"ok@list.example"},{"email":"fine@list.example"}]}]`, "import", exitDone, nil, "ok@list.example fine@list.example"},
		"half a document":       {"a.json", `[{"email":"ok@list.example"},`, "import", exitUsage, []string{"cannot be read as JSON"}, ""},
		"an empty document":     {"a.json", `{"SuppressedDestinationSummaries":[]}`, "import", exitDone, []string{"lines      0\n"}, ""},
		"two documents":         {"a.json", `{"phoneNumbers":["+4791200102"]}` + "\n" + `{"phoneNumbers":["+4791200103"]}`, "import", exitDone, nil, "+4791200102 +4791200103"},
		"a status of yes":       {"a.csv", "Email,Unsubscribed from all email\nok@list.example,true\nfine@list.example,false\n", "import", exitDone, []string{"taken      1\n", "skipped    1,"}, "ok@list.example"},
		"an old encoding":       {"a.csv", "E-post;Navn\nok@list.example;Bj\xf8rn\n", "import", exitDone, nil, "ok@list.example"},
		"a column twice":        {"a.csv", "email,email\nok@list.example,fine@list.example\n", "import", exitDone, nil, "ok@list.example fine@list.example"},
		"numbers of a region":   {"a.txt", "91200102\n91200103\n", "import --channel sms --region NO", exitDone, nil, "+4791200102 +4791200103"},
		"half of a row":         {"a.csv", "email,phone\nok@list.example,n/a\n", "import", exitFailed, []string{"rejected   1\n"}, "ok@list.example"},
		"a guarded address":     {"a.csv", "email\n\"=\"\"ok@list.example\"\"\"\n'fine@list.example\n", "import", exitDone, nil, "ok@list.example fine@list.example"},
		"two in one cell":       {"a.csv", "email\n\"ok@list.example, Fine <fine@list.example>\"\n", "import", exitDone, nil, "ok@list.example fine@list.example"},
		"a trailing dot":        {"a.csv", "email\nok@list.example.\n", "import", exitFailed, []string{"address: "}, ""},
		"the month comes first": {"a.csv", "Email,Unsubscribe Date\nok@list.example,11/02/2023\nfine@list.example,12/31/2023 11:59 PM\n", "import", exitDone, []string{"doubts     0\n"}, "ok@list.example fine@list.example"},
	} {
		t.Run(name, func(t *testing.T) {
			m := inMemory(t)
			file := fileOf(t, c.file, c.content)
			command, flags, _ := strings.Cut(c.args, " ")
			got := m.run(t, append([]string{command, file, "--scope", "acme"}, strings.Fields(flags)...)...).ended(t, c.code)
			for _, says := range c.says {
				if !strings.Contains(got.out+got.errors, says) {
					t.Errorf("it says %q and %q, want %q", got.out, got.errors, says)
				}
			}
			silent := 0
			for _, item := range m.List.Items() {
				silent += len(item.Marks)
			}
			want := strings.Fields(c.suppressed)
			for _, address := range want {
				if d := decisionOf(t, m, contact.Channel(channelOfText(address)), address, "acme"); d.Send {
					t.Error("a contact of the list is not suppressed")
				}
			}
			if silent != len(want) {
				t.Errorf("%d contacts are suppressed, want %d", silent, len(want))
			}
		})
	}
}

func TestCorrectedRejectsAreImportedAsTheyAre(t *testing.T) {
	for name, content := range map[string]string{
		"old.csv":    "\ufeffemail;reason;since\r\nnope;unsubscribed;2023-11-02\r\nok@list.example;stop;2023-11-02\r\n",
		"bare.txt":   "ok@list.example\nnope\n",
		"old.ndjson": `{"email":"ok@list.example"}` + "\n" + `{"email":"nope"}` + "\n",
		"ses.json":   `{"SuppressedDestinationSummaries":[{"EmailAddress":"nope","Reason":"BOUNCE"},{"EmailAddress":"ok@list.example","Reason":"BOUNCE"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			m := inMemory(t)
			file := fileOf(t, name, content)
			m.run(t, "import", file, "--scope", "acme").ended(t, exitFailed)
			rejects := files.RejectsOf(file)
			if err := os.WriteFile(rejects, []byte(strings.Replace(contentOf(t, rejects), "nope", "now@list.example", 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			m.run(t, "import", rejects, "--scope", "acme").ended(t, exitDone)
			for _, address := range []string{"ok@list.example", "now@list.example"} {
				if d := decisionOf(t, m, contact.Email, address, "acme"); d.Send {
					t.Errorf("of %q one was not taken; the rejects are %q", content, contentOf(t, rejects))
				}
			}
		})
	}
}
