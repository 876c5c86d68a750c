package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/contact"
	"stille/shared/reference"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Row is one row of a file: the text of its columns, or why there is none.
type Row struct {
	Line   int    // number of its first line; the file's first line is 1
	Raw    []byte // as it stands in the file, with its end of line
	Fields map[string]string
	Err    error
}

// Field is the text of a column without the space around it.
func (r Row) Field(name string) string { return strings.TrimSpace(r.Fields[name]) }

// ImportColumns are the columns that a file of opt-outs may have.
func ImportColumns() []string {
	return []string{"channel", "address", "scope", "reason", "since", "source"}
}

// ImportSettings say how the rows of one file are understood.
type ImportSettings struct {
	Scope  string         // of a row that names none; may be empty
	Region string         // of numbers without a country code
	Zone   *time.Location // whose days count where a row gives a date
	DryRun bool
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
}

// ImportCounts are what became of the rows.
type ImportCounts struct {
	Lines    int               `json:"lines"` // rows that are not empty
	Added    int               `json:"added"`
	Renewed  int               `json:"renewed"`   // suppressed before, by an older event
	Noted    int               `json:"noted"`     // recorded; newer consent is known
	Same     int               `json:"unchanged"` // an event as new or newer was known
	Valid    int               `json:"valid"`     // of a dry run
	Rejected int               `json:"rejected"`
	Why      map[string]Reject `json:"why,omitempty"`
}

// Reject is how many rows were rejected for one reason.
type Reject struct {
	Lines int `json:"lines"`
	First int `json:"first"` // line of the first of them
}

// Import begins an import. It reads no row.
func (o *Operator) Import(ctx context.Context, settings ImportSettings) (*Import, error) {
	im := &Import{ImportSettings: settings, Began: o.Now(), o: o}
	var err error
	if im.scopes, err = o.Config.Scopes(ctx); err != nil {
		return nil, err
	}
	if only, ok := im.scopes.Only(); ok {
		im.fallback = only.Scope
	}
	if settings.Scope != "" {
		im.fallback, err = o.scope(ctx, settings.Scope)
	}
	return im, err
}

// Meaning identifies all that decides what the import does with a row.
func (im *Import) Meaning() string {
	return fmt.Sprintf("%s\x00%s\x00%s\x00%s\x00%s\x00", im.o.Stack, im.o.Where, im.fallback, im.Region, im.Zone)
}

// writesAtOnce is how many rows are written at the same time.
const writesAtOnce = 16

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
	whys, effects := make([]string, len(rows)), make([]suppression.Effect, len(rows))
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(writesAtOnce)
	for i, r := range rows {
		group.Go(func() (err error) {
			effects[i], whys[i], err = im.take(inGroup, set, r)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, r := range rows {
		im.Counts.note(r.Line, effects[i], whys[i], im.DryRun)
	}
	return whys, nil
}

// take takes one row, or tells why it cannot be taken.
func (im *Import) take(ctx context.Context, set *contact.KeySet, r Row) (effect suppression.Effect, why string, err error) {
	who, change, unfit := im.read(r)
	if unfit != nil {
		return "", unfit.Error(), nil
	}
	if im.DryRun {
		return "", "", nil
	}
	known, err := set.Known(who)
	if err != nil {
		return "", "", err
	}
	outcome, err := im.o.Suppressions.Apply(ctx, known, change, im.o.Now())
	if errors.Is(err, suppression.ErrUnreadable) {
		return "", "what is stored of this contact cannot be read; until it is mended nothing is sent", nil
	}
	return outcome.Effect, "", err
}

// note counts a row.
func (c *ImportCounts) note(line int, effect suppression.Effect, why string, dryRun bool) {
	c.Lines++
	switch {
	case why != "":
		c.Rejected++
		if c.Why == nil {
			c.Why = map[string]Reject{}
		}
		before := c.Why[why]
		c.Why[why] = Reject{before.Lines + 1, cmp.Or(before.First, line)}
	case dryRun:
		c.Valid++
	case effect == suppression.Added:
		c.Added++
	case effect == suppression.Renewed:
		c.Renewed++
	case effect == suppression.NotedOnly:
		c.Noted++
	default:
		c.Same++
	}
}

// read reads a row. The error says why the row cannot be taken, and repeats
// nothing of it.
func (im *Import) read(r Row) (contact.Contact, suppression.Change, error) {
	change := suppression.Change{Action: suppression.Suppress, Reason: suppression.Imported, Source: suppression.SourceImport}
	if r.Err != nil {
		return contact.Contact{}, change, r.Err
	}
	ch, err := contact.ParseChannel(strings.ToLower(r.Field("channel")))
	if err != nil {
		return contact.Contact{}, change, errors.New("channel: must be email or sms")
	}
	who, err := contact.Normalise(ch, r.Fields["address"], im.Region)
	if err != nil {
		return who, change, fmt.Errorf("address: %s", WhyInvalid(err))
	}
	for _, part := range []func(*suppression.Change, Row) error{im.readScope, readReason, im.readSince, readSource} {
		if err := part(&change, r); err != nil {
			return who, change, err
		}
	}
	return who, change, nil
}

func (im *Import) readScope(c *suppression.Change, r Row) error {
	c.Scope = scope.Scope(r.Field("scope"))
	if c.Scope == "" {
		c.Scope = im.fallback
	}
	if _, known := im.scopes.Lookup(c.Scope); known || c.Scope == scope.Everywhere {
		return nil
	}
	what := "there is no such scope"
	if c.Scope == "" {
		what = "missing, and --scope is not given"
	}
	return fmt.Errorf("scope: %s; there are %s, and * for all", what, scopeNames(im.scopes))
}

func readReason(c *suppression.Change, r Row) error {
	name := r.Field("reason")
	if name == "" {
		return nil
	}
	if suppression.Reason(name) == suppression.Erasure {
		return errors.New("reason: an erasure is asked for with `stille subject erase`")
	}
	var err error
	if c.Reason, err = suppression.ParseReported(name); err != nil {
		return fmt.Errorf("reason: %w", err)
	}
	return nil
}

// readSince takes the end of the day for a date: an opt-out of the same day as
// a consent may have been the later one.
func (im *Import) readSince(c *suppression.Change, r Row) error {
	given := r.Field("since")
	if given == "" {
		c.At = im.Began
		return nil
	}
	at, err := ParseStart(given, im.Zone)
	if err != nil {
		return errors.New("since: must be a time like 2026-11-20T08:00:00Z, or a date like 2026-11-20")
	}
	if len(given) == len(time.DateOnly) {
		if at = at.Add(12*time.Hour - time.Second); at.After(im.Began) && at.Add(-24*time.Hour).Before(im.Began) {
			at = im.Began // today
		}
	}
	if err := suppression.CheckTime(at, im.Began); err != nil {
		return fmt.Errorf("since: %w", err)
	}
	c.At = at.UTC()
	return nil
}

func readSource(c *suppression.Change, r Row) error {
	name := r.Field("source")
	if name == "" {
		return nil
	}
	if err := reference.Check(name); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	c.Source += suppression.Source(":" + name)
	return nil
}

// ParseStart reads a moment, or a day of the zone: its noon, as some days of
// some zones have no midnight.
func ParseStart(text string, zone *time.Location) (time.Time, error) {
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
