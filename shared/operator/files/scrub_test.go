package files

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/suppression"
)

// mangled is a list of contacts as programs and people leave lists.
type mangled struct {
	content  []byte
	decode   func([]byte) string
	flags    operator.ColumnFlags
	stopped  []string // parts of a text that no clean file may have
	harmless bool     // nothing but whole cells in a regular file
}

const fewPeople = 4 // of each kind: suppressed or not

func address(kind string, n int) string { return fmt.Sprintf("%s%d@list.example", kind, n) }
func phone(suppressed bool, n int) string {
	if suppressed {
		return fmt.Sprintf("+479120010%d", n)
	}
	return fmt.Sprintf("+479230010%d", n)
}

// mangle draws a list.
func mangle(t *rapid.T) mangled {
	pick := func(what string, from ...string) string { return rapid.SampledFrom(from).Draw(t, what) }
	chance := func(what string, in int) bool { return rapid.IntRange(1, in).Draw(t, what) == 1 }
	m := mangled{harmless: chance("harmless", 2)}
	comma, end := pick("separator", ",", ";", "\t", "|"), pick("end", "\n", "\r\n", "\r", "\u2028")
	columns := []string{pick("e-mail column", "email", "E-mail", "E-postadresse", "Email Address")}
	for range rapid.IntRange(0, 3).Draw(t, "more columns") {
		columns = append(columns, pick("column", "phone", "Mobile", "name", "note", "email", "Work email", "id"))
	}
	m.flags.Phone = nil
	for _, name := range columns {
		switch {
		case name == "Mobile":
			m.flags.Phone = append(m.flags.Phone, name)
		case name == "Work email" && chance("decided", 2):
			m.flags.Email = append(m.flags.Email, name)
		}
	}
	var b strings.Builder
	if chance("sep", 6) {
		b.WriteString("sep=" + comma + end)
	}
	if !chance("no header", 8) {
		b.WriteString(strings.Join(columns, comma) + end)
	}
	for range rapid.IntRange(0, 8).Draw(t, "rows") {
		cells := make([]string, len(columns))
		for i, name := range columns {
			cells[i] = m.cell(t, name, comma, pick, chance)
		}
		ends := end
		if !m.harmless && chance("another end", 5) {
			ends = pick("end", "\n", "\r\n", "\r", "\u2028", "\u0085", "\v", "\n\r")
		}
		b.WriteString(strings.Join(cells, comma) + ends)
	}
	text := b.String()
	for n := range fewPeople {
		m.stopped = append(m.stopped, address("stopped", n), phone(true, n)[len("+47"):])
	}
	switch pick("encoding", "utf8", "mark", "le", "be", "bare le", "1252") {
	case "mark":
		m.content, m.decode = []byte("\ufeff"+text), func(b []byte) string { return string(b) }
	case "le":
		m.content, m.decode = wide(binary.LittleEndian, "\ufeff"+text), narrow(binary.LittleEndian)
	case "be":
		m.content, m.decode = wide(binary.BigEndian, "\ufeff"+text), narrow(binary.BigEndian)
	case "bare le":
		m.content, m.decode = wide(binary.LittleEndian, text), narrow(binary.LittleEndian)
	case "1252":
		if old, err := charmap.Windows1252.NewEncoder().String(text); err == nil {
			text = old
		}
		fallthrough
	default:
		m.content, m.decode = []byte(text), func(b []byte) string { return string(b) }
	}
	return m
}

// cell draws a cell of a column.
func (m *mangled) cell(t *rapid.T, column, comma string, pick func(string, ...string) string, chance func(string, int) bool) string {
	kind, n := "ok", rapid.IntRange(0, fewPeople-1).Draw(t, "person")
	if chance("suppressed", 3) {
		kind = "stopped"
	}
	text := address(kind, n)
	number := phone(kind == "stopped", n)
	switch column {
	case "id":
		text = fmt.Sprint(1000 + n)
	case "name":
		text = pick("name", "Kari", "Bjørn Ås", "O'Hara")
	case "phone", "Mobile":
		text = pick("number", number, number[:3]+" "+number[3:6]+" "+number[6:8]+" "+number[8:], "00"+number[1:], "'"+number, "tel:"+number, number[:3]+" (0) "+number[3:])
	case "note":
		who := pick("who", text, number, "")
		text = pick("note", "see "+who+".", "", "call ("+who+") or not", who+"!")
		if !m.harmless {
			text = pick("worse note", text, "see also\r"+who, "line\u2028"+who, "x\n"+who, "zero\u200b"+who, "mail="+who, "\x00"+who, strings.ToUpper(who))
		}
	default:
		if !m.harmless {
			text = pick("address", text, strings.ToUpper(text), "'"+text, `="`+text+`"`, " "+text+"\u00a0", "Kari <"+text+">", "mailto:"+text, text+".", text[:3]+"\u00ad"+text[3:], "-"+text, text+"\x00", text+";"+address("stopped", n), "")
		}
	}
	switch {
	case !m.harmless && chance("broken quote", 8):
		return pick("quote", `"`+text, text+`"`, `"`+text+`"x`, `"`+text+`""`)
	case strings.ContainsAny(text, comma+"\"\n\r") && (m.harmless || chance("quoted", 2)), chance("quoted anyway", 5):
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}

func wide(order binary.AppendByteOrder, text string) (raw []byte) {
	for _, unit := range utf16.Encode([]rune(text)) {
		raw = order.AppendUint16(raw, unit)
	}
	return raw
}

func narrow(order binary.ByteOrder) func([]byte) string {
	return func(raw []byte) string {
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = order.Uint16(raw[2*i:])
		}
		return string(utf16.Decode(units))
	}
}

