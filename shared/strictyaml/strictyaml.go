// Package strictyaml reads the project's own YAML files (retention.yaml, scopes.yaml
// and environments.yaml) strictly. It promises that one reading names every mistake,
// each with its line. It takes mappings, lists and plain scalars, and refuses unknown
// and repeated fields, empty values, a value of the wrong kind, anchors, aliases,
// tags and merge keys: these files decide what is deleted, so a line must do what it
// says.
package strictyaml

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Mistake is one thing that is wrong in a file, and the line it is on.
type Mistake struct {
	Line int    `json:"line"`
	What string `json:"what"`
}

// Mistakes is everything that is wrong in a file, in the order of its lines.
type Mistakes []Mistake

// Error returns one line for each mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, mistake := range m {
		lines[i] = fmt.Sprintf("line %d: %s", mistake.Line, mistake.What)
	}
	return strings.Join(lines, "\n")
}

// In is the mistakes as an error that names the file with each line, or nil.
func (m Mistakes) In(file string) error {
	var all []error
	for _, mistake := range m {
		all = append(all, fmt.Errorf("%s:%d: %s", file, mistake.Line, mistake.What))
	}
	return errors.Join(all...)
}

// Document is a file being read. Read the fields it should have through Top,
// then ask Err: a field that was not read is unknown, which is a mistake.
type Document struct {
	mistakes Mistakes
	read     []*Fields
	top      *Fields
}

// Parse begins to read a file. Err returns its mistakes.
func Parse(data []byte) *Document {
	d := &Document{}
	d.top = &Fields{doc: d}
	file, err := parse(data)
	switch {
	case err != nil:
		d.note(syntaxMistake(err))
	case len(file.Docs) != 1:
		d.note(Mistake{1, "must hold one document"})
	default:
		if top := d.fields(file.Docs[0].Body, 1); top != nil {
			d.top = top
		}
	}
	return d
}

// parse parses a file. Editors on Windows may begin it with a byte order mark.
func parse(data []byte) (*ast.File, error) {
	return parser.ParseBytes(bytes.TrimPrefix(data, []byte("\uFEFF")), 0, parser.AllowDuplicateMapKey())
}

// Top is the mapping at the top of the file.
func (d *Document) Top() *Fields { return d.top }

// Err is nil, or Mistakes.
func (d *Document) Err() error {
	found := slices.Clone(d.mistakes)
	for _, f := range d.read {
		for name, value := range f.values {
			if !f.known[name] {
				found = append(found, Mistake{value.line, fmt.Sprintf("%s is not a field here", name)})
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.SortFunc(found, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.What, b.What))
	})
	return found
}

func (d *Document) note(m Mistake) { d.mistakes = append(d.mistakes, m) }

// syntaxMistake keeps the parser's message and line, and drops the excerpt of
// the file that its Error would print.
func syntaxMistake(err error) Mistake {
	var positioned interface {
		error
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &positioned) && positioned.GetToken() != nil {
		return Mistake{positioned.GetToken().Position.Line, positioned.GetMessage()}
	}
	return Mistake{1, "not YAML"}
}

// Fields is one mapping of the file. Each method reads one field, once.
type Fields struct {
	doc    *Document
	line   int
	values map[string]value // nil where the mapping itself was a mistake, noted already
	known  map[string]bool

	optional bool // a field may be missing
}

type value struct {
	node ast.Node
	line int
}

// fields reads a mapping that begins at line, or notes that it is none and
// returns nil.
func (d *Document) fields(node ast.Node, line int) *Fields {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.note(Mistake{line, mustBe("a mapping, field: value", node)})
		return nil
	}
	f := &Fields{doc: d, line: line, values: map[string]value{}, known: map[string]bool{}}
	for i, entry := range mapping.Values {
		at := entry.Key.GetToken().Position.Line
		if i == 0 {
			f.line = at
		}
		key, ok := entry.Key.(*ast.StringNode)
		if !ok {
			d.note(Mistake{at, "a field's name must be plain text"})
			continue
		}
		if first, twice := f.values[key.Value]; twice {
			d.note(Mistake{at, fmt.Sprintf("%s is here twice, first on line %d", key.Value, first.line)})
			continue
		}
		f.values[key.Value] = value{entry.Value, at}
	}
	d.read = append(d.read, f)
	return f
}

// Line is the line on which the mapping begins.
func (f *Fields) Line() int { return f.line }

// Has reports whether an optional field is there.
func (f *Fields) Has(name string) bool {
	_, ok := f.values[name]
	return ok
}

// Names are the names of the fields, in the order of the file.
func (f *Fields) Names() []string {
	return slices.SortedFunc(maps.Keys(f.values), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.values[a].line, f.values[b].line), cmp.Compare(a, b))
	})
}

// Wrong notes a mistake in a field, at the field's line; in a field that is
// missing, at the mapping's.
func (f *Fields) Wrong(name, format string, args ...any) {
	line := f.line
	if v, ok := f.values[name]; ok {
		line = v.line
	}
	f.doc.note(Mistake{line, name + ": " + fmt.Sprintf(format, args...)})
}

