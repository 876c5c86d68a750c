package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/operator"
)

// rowOf is what a test expects of a row.
type rowOf struct {
	Line   int
	Fields string // in the order of the columns, joined with |; or why there are none
	Raw    string
}

func readAll(t *testing.T, f *List) []rowOf {
	t.Helper()
	var rows []rowOf
	for {
		r, err := f.Next()
		if errors.Is(err, io.EOF) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		one := rowOf{Line: r.Line, Raw: string(r.Raw)}
		if r.Err != nil {
			one.Fields = "error: " + r.Err.Error()
		} else {
			one.Fields = f.Field(r, "channel") + "|" + f.Field(r, "address")
		}
		rows = append(rows, one)
	}
}

// open opens a file with this content.
func open(t *testing.T, name, content string, ends Ends) *List {
	t.Helper()
	f, err := tryOpen(t, name, content, ends)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func tryOpen(t *testing.T, name, content string, ends Ends) (*List, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenList(path, ends)
	if err == nil {
		t.Cleanup(f.Close)
	}
	return f, err
}

func TestFilesOfSpreadsheetsAndToolsAreRead(t *testing.T) {
	const badQuotes = "error: a quote is at the wrong place, or not closed"
	for _, c := range []struct {
		name, file string
		content    string
		rows       []rowOf
	}{
		{"plain CSV, without an end of its last line", "x.csv", "channel,address\nemail,a@x.no\nsms,+471",
			[]rowOf{{2, "email|a@x.no", "email,a@x.no\n"}, {3, "sms|+471", "sms,+471"}}},
		{"a Norwegian spreadsheet: byte order mark, semicolons, CRLF, a row of nothing", "x.csv",
			"\ufeffaddress; channel \r\na@x.no;email\r\n;\r\n\r\nb@x.no;email\r\n",
			[]rowOf{{2, "email|a@x.no", "a@x.no;email\r\n"}, {5, "email|b@x.no", "b@x.no;email\r\n"}}},
		{"tabs, in a file of any name", "x.txt", "channel\taddress\nemail\ta@x.no\n", []rowOf{{2, "email|a@x.no", "email\ta@x.no\n"}}},
		{"quotes", "x.csv", "\"channel\",\"address\"\n\"email\",\"\"\"a\"\"@x.no\"\n", []rowOf{{2, `email|"a"@x.no`, "\"email\",\"\"\"a\"\"@x.no\"\n"}}},
		{"a quote that is not closed spoils its own line", "x.csv", "channel,address\nemail,\"a@x.no\nemail,b@x.no\nemail,c@x.no\"\nemail,d@x.no\n",
			[]rowOf{{2, badQuotes, "email,\"a@x.no\n"}, {3, "email|b@x.no", "email,b@x.no\n"}, {4, badQuotes, "email,c@x.no\"\n"}, {5, "email|d@x.no", "email,d@x.no\n"}}},
		{"too few fields and too many", "x.csv", "channel,address\nemail\nemail,a@x.no,acme\n",
			[]rowOf{{2, "error: 1 fields, where the first line has 2", "email\n"}, {3, "error: 3 fields, where the first line has 2", "email,a@x.no,acme\n"}}},
		{"a text over several lines", "x.csv", "channel,address,note\nemail,a@x.no,\"Storgata 1\n0155, Oslo\"\nemail,b@x.no,\n",
			[]rowOf{{2, "email|a@x.no", "email,a@x.no,\"Storgata 1\n0155, Oslo\"\n"}, {4, "email|b@x.no", "email,b@x.no,\n"}}},
		{"a text that would swallow contacts", "x.csv", "channel,address,note\nemail,a@x.no,\"oops\nemail,b@x.no,\nemail,c@x.no,end\"\nemail,d@x.no,\n",
			[]rowOf{{2, badQuotes, "email,a@x.no,\"oops\n"}, {3, "email|b@x.no", "email,b@x.no,\n"}, {4, badQuotes, "email,c@x.no,end\"\n"}, {5, "email|d@x.no", "email,d@x.no,\n"}}},
		{"a text that never ends", "x.csv", "channel,address,note\nemail,a@x.no,\"oops\n" + strings.Repeat("x\n", 25) + "email,b@x.no,\n",
			append(append([]rowOf{{2, badQuotes, "email,a@x.no,\"oops\n"}}, lonely(3, 25)...), rowOf{28, "email|b@x.no", "email,b@x.no,\n"})},
		{"columns that are not ours, twice", "x.csv", "name,name,channel,address\nA,B,email,a@x.no\n", []rowOf{{2, "email|a@x.no", "A,B,email,a@x.no\n"}}},
		{"NDJSON", "x.ndjson", "\ufeff{\"channel\":\"email\",\"address\":\"a@x.no\"}\n\n{\"channel\":null,\"address\":\" b@x.no\"}\r\n",
			[]rowOf{{1, "email|a@x.no", "{\"channel\":\"email\",\"address\":\"a@x.no\"}\n"}, {3, "|b@x.no", "{\"channel\":null,\"address\":\" b@x.no\"}\r\n"}}},
		{"invalid NDJSON", "x.jsonl", "[1]\nnull\n{\"channel\":\n{\"address\":4791234567}\n{\"addres\":\"a@x.no\"}\n", []rowOf{
			{1, "error: not a JSON object", "[1]\n"}, {2, "error: not a JSON object", "null\n"}, {3, "error: not a JSON object", "{\"channel\":\n"},
			{4, "|4791234567", "{\"address\":4791234567}\n"}, {5, "|", "{\"addres\":\"a@x.no\"}\n"},
		}},
		{"NDJSON with more", "x.jsonl", "{\"address\":\"a@x.no\",\"age\":7}\n", []rowOf{{1, "|a@x.no", "{\"address\":\"a@x.no\",\"age\":7}\n"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := open(t, c.file, c.content, FirstEnd)
			if diff := cmp.Diff(c.rows, readAll(t, f)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// lonely are rows of one field too few, from a line on.
func lonely(line, count int) []rowOf {
	var rows []rowOf
	for n := range count {
		rows = append(rows, rowOf{line + n, "error: 1 fields, where the first line has 3", "x\n"})
	}
	return rows
}

func TestAFileThatIsNoListIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ content, says string }{
		"nothing":            {"", "the file is empty"},
		"only empty lines":   {"\n \r\n", "the file is empty"},
		"a spreadsheet":      {"PK\x03\x04secret", "save it as CSV UTF-8"},
		"UTF-32":             {"\xff\xfe\x00\x00e\x00\x00\x00", "save it as CSV UTF-8"},
		"a quote not closed": {"\"channel,secret\n", "cannot be read as a header"},
		"a JSON document":    {`[{"email":"kari.secret@example.no"}]`, "write one JSON object a line"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tryOpen(t, "x.txt", c.content, FirstEnd)
			var wrong operator.Mistake
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzEveryByteOfAFileIsRead(f *testing.F) {
	for _, seed := range []string{"channel,address\nemail,\"a\nb\"\n", "address;x\n\"\n\"\n;\n1;\"2\n3\n\"", "address\n\"\n\n\"\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		list, err := tryOpen(t, "x.csv", content, EveryEnd)
		if err != nil {
			return
		}
		all, last := string(list.Head()), 0
		for _, r := range readAll(t, list) {
			all += r.Raw
			if r.Line <= last {
				t.Fatalf("line %d comes behind line %d", r.Line, last)
			}
			last = r.Line
		}
		something := func(s string) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune(" \t\r\n,;\v\f\u0085\u00a0\ufeff", r) {
					return -1
				}
				return r
			}, s)
		}
		if something(all) != something(content) {
			t.Errorf("read %q of %q", all, content)
		}
	})
}
