package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// ImportSettings say how the rows of one file are understood.
type ImportSettings struct {
	Scope   string             // of a row that names none; may be empty
	Channel contact.Channel    // of an address whose row names none; "" for the channel that its form shows
	Reason  suppression.Reason // of a row that names none; "" for the reason of a known export, or imported
	Region  string             // of numbers without a country code
	Zone    *time.Location     // of times without a zone; nil for the policy's
	Columns ColumnFlags
	DryRun  bool
}

// Import takes opt-outs over from another system. It can only silence: it lifts
// nothing.
type Import struct {
	ImportSettings
	// Began is when the import began first, and the time of a row that names
	// none: so the import may be repeated and changes nothing twice.
	Began  time.Time
	Counts ImportCounts

	o        *Operator
	scopes   *scope.Registry
	fallback scope.Scope // of a row that names none; "" where a row must name one
	unscoped error       // why there is no fallback
	columns  *Columns
	zone     *time.Location
}

// ImportCounts are what became of the rows. A row may name several contacts.
type ImportCounts struct {
	Lines    int               `json:"lines"` // rows that are not empty
	Taken    int               `json:"taken"`
	Doubts   int               `json:"doubts"`  // taken, though something could not be read
	Skipped  int               `json:"skipped"` // the row says that the person wants messages
	Rejected int               `json:"rejected"`
	Why      map[string]Reject `json:"why,omitempty"`
	Doubtful map[string]Reject `json:"doubtful,omitempty"`

	Added   int `json:"added"`     // contacts
	Renewed int `json:"renewed"`   // suppressed before, by an older event
	Noted   int `json:"noted"`     // recorded; newer consent is known
	Same    int `json:"unchanged"` // an event as new or newer was known
}

// Reject is how many rows were rejected, or doubtful, for one reason.
type Reject struct {
	Lines int `json:"lines"`
	First int `json:"first"` // line of the first of them
}

// Import begins an import. It reads no row.
func (o *Operator) Import(ctx context.Context, settings ImportSettings) (*Import, error) {
	im := &Import{ImportSettings: settings, Began: o.Now(), o: o, zone: settings.Zone}
	var err error
	if im.scopes, err = o.Config.Scopes(ctx); err != nil {
		return nil, err
	}
	if im.fallback, im.unscoped = o.scopeOrOnly(ctx, settings.Scope); im.unscoped != nil && settings.Scope != "" {
		return nil, im.unscoped
	}
	if im.zone == nil {
		policy, err := o.Config.Policy(ctx)
		if err != nil {
			return nil, err
		}
		im.zone = time.UTC
		if class, ok := policy.Class(names.Messaging); ok {
			im.zone = class.Location()
		}
	}
	return im, nil
}

// Read decides, after the first look, what the columns tell.
func (im *Import) Read(names []string, seen *Survey) (columns *Columns, err error) {
	im.columns, err = columnsOf(names, false, seen, im.Columns)
	if err != nil {
		return nil, err
	}
	if im.unscoped != nil && !slices.Contains(im.columns.fields, FieldScope) {
		return nil, im.unscoped
	}
	if im.columns.export.utc && im.Zone == nil {
		im.zone = time.UTC
	}
	return im.columns, nil
}

// Meaning identifies all that decides what the import does with a row.
func (im *Import) Meaning() string {
	return fmt.Sprintf("%q", []any{im.o.Stack, im.o.Where, im.fallback, im.Channel, im.Reason, im.Region, im.zone.String(), im.Columns})
}

// rowsAtOnce is how many rows are written at the same time that need more than
// one change.
const rowsAtOnce = 32

// taken is what became of a row.
type taken struct {
	effects []suppression.Effect // one for each contact
	skipped bool
	doubt   string
	why     string // it was rejected
}

