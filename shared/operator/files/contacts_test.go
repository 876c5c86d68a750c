package files

import (
	"errors"
	"io"
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

func readAll(t *testing.T, f *Contacts) []rowOf {
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
			one.Fields = strings.Join([]string{r.Field("channel"), r.Field("address")}, "|")
		}
		rows = append(rows, one)
	}
}

func TestFilesOfSpreadsheetsAndToolsAreRead(t *testing.T) {
	const badQuotes = "error: a quote is at the wrong place, or not closed"
	for _, c := range []struct {
		name, file string
		open       bool // other columns are none of our business
		content    string
		rows       []rowOf
	}{
		{"plain CSV, without an end of its last line", "x.csv", false, "channel,address\nemail,a@x.no\nsms,+471",
			[]rowOf{{2, "email|a@x.no", "email,a@x.no\n"}, {3, "sms|+471", "sms,+471"}}},
		{"a Norwegian spreadsheet: byte order mark, semicolons, CRLF, a row of nothing", "x.csv", false,
			"\ufeffAddress; Channel \r\na@x.no;email\r\n;\r\n\r\nb@x.no;email\r\n",
			[]rowOf{{2, "email|a@x.no", "a@x.no;email\r\n"}, {5, "email|b@x.no", "b@x.no;email\r\n"}}},
		{"tabs, in a file of any name", "x.txt", false, "channel\taddress\nemail\ta@x.no\n", []rowOf{{2, "email|a@x.no", "email\ta@x.no\n"}}},
		{"quotes", "x.csv", false, "\"channel\",\"address\"\n\"email\",\"\"\"a\"\"@x.no\"\n", []rowOf{{2, `email|"a"@x.no`, "\"email\",\"\"\"a\"\"@x.no\"\n"}}},
		{"a quote that is not closed spoils its own line", "x.csv", false, "channel,address\nemail,\"a@x.no\nemail,b@x.no\nemail,c@x.no\"\nemail,d@x.no\n",
			[]rowOf{{2, badQuotes, "email,\"a@x.no\n"}, {3, "email|b@x.no", "email,b@x.no\n"}, {4, badQuotes, "email,c@x.no\"\n"}, {5, "email|d@x.no", "email,d@x.no\n"}}},
		{"too few fields and too many", "x.csv", false, "channel,address\nemail\nemail,a@x.no,acme\n",
			[]rowOf{{2, "error: 1 fields, where the header has 2", "email\n"}, {3, "error: 3 fields, where the header has 2", "email,a@x.no,acme\n"}}},
		{"a text over several lines", "x.csv", true, "channel,address,note\nemail,a@x.no,\"Storgata 1\n0155, Oslo\"\nemail,b@x.no,\n",
			[]rowOf{{2, "email|a@x.no", "email,a@x.no,\"Storgata 1\n0155, Oslo\"\n"}, {4, "email|b@x.no", "email,b@x.no,\n"}}},
		{"a text that would swallow contacts", "x.csv", true, "channel,address,note\nemail,a@x.no,\"oops\nemail,b@x.no,\nemail,c@x.no,end\"\nemail,d@x.no,\n",
			[]rowOf{{2, badQuotes, "email,a@x.no,\"oops\n"}, {3, "email|b@x.no", "email,b@x.no,\n"}, {4, badQuotes, "email,c@x.no,end\"\n"}, {5, "email|d@x.no", "email,d@x.no,\n"}}},
		{"a text that never ends", "x.csv", true, "channel,address,note\nemail,a@x.no,\"oops\n" + strings.Repeat("x\n", 25) + "email,b@x.no,\n",
			append(append([]rowOf{{2, badQuotes, "email,a@x.no,\"oops\n"}}, lonely(3, 25)...), rowOf{28, "email|b@x.no", "email,b@x.no,\n"})},
		{"columns that are not ours, twice", "x.csv", true, "name,name,channel,address\nA,B,email,a@x.no\n", []rowOf{{2, "email|a@x.no", "A,B,email,a@x.no\n"}}},
		{"NDJSON", "x.ndjson", false, "\ufeff{\"channel\":\"email\",\"address\":\"a@x.no\"}\n\n{\"channel\":null,\"address\":\" b@x.no\"}\r\n",
			[]rowOf{{1, "email|a@x.no", "\ufeff{\"channel\":\"email\",\"address\":\"a@x.no\"}\n"}, {3, "|b@x.no", "{\"channel\":null,\"address\":\" b@x.no\"}\r\n"}}},
		{"NDJSON that is none", "x.jsonl", false, "[1]\nnull\n{\"channel\":\n{\"address\":4791234567}\n{\"addres\":\"a@x.no\"}\n", []rowOf{
			{1, "error: not a JSON object", "[1]\n"}, {2, "error: not a JSON object", "null\n"}, {3, "error: not a JSON object", "{\"channel\":\n"},
			{4, "error: address is not text", "{\"address\":4791234567}\n"}, {5, "error: a field is none of channel, address", "{\"addres\":\"a@x.no\"}\n"},
		}},
		{"NDJSON with more", "x.jsonl", true, "{\"address\":\"a@x.no\",\"age\":7}\n", []rowOf{{1, "|a@x.no", "{\"address\":\"a@x.no\",\"age\":7}\n"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := ReadContacts(c.file, strings.NewReader(c.content), []string{"channel", "address"}, !c.open)
			if err != nil {
				t.Fatal(err)
			}
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
		rows = append(rows, rowOf{line + n, "error: 1 fields, where the header has 3", "x\n"})
	}
	return rows
}

func TestABadHeaderIsRefusedAndNotRepeated(t *testing.T) {
	for name, c := range map[string]struct{ content, says string }{
		"nothing":            {"", "the file is empty"},
		"only empty lines":   {"\n \r\n", "the file is empty"},
		"no header at all":   {"email,kari.secret@example.no\n", "column 1 of the header is none of channel, address"},
		"an unknown column":  {"channel,address,secret\n", "column 3 of the header is none of"},
		"a column twice":     {"channel,address,Channel\n", "names the column channel twice"},
		"UTF-16":             {"\xff\xfec\x00h\x00\n\x00", "not UTF-8"},
		"a quote not closed": {"\"channel,secret\n", "cannot be read as a header"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadContacts("x.csv", strings.NewReader(c.content), []string{"channel", "address"}, true)
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
		list, err := ReadContacts("x.csv", strings.NewReader(content), []string{"channel", "address"}, false)
		if err != nil {
			return
		}
		all, last := string(list.Header), 0
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