// seen is a text without what separates the characters of an address or a number.
func seen(text string) string {
	return strings.ToLower(strings.NewReplacer("\u00ad", "", "\u200b", "", " ", "", "(0)", "", "\x00", "").Replace(text))
}

func TestNoSuppressedContactStandsInACleanFile(t *testing.T) {
	stack := operatortest.New(t)
	o := stack.Operator(operatortest.At)
	for n := range fewPeople {
		for _, p := range []operator.Person{{Channel: contact.Email, Address: address("stopped", n)}, {Channel: contact.SMS, Address: phone(true, n)}} {
			if _, err := o.Add(t.Context(), p, "acme", suppression.Manual, nil, ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	folder, files, clean := t.TempDir(), 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		m := mangle(rt)
		name := filepath.Join(folder, "list.csv")
		if err := os.WriteFile(name, m.content, 0o600); err != nil {
			rt.Fatal(err)
		}
		rules, err := o.Scrub(t.Context(), "acme", operator.Scrub{Purpose: suppression.Marketing})
		if err != nil {
			rt.Fatal(err)
		}
		done, err := Scrub(t.Context(), name, rules, m.flags, time.Time{}, func(int, int) {})
		left, missing := os.ReadFile(Beside(name, "clean"))
		if err != nil {
			if !errors.As(err, new(operator.Mistake)) || !errors.Is(missing, fs.ErrNotExist) {
				rt.Fatalf("error %v, and a clean file: %v", err, missing == nil)
			}
			return
		}
		files, clean = files+1, clean+done.Clean
		text := seen(m.decode(left))
		for _, stopped := range m.stopped {
			if strings.Contains(text, stopped) {
				rt.Fatalf("of %q the clean file is %q", m.decode(m.content), m.decode(left))
			}
		}
	})
	if files < 30 || clean < 30 {
		t.Errorf("%d lists were split, with %d clean lines: too few to show anything", files, clean)
	}
}

// Another program may read each line in a row as a row, and send to its first cell.
func TestARowWithSeveralLinesIsNotClean(t *testing.T) {
	stack := operatortest.New(t)
	for name, c := range map[string]struct{ content, clean string }{
		"a CR among LF":          {"email,note\nok@x.example,a\nmaybe@x.example,b\rc\n", "email,note\nok@x.example,a\n"},
		"an LF among CR":         {"email,note\rok@x.example,a\rmaybe@x.example,b\nc\r", "email,note\rok@x.example,a\r"},
		"a line separator":       {"email,note\nok@x.example,a\nmaybe@x.example,b\u2028c\n", "email,note\nok@x.example,a\n"},
		"quotes around it":       {"email,note\nok@x.example,a\nmaybe@x.example,\"b\nc\"\n", "email,note\nok@x.example,a\n"},
		"a NUL":                  {"email,note\nok@x.example,a\nmaybe@x.example,b\x00c\n", "email,note\nok@x.example,a\n"},
		"CRLF, and CR CRLF":      {"email,note\r\nok@x.example,a\r\nfine@x.example,b\r\r\n", "email,note\r\nok@x.example,a\r\nfine@x.example,b\r\r\n"},
		"no end of the file":     {"email,note\rok@x.example,a", "email,note\rok@x.example,a"},
		"a line of separators":   {"sep=;\r\nemail;note\r\n;\r\nok@x.example;a\r\n", "sep=;\r\nemail;note\r\nok@x.example;a\r\n"},
		"a first line, a person": {"ok@x.example\nnobody\n", "ok@x.example\n"},
		"Mac Roman":              {"email,name\rok@x.example,Bj\xbfrn\r", "email,name\rok@x.example,Bj\xbfrn\r"},
		"UTF-16": {string(wide(binary.LittleEndian, "\ufeffemail\tnote\r\nok@x.example\ta\r\nmaybe@x.example\tb\u2028c\r\n")),
			string(wide(binary.LittleEndian, "\ufeffemail\tnote\r\nok@x.example\ta\r\n"))},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "spring.csv")
			if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			rules, err := stack.Operator(operatortest.At).Scrub(t.Context(), "acme", operator.Scrub{Purpose: suppression.Marketing})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Scrub(t.Context(), file, rules, operator.ColumnFlags{}, time.Time{}, func(int, int) {}); err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadFile(Beside(file, "clean")); err != nil || string(left) != c.clean {
				t.Errorf("clean is %q, want %q, error %v", left, c.clean, err)
			}
		})
	}
}
