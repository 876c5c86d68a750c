package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/ledger"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/suppression"
)

type check struct {
	anyone
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Without it a suppression in any scope blocks, and no basis is asked for."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
}

func (c check) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Check(ctx, c.named(), c.Scope, c.Purpose)
	if answer != nil && answer.Why != "" {
		s.say("%s", answer.Why)
	}
	err = show(s, answer, err, func(w io.Writer, d *operator.Decision) {
		switch {
		case d.Send && d.Basis != "":
			fmt.Fprintf(w, "send; basis: %s, record %s%s\n", d.Basis, d.Evidence, lastDay(", through ", d.BasisUntil))
		case d.Send:
			fmt.Fprintln(w, "send")
		case !d.Since.IsZero():
			fmt.Fprintf(w, "do not send: %s in %s since %s\n", d.Reason, d.Scope, instantText(d.Since))
		case d.Scope != "":
			fmt.Fprintf(w, "do not send: %s in %s%s\n", d.Reason, d.Scope, lastDay(" after ", d.BasisUntil))
		default:
			fmt.Fprintln(w, "do not send:", d.Reason)
		}
	})
	return verdict(answer != nil && answer.Send, err)
}

// lastDay puts the last day of a basis, if there is one, behind a word.
func lastDay(behind, day string) string {
	if day == "" {
		return ""
	}
	return behind + day
}

type add struct {
	person
	Scope  string              `placeholder:"SCOPE" help:"Whose messages stop: a brand, a topic of it, or * for all. May be left out where there is one brand."`
	Reason suppression.Reason  `enum:"${reasons}" default:"manual" help:"One of ${reasons}."`
	At     *suppression.Moment `placeholder:"TIME" help:"When the person said it; the default is now, and a time ahead is now."`
	Note   string              `check:"reference" placeholder:"REF" help:"Where the matter is written down: 1 to 64 characters of A-Za-z0-9._:/-"`
}

func (a add) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Add(ctx, a.named(), a.Scope, a.Reason, a.At, a.Note)
	return show(s, answer, err, func(w io.Writer, done *operator.Addition) {
		what := map[suppression.Effect]string{
			suppression.Added:     "suppressed",
			suppression.Renewed:   "suppressed before, and now by a newer event",
			suppression.NotedOnly: "recorded, but not suppressed, as there is a newer release",
			suppression.NoEffect:  "nothing changed, as an event as new or newer is known",
		}[done.Effect]
		fmt.Fprintf(w, "%s: %s in %s\n", what, done.Reason, done.Scope)
	})
}

type releaseCmd struct {
	person
	Scope       string             `required:"" placeholder:"SCOPE" help:"Exactly where the silence ends: a brand, a topic of it, or * for what was said for all."`
	ConsentedAt suppression.Moment `required:"" placeholder:"TIME" help:"When the person consented. A whole second means its end; up to five minutes ahead is now."`
	Evidence    string             `check:"reference" required:"" placeholder:"REF" help:"Where the consent is kept: 1 to 64 characters of A-Za-z0-9._:/-"`
	Override    bool               `help:"Lift complaints and hard bounces too: you have made sure that the person wants it, or that the address works."`
}

func (r releaseCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Release(ctx, r.named(), r.Scope, r.ConsentedAt, r.Evidence, r.Override)
	return show(s, answer, err, func(w io.Writer, a *operator.Released) {
		if a.Released {
			fmt.Fprintf(w, "released in %s", a.Scope)
		} else {
			fmt.Fprintf(w, "not released in %s: %s", a.Scope, a.Reason)
		}
		if a.Stands != nil {
			fmt.Fprintf(w, "; %s in %s stands", a.Stands.Reason, a.Stands.Scope)
		}
		fmt.Fprintln(w)
	})
}

type history struct{ person }

func (h history) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.History(ctx, h.named())
	return show(s, answer, err, func(w io.Writer, told *operator.Told) {
		if told.Verified {
			fmt.Fprintf(w, "the chain is verified; entries: %d\n", len(told.Entries))
		}
		if len(told.Entries) > 0 {
			t := newTable(w, "AT", "ACTION", "REASON", "SCOPE", "SOURCE", "NOTE", "RECORDED")
			for _, e := range told.Entries {
				note := e.Note
				if e.Action == ledger.Rekeyed {
					note = "took over what was known under the key " + e.Former.Short()
				}
				t.row(e.At, e.Action, e.Reason, e.Scope, e.Source, note, e.RecordedAt)
			}
			t.end()
		}
	})
}

type exportCmd struct {
	File  string `arg:"" check:"list" help:"The file to write: CSV where its name ends in .csv, NDJSON where it ends in .ndjson or .jsonl."`
	Scope string `placeholder:"SCOPE" help:"Only what stops messages of this brand or topic: said there, below it or for all brands."`
}

func (e exportCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	format, err := files.ListFormat(e.File)
	if err != nil {
		return err
	}
	shown := s.progress()
	var answer operator.Exported
	err = files.Replace(e.File, func(w io.Writer) error {
		put, flush := format(w)
		var err error
		answer, err = o.Export(ctx, e.Scope, put, func(contacts int) { shown.at(contacts, 0, "contacts") })
		if err != nil {
			return err
		}
		return flush()
	})
	shown.end()
	if err != nil {
		return err
	}
	answer.File = e.File
	if answer.Unreadable > 0 {
		err = fmt.Errorf("suppressions that cannot be read: %d; nothing is sent to them, and the file names their keys", answer.Unreadable)
	}
	return show(s, &answer, err, func(w io.Writer, a *operator.Exported) {
		fmt.Fprintf(w, "contacts  %d\nlines     %d, without a header\n\n%s\n", a.Contacts, a.Lines, a.File)
	})
}
