package operator

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"stille/shared/contact"
)

// ColumnFlags are what the operator decides about the columns of a file.
type ColumnFlags struct {
	Email, Phone, Ignore []string
	Map                  []Mapping
	// Only is the channel whose addresses count alone; "" for every channel.
	Only contact.Channel
}

// Mapping says what a column tells.
type Mapping struct {
	Column string
	Field  Field
}

// UnmarshalText reads COLUMN=FIELD. Its error is a Mistake.
func (m *Mapping) UnmarshalText(text []byte) error {
	at := bytes.LastIndexByte(text, '=')
	if at < 0 || !slices.Contains(MappedFields(), Field(text[at+1:])) {
		return Mistakef("must be COLUMN=FIELD, where FIELD is one of %v", MappedFields())
	}
	m.Column, m.Field = string(text[:at]), Field(text[at+1:])
	return nil
}

// Columns says what the columns of a file tell.
type Columns struct {
	names   []string
	fields  []Field // "" of a column that is not used
	ignored []bool  // the operator, or the known export, decides that a column is passed over
	known   bool    // the file is a known export
	export  export
	orders  []dayOrder
}

// ColumnsUsed names the columns by what they were used for.
type ColumnsUsed struct {
	Email  []string         `json:"email"`
	Phone  []string         `json:"phone"`
	Other  map[Field]string `json:"other,omitempty"`
	Unused []string         `json:"unused"`
	Names  []string         `json:"-"` // of the used columns, each with its field where that is another word
}

// Used names the columns that are used, and the others.
func (c *Columns) Used() ColumnsUsed {
	used := ColumnsUsed{Email: []string{}, Phone: []string{}, Unused: []string{}, Other: map[Field]string{}}
	names := map[Field][]string{}
	for i, name := range c.names {
		f := c.fields[i]
		if f == FieldEmail || f == FieldAddress {
			used.Email = append(used.Email, name)
		}
		if f == FieldPhone || f == FieldAddress {
			used.Phone = append(used.Phone, name)
		}
		if f == "" {
			used.Unused = append(used.Unused, name)
			continue
		}
		if f.channel() == "" {
			used.Other[f] = name
		}
		if !strings.EqualFold(name, string(f)) {
			name += " as " + string(f)
		}
		names[f] = append(names[f], name)
	}
	for _, f := range append([]Field{FieldEmail, FieldPhone}, slices.Sorted(maps.Keys(names))...) {
		used.Names = append(used.Names, names[f]...)
		delete(names, f)
	}
	return used
}

// Names are names for the columns of a file that has none: the fields.
func (c *Columns) Names() []string {
	names := slices.Clone(c.names)
	for i, f := range c.fields {
		if f != "" {
			names[i] = string(f)
		}
	}
	return names
}

// columnsOf decides what the columns of a file tell. Flags decide first, then a
// known export, then names, and in a file without names what stands in a column.
// A column that looks like addresses or numbers and is not used is a Mistake. A
// list to scrub has contacts and nothing else.
func columnsOf(names []string, onlyContacts bool, s *Survey, flags ColumnFlags) (*Columns, error) {
	c := &Columns{names: names, fields: make([]Field, len(names)), ignored: make([]bool, len(names)), orders: make([]dayOrder, len(names))}
	folded := make([]string, len(names))
	for i, name := range names {
		folded[i] = fold(name)
	}
	for len(s.columns) < len(names) {
		s.columns = append(s.columns, columnSurvey{})
	}
	for i := range names {
		c.orders[i] = s.columns[i].order
	}
	if s.named && !onlyContacts {
		c.export, c.known = knownExport(folded)
	}
	for i := range names {
		switch {
		case c.known:
			c.fields[i] = c.export.fields[folded[i]]
			c.ignored[i] = c.fields[i] == ""
		case folded[i] == fold(RejectReason):
			c.ignored[i] = true
		case s.named:
			c.fields[i] = fieldOf(folded[i])
			switch f := c.fields[i]; {
			case f == FieldSince && s.columns[i].denials > 0: // whether, and not when
				c.fields[i] = ""
			case f == "" && asksOptOut(folded[i]) && tellsTime(s.columns[i].first, s.now):
				c.fields[i] = FieldSince
			}
		default:
			c.fields[i] = s.columns[i].field(len(names))
		}
		if f := c.fields[i]; onlyContacts && f != FieldChannel && slices.Contains(single(), f) {
			c.fields[i] = ""
		}
	}
	c.settleAddress(s)
	if err := c.decide(flags); err != nil {
		return nil, err
	}
	c.keepFirst()
	return c, c.check(s, onlyContacts, flags.Only)
}

// field is what a column without a name tells, in a file of that number of columns.
func (c columnSurvey) field(columns int) Field {
	switch {
	case columns == 1:
		return FieldAddress
	case c.addresses():
		return FieldEmail
	case c.filled > 0 && c.reasons == c.filled:
		return FieldReason
	case c.filled > 0 && c.times == c.filled && !c.numbers():
		return FieldSince
	}
	return ""
}

// settleAddress drops a column named address that holds streets: where no channel
// stands beside it, and another column has the contacts.
func (c *Columns) settleAddress(s *Survey) {
	others := slices.ContainsFunc(c.fields, func(f Field) bool { return f.channel() != "" })
	for i, f := range c.fields {
		if f == FieldAddress && others && !slices.Contains(c.fields, FieldChannel) && !s.columns[i].addresses() && !s.columns[i].numbers() {
			c.fields[i] = ""
		}
	}
}

