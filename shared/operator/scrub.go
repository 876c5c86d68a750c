package operator

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Why a row may not be sent to that could not be read.
const (
	UnreadableLine = "unreadable-line"
	SeveralLines   = "several-lines" // in one row: another program may read each as a row
)

// Scrub decides which rows of a list of contacts may be sent to.
type Scrub struct {
	Purpose suppression.Purpose
	Channel contact.Channel // only addresses of this channel count; "" for all
	Region  string          // of numbers without a country code

	o       *Operator
	in      scope.Scope
	columns *Columns
}

// Scrub begins to scrub a list for messages of the scope. It reads no row.
func (o *Operator) Scrub(ctx context.Context, inScope string, s Scrub) (*Scrub, error) {
	var err error
	s.o = o
	s.in, err = o.scope(ctx, cmp.Or(inScope, string(scope.Everywhere)))
	return &s, err
}

// Read decides, after the first look, what the columns tell.
func (s *Scrub) Read(names []string, seen *Survey, flags ColumnFlags) (columns *Columns, err error) {
	flags.Only = s.Channel
	s.columns, err = columnsOf(names, true, seen, flags)
	return s.columns, err
}

// Reasons returns why each row must not be sent to, in their order; "" for a row
// whose every contact may be: a contact in a column that is used, and a contact
// anywhere else in the row. In doubt there is a reason.
func (s *Scrub) Reasons(ctx context.Context, rows []Row) ([]string, error) {
	set, err := s.o.contactKeys(ctx)
	if err != nil {
		return nil, err
	}
	reasons := make([]string, len(rows))
	var asked [][]contact.Key
	var rowOf []int // the row of each contact that is asked for
	for i, r := range rows {
		contacts, reason := s.contacts(r)
		reasons[i] = reason
		for _, c := range contacts {
			keys, err := set.Keys(c)
			if err != nil {
				return nil, err
			}
			asked, rowOf = append(asked, keys), append(rowOf, i)
		}
	}
	verdicts, err := s.o.check(ctx, asked, s.Purpose, s.in)
	if err != nil {
		return nil, err
	}
	for n, v := range verdicts {
		if !v.Send && reasons[rowOf[n]] == "" {
			reasons[rowOf[n]] = cmp.Or(v.Reason, suppression.Unreadable)
		}
	}
	return reasons, nil
}

// contacts are the contacts that stand in a row, or why the row has none.
func (s *Scrub) contacts(r Row) (found []contact.Contact, reason string) {
	switch {
	case r.Err != nil:
		return nil, UnreadableLine
	case r.Several:
		return nil, SeveralLines
	}
	own := 0
	for i := range r.Cells {
		text := r.cell(i)
		if text == "" || s.columns.ignored[i] {
			continue
		}
		ch, used := s.columns.channel(r, i)
		used = used && (s.Channel == "" || ch == s.Channel)
		if used {
			all, err := contactsIn(ch, text, s.Region)
			if err != nil || r.Guessed && strings.ContainsFunc(text, func(c rune) bool { return c > unicode.MaxASCII }) {
				return nil, suppression.InvalidAddress
			}
			found = append(found, all...)
			own += len(all)
		}
		if used && !strings.Contains(text, "@") {
			continue
		}
		for _, c := range Find(text, s.Region) {
			if (s.Channel == "" || c.Channel() == s.Channel) && !slices.Contains(found, c) {
				found = append(found, c)
			}
		}
	}
	if own == 0 {
		return nil, suppression.InvalidAddress
	}
	return found, ""
}