// Take suppresses the contacts of some rows, or checks the rows in a dry run. It
// counts what became of each, and returns why each was rejected, in their order;
// "" for a row that was taken. After an error any of the rows may be written; all
// may be taken again.
func (im *Import) Take(ctx context.Context, rows []Row) (whys []string, err error) {
	var set *contact.KeySet
	if !im.DryRun {
		if set, err = im.o.contactKeys(ctx); err != nil {
			return nil, err
		}
	}
	all := make([]taken, len(rows))
	if im.columns.tellsKeys() {
		err = im.takeKeys(ctx, set, rows, all)
	} else {
		err = im.takeContacts(ctx, set, rows, all)
	}
	if err != nil {
		return nil, err
	}
	for i, r := range rows {
		im.Counts.note(r.Line, all[i])
		whys = append(whys, all[i].why)
	}
	return whys, nil
}

// takeContacts takes rows that name contacts, or tells why one cannot be taken. A
// contact that cannot be read does not stop the other contacts of the row.
func (im *Import) takeContacts(ctx context.Context, set *contact.KeySet, rows []Row, all []taken) error {
	var asked requests
	for i, r := range rows {
		people, change, t := im.read(r)
		all[i] = t
		if im.DryRun {
			continue
		}
		for _, who := range people {
			known, err := set.Known(who)
			if err != nil {
				return err
			}
			asked.add(&all[i], known, change)
		}
	}
	return im.apply(ctx, asked)
}

const unreadableContact = "what is stored of this contact cannot be read; until it is mended nothing is sent"

// requests are changes, each with its row.
type requests struct {
	changes []suppression.Request
	rows    []*taken
}

func (r *requests) add(row *taken, who contact.Known, c suppression.Change) {
	r.changes, r.rows = append(r.changes, suppression.Request{Who: who, Change: c}), append(r.rows, row)
}

// apply makes the changes, and notes in the rows what came of them.
func (im *Import) apply(ctx context.Context, asked requests) error {
	if len(asked.changes) == 0 {
		return nil
	}
	results, err := im.o.Suppressions.ApplyAll(ctx, asked.changes, im.o.Now())
	for n, result := range results {
		row := asked.rows[n]
		if result.Err != nil {
			row.why = cmp.Or(row.why, unreadableContact)
			continue
		}
		row.effects = append(row.effects, result.Outcome.Effect)
	}
	return err
}

// note counts a row.
func (c *ImportCounts) note(line int, t taken) {
	add := func(to *map[string]Reject, why string) {
		if *to == nil {
			*to = map[string]Reject{}
		}
		before := (*to)[why]
		(*to)[why] = Reject{before.Lines + 1, cmp.Or(before.First, line)}
	}
	c.Lines++
	switch {
	case t.why != "":
		c.Rejected++
		add(&c.Why, t.why)
	case t.skipped:
		c.Skipped++
	default:
		c.Taken++
	}
	if t.doubt != "" && t.why == "" {
		c.Doubts++
		add(&c.Doubtful, t.doubt)
	}
	for _, effect := range t.effects {
		switch effect {
		case suppression.Added:
			c.Added++
		case suppression.Renewed:
			c.Renewed++
		case suppression.NotedOnly:
			c.Noted++
		case suppression.NoEffect, suppression.Lifted, suppression.OlderThanMark, suppression.NotUndoable:
			c.Same++
		}
	}
}

// tellsKeys reports whether the file is our own export.
func (c *Columns) tellsKeys() bool { return slices.Contains(c.fields, fieldKey) }

// parseStart reads a moment, or a day of the zone: its noon, as some days of
// some zones have no midnight.
func parseStart(text string, zone *time.Location) (time.Time, error) {
	if start, err := time.Parse(time.RFC3339, text); err == nil {
		return start, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, errors.New("must be a time like 2024-08-31T10:00:00Z, or a date like 2024-08-31")
	}
	noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
	if noon.Format(time.DateOnly) != text {
		return time.Time{}, fmt.Errorf("%s has no such day", zone)
	}
	return noon, nil
}