// Note notes a mistake in the mapping itself, at its first line.
func (f *Fields) Note(format string, args ...any) {
	f.doc.note(Mistake{f.line, fmt.Sprintf(format, args...)})
}

// Optional is the same mapping, of which a field may be missing: a text is then "", a
// number 0, a list nil and a mapping empty.
func (f *Fields) Optional() *Fields {
	optional := *f
	optional.optional = true
	return &optional
}

// Text reads a required text, trimmed. It returns "" only after noting a
// mistake.
func (f *Fields) Text(name string) string {
	node, ok := f.take(name)
	if !ok {
		return ""
	}
	text, ok := plainText(node)
	if !ok {
		f.Wrong(name, "%s", mustBe("text", node))
	}
	return text
}

// Whole reads a required whole number between the two given. It returns 0 only
// after noting a mistake, where that is outside.
func (f *Fields) Whole(name string, least, most uint64) uint64 {
	return f.whole(name, least, most, "")
}

// WholeOr reads a required whole number between the two given, or the word none,
// which is 0. It returns 0 also after noting a mistake.
func (f *Fields) WholeOr(name, none string, least, most uint64) uint64 {
	if v, ok := f.values[name]; ok {
		if text, ok := plainText(v.node); ok && text == none {
			f.known[name] = true
			return 0
		}
	}
	return f.whole(name, least, most, ", or "+none)
}

func (f *Fields) whole(name string, least, most uint64, or string) uint64 {
	node, ok := f.take(name)
	if !ok {
		return 0
	}
	if n, ok := node.(*ast.IntegerNode); ok {
		if whole, ok := n.Value.(uint64); ok && whole >= least && whole <= most {
			return whole
		}
	}
	f.Wrong(name, "must be a whole number from %d to %d%s", least, most, or)
	return 0
}

// Flag reads an optional true or false; absent is false.
func (f *Fields) Flag(name string) bool {
	node, ok := f.Optional().take(name)
	if !ok {
		return false
	}
	flag, ok := node.(*ast.BoolNode)
	if !ok {
		f.Wrong(name, "must be true or false")
		return false
	}
	return flag.Value
}

// Matching reads a required text of a form. It returns the text also after noting that
// the text has another form.
func (f *Fields) Matching(name string, form *regexp.Regexp, must string) string {
	text := f.Text(name)
	if text != "" && !form.MatchString(text) {
		f.Wrong(name, "%s", must)
	}
	return text
}

// Texts reads a required list of texts, each trimmed.
func (f *Fields) Texts(name string) []string {
	var texts []string
	for _, node := range f.list(name) {
		text, ok := plainText(node)
		if !ok {
			f.doc.note(Mistake{lineOf(node), name + ": must be a list of texts"})
			continue
		}
		texts = append(texts, text)
	}
	return texts
}

// List reads a required list of mappings; it is empty only after a mistake.
func (f *Fields) List(name string) []*Fields {
	var all []*Fields
	for _, node := range f.list(name) {
		if fields := f.doc.fields(node, lineOf(node)); fields != nil {
			all = append(all, fields)
		}
	}
	return all
}

// Mapping reads a required mapping inside this one. It is empty, never nil,
// after a mistake.
func (f *Fields) Mapping(name string) *Fields {
	if node, ok := f.take(name); ok {
		if fields := f.doc.fields(node, f.values[name].line); fields != nil {
			return fields
		}
	}
	return &Fields{doc: f.doc}
}

func (f *Fields) list(name string) []ast.Node {
	node, ok := f.take(name)
	if !ok {
		return nil
	}
	sequence, ok := node.(*ast.SequenceNode)
	if !ok || len(sequence.Values) == 0 {
		f.Wrong(name, "must be a list that is not empty")
		return nil
	}
	return sequence.Values
}

// take marks the field as known and returns its value, or notes that it is
// missing.
func (f *Fields) take(name string) (ast.Node, bool) {
	v, ok := f.values[name]
	if !ok {
		if f.values != nil && !f.optional {
			f.doc.note(Mistake{f.line, name + " is missing"})
		}
		return nil, false
	}
	f.known[name] = true
	return v.node, true
}

// plainText is the trimmed text of a scalar that is text and not empty.
func plainText(node ast.Node) (string, bool) {
	var text string
	switch n := node.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	}
	text = strings.TrimSpace(text)
	return text, text != ""
}

// mustBe says that a node is not what it must be.
func mustBe(what string, node ast.Node) string {
	switch node.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if what == "text" {
			what += ": write it in quotation marks"
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		what += ": write it out, without an anchor, an alias or a tag"
	}
	return "must be " + what
}

func lineOf(node ast.Node) int {
	if node == nil || node.GetToken() == nil {
		return 1
	}
	return node.GetToken().Position.Line
}
