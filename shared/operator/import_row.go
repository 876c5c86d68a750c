package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sync/errgroup"

	"stille/shared/contact"
	"stille/shared/reference"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// read reads a row. Nothing that it returns in words repeats what stands in the row.
func (im *Import) read(r Row) (people []contact.Contact, change suppression.Change, t taken) {
	if r.Err != nil && r.Cells == nil {
		t.why = r.Err.Error()
		return nil, change, t
	}
	if im.columns.tellsNoOptOut(r) {
		t.skipped = true
		return nil, change, t
	}
	in, err := im.scopeOf(r)
	if err != nil {
		t.why = cmp.Or(r.Err, err).Error()
		return nil, change, t
	}
	var doubts [4]string
	people, doubts[3], err = im.people(r)
	if err != nil {
		t.why = cmp.Or(r.Err, err).Error()
	}
	change = suppression.Change{Action: suppression.Suppress, Scope: in, At: im.Began, Source: suppression.SourceImport}
	change.Reason, doubts[0] = im.reason(r)
	change.At, doubts[1] = im.since(r, &change)
	change.Source, doubts[2] = sourceOf(im.columns.text(r, FieldSource))
	if doubts[0] != "" {
		change.At = im.Began
	}
	t.doubt = cmp.Or(doubts[:]...)
	return people, change, t
}

// people are the contacts of a row. The error is about a cell that cannot be read;
// a doubt is about letters in an encoding that the file does not name.
func (im *Import) people(r Row) (people []contact.Contact, doubt string, unfit error) {
	for i := range min(len(r.Cells), len(im.columns.fields)) {
		text := r.cell(i)
		ch, is := im.columns.channel(r, i)
		if !is || text == "" {
			continue
		}
		if im.columns.fields[i] == FieldAddress && im.columns.text(r, FieldChannel) == "" {
			ch = cmp.Or(im.Channel, ch)
		}
		if _, err := contact.ParseChannel(string(ch)); err != nil {
			unfit = errors.New("channel: must be email or sms")
			continue
		}
		all, err := contactsIn(ch, text, im.Region)
		if err != nil {
			unfit = fmt.Errorf("address: %s", whyInvalid(err))
		}
		if r.Guessed && strings.ContainsFunc(text, func(c rune) bool { return c > unicode.MaxASCII }) {
			doubt = "address: letters that are not UTF-8 were read as an older encoding; save the file as CSV UTF-8 and import it again"
		}
		people = append(people, all...)
	}
	if len(people) == 0 && unfit == nil {
		unfit = errors.New("address: there is none")
	}
	return people, doubt, unfit
}

func (im *Import) scopeOf(r Row) (scope.Scope, error) {
	in := scope.Scope(im.columns.text(r, FieldScope))
	if in == "" {
		in = im.fallback
	}
	if _, known := im.scopes.Lookup(in); known || in == scope.Everywhere {
		return in, nil
	}
	what := "there is no such scope"
	if in == "" {
		what = "missing, and --scope is not given"
	}
	return "", fmt.Errorf("scope: %s; there are %s, and * for all", what, im.scopes.Names())
}

// reason is why the contacts of a row are suppressed. Whatever the reason was, the
// person said no: a reason that cannot be read is a doubt.
func (im *Import) reason(r Row) (suppression.Reason, string) {
	given := im.columns.text(r, FieldReason)
	if given == "" {
		return cmp.Or(im.Reason, im.columns.export.reason, suppression.Imported), ""
	}
	if reason, known := im.columns.export.reasonOf(given); known {
		return reason, ""
	}
	if suppression.Reason(strings.ToLower(given)) == suppression.Erasure {
		return suppression.Imported, "reason: taken as imported; an erasure is asked for with `stille subject erase`"
	}
	return suppression.Imported, "reason: cannot be read; taken as imported, as of now"
}

// since is when the contacts of a row said no: of a date the end of the day, as an
// opt-out of the same day as a consent may have been the later one. A time that
// cannot be read is now. The reason then is imported, unless newer consent does
// not lift the reason that the row gives.
func (im *Import) since(r Row, c *suppression.Change) (time.Time, string) {
	n := slices.Index(im.columns.fields, FieldSince)
	if n < 0 {
		return im.Began, ""
	}
	given := r.cell(n)
	switch {
	case strings.Trim(given, "0-:. T") != "":
	case im.columns.known: // other rows of the export have a time
		return im.Began, "since: empty; taken as of now"
	default:
		return im.Began, ""
	}
	m, doubtful, ok := readTime(given, im.zone, im.columns.orders[n], im.Began)
	switch {
	case !ok || m.at.UTC().Year() < 1970:
		if c.Reason.Liftable() {
			c.Reason = suppression.Imported
		}
		return im.Began, "since: cannot be read; taken as of now"
	case !m.at.After(im.Began) && doubtful:
		return m.at.UTC(), "since: the day or the month may come first; taken as the later day"
	case !m.at.After(im.Began):
		return m.at.UTC(), ""
	case m.day && m.at.Add(-24*time.Hour).Before(im.Began): // today
		return im.Began, ""
	}
	return im.Began, "since: lies in the future; taken as of now"
}