// decide does what the flags say. Flags that contradict each other are a Mistake.
func (c *Columns) decide(flags ColumnFlags) error {
	decided := map[string]Field{} // by the name of the column
	set := func(flag, column string, f Field) error {
		n := slices.IndexFunc(c.names, func(name string) bool { return strings.EqualFold(strings.TrimSpace(column), name) })
		if n < 0 {
			return Mistakef("%s: the file has no such column; it has %s", flag, c.list())
		}
		given := strings.ToLower(c.names[n])
		for other, field := range decided {
			if other == given && field != f || other != given && field == f && slices.Contains(single(), f) {
				return Mistakef("%s: another flag says otherwise; name each column once, and one column for %v", flag, single())
			}
		}
		decided[given] = f
		for i, name := range c.names {
			if strings.EqualFold(name, c.names[n]) {
				c.fields[i], c.ignored[i] = f, f == ""
			} else if c.fields[i] == f && slices.Contains(single(), f) {
				c.fields[i] = ""
			}
		}
		return nil
	}
	for _, m := range flags.Map {
		if err := set("--map", m.Column, m.Field); err != nil {
			return err
		}
	}
	for _, group := range []struct {
		flag    string
		columns []string
		field   Field
	}{{"--email-column", flags.Email, FieldEmail}, {"--phone-column", flags.Phone, FieldPhone}, {"--ignore-column", flags.Ignore, ""}} {
		for _, column := range group.columns {
			if err := set(group.flag, column, group.field); err != nil {
				return err
			}
		}
	}
	return nil
}

// single are the fields of which a row tells one.
func single() []Field {
	return []Field{FieldSince, FieldReason, FieldScope, FieldSource, FieldStatus, FieldChannel}
}

// keepFirst leaves the first column of several that tell the same.
func (c *Columns) keepFirst() {
	for _, f := range single() {
		first := slices.Index(c.fields, f)
		for i := range c.fields {
			if i > first && c.fields[i] == f {
				c.fields[i] = ""
			}
		}
	}
}

// look is a look at a column for contacts.
type look struct {
	field  Field
	what   string
	likely bool
}

// looks are the looks at a column. Scrub finds a single address in the line that it
// stands in; import would lose it.
func (c columnSurvey) looks(name string, onlyContacts bool) []look {
	emails, phones := namesContacts(fold(name))
	return []look{
		{FieldEmail, "addresses", c.addresses() || emails && c.emails > 0 || !onlyContacts && c.whole > 0},
		{FieldPhone, "phone numbers", c.numbers() || phones && c.digits > 0},
	}
}

// namesSubscribers reports whether a column says of some people that they want
// messages: in plain words, or where others are blocked, or where its name asks.
func (c columnSurvey) namesSubscribers(name string) bool {
	name = fold(name)
	return c.consents > 0 || c.denials > 0 && (c.reasons > 0 || asksOptOut(name)) || c.yeses > 0 && asksConsent(name)
}

// tellsNoOptOut reports whether the status of a row says that the person wants messages.
func (c *Columns) tellsNoOptOut(r Row) bool {
	n := slices.Index(c.fields, FieldStatus)
	word := fold(r.cell(n))
	if n >= 0 && asksConsent(fold(c.names[n])) {
		return tellsConsent(word) || tellsYes(word)
	}
	return tellsNoOptOut(word)
}

// check names every column that must be decided about. Where one channel counts
// alone, the columns of others are not used.
func (c *Columns) check(s *Survey, onlyContacts bool, only contact.Channel) error {
	counts := func(f Field) bool {
		ch := f.channel()
		return only == "" || ch == "" || ch == only
	}
	var open []string
	for i, name := range c.names {
		if !counts(c.fields[i]) {
			c.fields[i] = ""
		}
		if c.fields[i] != "" || c.ignored[i] {
			continue
		}
		if !onlyContacts && s.columns[i].namesSubscribers(name) {
			open = append(open, fmt.Sprintf("%q names people who want messages: say --map %q or --ignore-column %q", name, name+"="+string(FieldStatus), name))
		}
		for _, l := range s.columns[i].looks(name, onlyContacts) {
			if l.likely && counts(l.field) {
				open = append(open, fmt.Sprintf("%q looks like %s: say --%s-column %q or --ignore-column %q", name, l.what, l.field, name, name))
				break
			}
		}
	}
	if len(open) > 0 {
		return Mistakef("columns that are not used: %s", strings.Join(open, "; "))
	}
	named := slices.ContainsFunc(c.fields, func(f Field) bool { return f.channel() != "" || f == FieldAddress || f == fieldKey })
	if named || len(c.names) == 0 { // JSON without a row has no columns
		return nil
	}
	return Mistakef("no column names contacts: say --email-column or --phone-column; the columns are %s", c.list())
}

// list names the columns in a sentence.
func (c *Columns) list() string {
	const most = 40
	names := c.names[:min(len(c.names), most)]
	return strings.Join(names, ", ")
}

// text is the first column of a field.
func (c *Columns) text(r Row, f Field) string { return r.cell(slices.Index(c.fields, f)) }

// channel is the channel of a column of contacts; "" where each row tells it.
func (f Field) channel() contact.Channel {
	return map[Field]contact.Channel{FieldEmail: contact.Email, FieldPhone: contact.SMS}[f]
}

// channel is the channel of the contact in a cell; false where the column names no
// contacts.
func (c *Columns) channel(r Row, n int) (contact.Channel, bool) {
	ch := c.fields[n].channel()
	if c.fields[n] == FieldAddress {
		ch = cmp.Or(channelNamed(c.text(r, FieldChannel)), channelOf(r.cell(n)))
	}
	return ch, ch != ""
}
