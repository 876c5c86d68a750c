package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

type subjectErase struct {
	person
	Case reference `placeholder:"REF" help:"Where the request is told: 1 to 64 characters of A-Za-z0-9._:/-"`
}

// Help says what goes, when, and what stays.
func (subjectErase) Help() string {
	return `This deletes data, tonight: every record of the contact, in every class, is due from now on, and goes with the next purge of its class. So do records that arrive late, if what they tell occurred before. Nothing is deleted by this command itself, and no newer consent brings back what was to be erased.

What stays: the opt-out, in every scope, as a keyed hash without the address, with its history, so that nothing is ever sent again; and what a hold keeps, as long as it does. A person's other channel is another contact: erase each.

Said again it counts again, for what came in between.

    $ stille subject erase email kari@example.no --case dsr-2026-9`
}

// erasedClass is what an erasure meets in one class.
type erasedClass struct {
	Class      string       `json:"class"`
	Records    int          `json:"records"` // of the contact, all of them
	Going      int          `json:"going"`   // with the next purge
	NextPurge  time.Time    `json:"nextPurge"`
	Held       []heldRecord `json:"held,omitempty"`
	Unreadable []string     `json:"unreadable,omitempty"` // no purge takes up a record that cannot be understood
	Later      []string     `json:"later,omitempty"`      // what they tell occurred after the erasure
}

// heldRecord is a record that stays as long as a case holds it.
type heldRecord struct {
	ID    string   `json:"id"`
	Cases []string `json:"cases"`
}

type eraseAnswer struct {
	receipt
	Effect  suppression.Effect `json:"effect"` // empty where the same was said before
	Classes []erasedClass      `json:"classes"`
	Next    string             `json:"next,omitempty"`
}

func (a eraseAnswer) text(w io.Writer) {
	a.receipt.text(w)
	fmt.Fprintf(w, "\n%s\n\ngoes\n", map[suppression.Effect]string{
		suppression.Added:     "The contact is silenced in every scope, and its records are due.",
		suppression.Renewed:   "The contact was to be erased before; what came since then is due as well.",
		suppression.NotedOnly: "Recorded, and the records are due; newer consent is known, so the contact is not silenced by it.",
		suppression.NoEffect:  "The same was said before, and stands.",
	}[a.Effect])
	none := true
	for _, class := range a.Classes {
		if class.Going > 0 {
			none = false
			fmt.Fprintf(w, "  %s: %d of %d records, with the purge at %s\n", class.Class, class.Going, class.Records, class.NextPurge.Format(time.RFC3339))
		}
	}
	if none {
		fmt.Fprintln(w, "  nothing: there is no record of the contact that a purge could take")
	}
	fmt.Fprintln(w, "  and whatever arrives late and occurred before")
	a.stays(w)
	if a.Next != "" {
		fmt.Fprintf(w, "\nnext, in a minute, to see what is due: %s\n", a.Next)
	}
}

func (a eraseAnswer) stays(w io.Writer) {
	fmt.Fprintf(w, "stays\n"+
		"  the opt-out, as the keyed hash %s and its history: without it somebody could be sent to again\n"+
		"  backups of what goes, for %d days after that\n", a.Keys[0], retention.BackupDays)
	for _, class := range a.Classes {
		for _, held := range class.Held {
			fmt.Fprintf(w, "  record %s %s: held by %s\n", class.Class, held.ID, strings.Join(held.Cases, ", "))
		}
		for _, id := range class.Unreadable {
			fmt.Fprintf(w, "  record %s %s: it cannot be read, so no purge takes it; mend it or delete it by hand\n", class.Class, id)
		}
		for _, id := range class.Later {
			fmt.Fprintf(w, "  record %s %s: by its own words it is from after the erasure; say it again then\n", class.Class, id)
		}
	}
}

// Run writes the erasure and says what comes of it.
func (e subjectErase) Run(ctx context.Context, s *session) error {
	policy, err := s.policy(ctx)
	if err != nil {
		return err
	}
	of, err := s.subject(ctx, "erase", e.person, e.Case)
	if err != nil {
		return err
	}
	outcome, err := of.sys.suppressions.Apply(ctx, contact.Known{Channel: of.who.Channel(), Keys: of.keys}, suppression.Change{
		Action: suppression.Suppress, Scope: scope.Everywhere, Reason: suppression.Erasure, At: of.At,
		Source: suppression.SourceOperator, Note: string(e.Case),
	}, of.At)
	if err != nil {
		return err
	}
	answer := eraseAnswer{receipt: of.receipt, Effect: outcome.Effect}
	if answer.Ledger, err = entryOf(ctx, of.sys, outcome); err != nil {
		return err
	}
	keys := append(slices.Clone(of.keys), outcome.Item.Former...)
	for _, class := range policy.Classes {
		met, err := erasedIn(ctx, of.sys, class, keys, outcome.Item)
		if err != nil {
			return fmt.Errorf("the erasure stands (ledger %s); looking what it meets: %w", answer.Ledger, err)
		}
		met.NextPurge = class.NextPurge(of.At)
		answer.Classes = append(answer.Classes, met)
		if met.Going > 0 && answer.Next == "" {
			answer.Next = "stille purge plan " + class.Name
		}
	}
	return s.show(answer)
}

// entryOf is the id of the ledger entry that an erasure stands on: its own, or,
// where it changed nothing, that of the one before.
func entryOf(ctx context.Context, sys *system, outcome suppression.Outcome) (string, error) {
	if outcome.Entry != nil {
		return outcome.Entry.ID, nil
	}
	entries, err := sys.suppressions.History(ctx, outcome.Item.Key)
	if err != nil {
		return "", err
	}
	for _, entry := range slices.Backward(entries) {
		if entry.Action == ledger.Suppressed && entry.Reason == string(suppression.Erasure) && entry.Scope == scope.Everywhere {
			return entry.ID, nil
		}
	}
	return "", nil
}

// erasedIn tells what the erasure in the item meets in a class.
func erasedIn(ctx context.Context, sys *system, class retention.Class, keys []contact.Key, item suppression.Item) (erasedClass, error) {
	met := erasedClass{Class: class.Name}
	records, unreadable, err := recordsOf(ctx, sys, class.Name, keys)
	if err != nil {
		return met, err
	}
	met.Records = len(records) + len(unreadable)
	for _, id := range unreadable {
		met.Unreadable = append(met.Unreadable, shownID(id))
	}
	var targets []retention.Target
	for _, record := range records {
		targets = append(targets, record.Targets(class.Name)...)
	}
	holds, err := holdsOn(ctx, sys, targets)
	if err != nil {
		return met, err
	}
	for _, record := range records {
		cases := casesOn(holds, record, class.Name)
		switch {
		case len(cases) > 0:
			met.Held = append(met.Held, heldRecord{shownID(record.ID), cases})
		case suppression.WithdrawnAt(item, class.Name, record.Scope, record.OccurredAt).IsZero():
			met.Later = append(met.Later, shownID(record.ID))
		default:
			met.Going++
		}
	}
	return met, nil
}

// casesOn are the cases that keep a record; none of one that is being purged
// already.
func casesOn(holds []retention.Hold, record retention.Stored, class string) []string {
	if record.PurgingBy != "" {
		return nil
	}
	var cases []string
	for _, h := range holds {
		if h.Active() && slices.Contains(record.Targets(class), h.Target) && !slices.Contains(cases, h.Case) {
			cases = append(cases, h.Case)
		}
	}
	return cases
}