// sourceOf is where the row came from, if a reference names it.
func sourceOf(name string) (suppression.Source, string) {
	switch {
	case name == "":
		return suppression.SourceImport, ""
	case reference.Check(name) != nil:
		return suppression.SourceImport, "source: " + reference.ErrInvalid.Error() + "; left out"
	}
	return suppression.SourceImport + suppression.Source(":"+name), ""
}

// takeKeys takes rows of our own export. A row names the contact by its key, so
// only a stack with the same contact keys can use the row. A row with one
// change is taken with the others; a row with several goes step by step.
func (im *Import) takeKeys(ctx context.Context, set *contact.KeySet, rows []Row, all []taken) error {
	var asked requests
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(rowsAtOnce)
	for i, r := range rows {
		who, changes, unfit := im.readKey(r)
		switch {
		case unfit != nil:
			all[i].why = unfit.Error()
		case im.DryRun:
		case !slices.ContainsFunc(who.Keys, set.Live):
			all[i].why = "key: this stack has no such contact key; import where the list was exported"
		case len(changes) == 1 && changes[0].Action == suppression.Suppress:
			asked.add(&all[i], who, changes[0])
		default:
			group.Go(func() (err error) {
				all[i], err = im.takeSteps(inGroup, who, changes)
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return im.apply(ctx, asked)
}

// takeSteps makes the changes of one row. A release that the row tells of is
// written down where the contact is not suppressed: so it lifts nothing, and an
// older event that arrives later finds it.
func (im *Import) takeSteps(ctx context.Context, who contact.Known, changes []suppression.Change) (t taken, err error) {
	item, err := im.o.Suppressions.Get(ctx, who.Keys)
	for _, c := range changes {
		if err != nil {
			break
		}
		if c.Action == suppression.Release && item.Marks[c.Scope][c.Reason].Active() {
			continue
		}
		var outcome suppression.Outcome
		if outcome, err = im.o.Suppressions.Apply(ctx, who, c, im.o.Now()); c.Action == suppression.Suppress && len(t.effects) == 0 {
			t.effects = append(t.effects, outcome.Effect)
		}
	}
	if errors.Is(err, suppression.ErrUnreadable) {
		t.why, err = unreadableContact, nil
	}
	return t, err
}

// readKey reads a row of our own export: the changes that lead to what it says.
func (im *Import) readKey(r Row) (who contact.Known, changes []suppression.Change, err error) {
	if r.Err != nil {
		return who, nil, r.Err
	}
	for _, f := range []Field{fieldMerged, fieldKey} { // the newest key comes first
		if text := im.columns.text(r, f); text != "" {
			key, err := contact.ParseKey(text)
			if err != nil {
				return who, nil, fmt.Errorf("%s: not a contact key", f)
			}
			who.Keys = append(who.Keys, key)
		}
	}
	if len(who.Keys) == 0 {
		return who, nil, errors.New("key: there is none")
	}
	if who.Channel, err = contact.ParseChannel(im.columns.text(r, FieldChannel)); err != nil {
		return who, nil, errors.New("channel: must be email or sms; what could not be read when it was exported has none")
	}
	in, err := im.scopeOf(r)
	if err != nil {
		return who, nil, err
	}
	reason, known := suppression.ParseReason(im.columns.text(r, FieldReason))
	if !known {
		return who, nil, errors.New("reason: there is no such reason")
	}
	source := suppression.Source(im.columns.text(r, FieldSource))
	if reference.Check(string(source)) != nil {
		source = suppression.SourceImport
	}
	for _, event := range []struct {
		field  Field
		action suppression.Action
	}{{fieldReleased, suppression.Release}, {fieldFirst, suppression.Suppress}, {fieldLast, suppression.Suppress}} {
		text := im.columns.text(r, event.field)
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil || at.UTC().Year() < 1970 {
			return who, nil, fmt.Errorf("%s: must be a time like 2026-11-20T08:00:00Z", event.field)
		}
		if at.After(im.Began) {
			at = im.Began
		}
		if c := (suppression.Change{Action: event.action, Scope: in, Reason: reason, At: at.UTC(), Source: source}); !slices.Contains(changes, c) {
			changes = append(changes, c)
		}
	}
	if len(changes) == 0 {
		return who, nil, errors.New("first, last and released: there is no time")
	}
	return who, changes, nil
}
