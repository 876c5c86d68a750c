package operator

import (
	"net/netip"
	"strings"
	"time"
	"unicode"

	"stille/shared/contact"
)

// Row is one row of a file: the text of its columns, or why there is none.
type Row struct {
	N       int    // its number among the rows that are not empty; the first row is 1
	Line    int    // number of its first line; the file's first line is 1
	Raw     []byte // as it stands in the file, with its end of line
	Cells   []string
	Err     error // beside Cells: the row lacks its last cells
	Several bool  // there is an end of line inside, or a character that no text has
	Guessed bool  // the row is not in the encoding of the file
}

// cell is the text of a column without what no reader sees around it.
func (r Row) cell(n int) string {
	if n < 0 || n >= len(r.Cells) {
		return ""
	}
	return strings.TrimFunc(r.Cells[n], func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) })
}

// Survey is what a first look at all rows of a file shows. Its size does not
// depend on the number of the rows.
type Survey struct {
	Rows    int
	named   bool
	region  string
	now     time.Time
	columns []columnSurvey
}

// columnSurvey counts the cells of a column that are not empty, by what is in them.
// Times count in a file without names alone.
type columnSurvey struct {
	filled, emails, whole, phones, digits, reasons, times, consents, denials, yeses int // whole are addresses and nothing else
	order                                                                           dayOrder
	first                                                                           string // the first of the cells
}

// NewSurvey begins a survey of a file that names its columns, or not. The region is
// of numbers without a country code.
func NewSurvey(named bool, region string, now time.Time) *Survey {
	return &Survey{named: named, region: region, now: now}
}

// Note counts a row.
func (s *Survey) Note(r Row) {
	s.Rows++
	for len(s.columns) < len(r.Cells) {
		s.columns = append(s.columns, columnSurvey{})
	}
	for i := range r.Cells {
		if text := r.cell(i); text != "" {
			s.note(&s.columns[i], text)
		}
	}
}

func (s *Survey) note(c *columnSurvey, text string) {
	const fewest, shortest = 7, 5 // digits of a number with its country, of any number
	if c.filled++; c.filled == 1 {
		c.first = text
	}
	c.order.note(text)
	word := fold(text)
	if tellsConsent(word) {
		c.consents++
	} else if tellsNoOptOut(word) {
		c.denials++
	} else if tellsYes(word) {
		c.yeses++
	}
	if _, known := reasonWords()[word]; known {
		c.reasons++
	}
	if strings.ContainsAny(text, "@＠") && HoldsContact(text) {
		c.emails++
		if _, err := contactsIn(channelOf(text), text, ""); err == nil {
			c.whole++
		}
	}
	number := isNumber(text, shortest)
	isTime := false
	if number || !s.named {
		m, _, read := readTime(text, time.UTC, dayOrder{}, time.Time{})
		isTime = read && m.at.Year() <= s.now.Year()+1 // as seconds, a number lies in a later century
	}
	if isTime && !s.named {
		c.times++
	}
	_, notIP := netip.ParseAddr(text)
	if !number || notIP == nil || amount.MatchString(text) && strings.ContainsAny(text, ".,") {
		return
	}
	c.digits++
	_, err := contact.NormaliseAnyLength(contact.SMS, text, s.region)
	grouped := len(strings.Fields(text)) > 2 || strings.HasPrefix(text, "0")
	if isNumber(text, fewest) && !isTime && (err == nil || grouped) {
		c.phones++
	}
}

// addresses and numbers report whether most cells are addresses or numbers.
func (c columnSurvey) addresses() bool { return 2*c.emails > c.filled }
func (c columnSurvey) numbers() bool   { return 2*c.phones > c.filled }
