package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"stille/shared/aws/evidence"
	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

type proof struct {
	Class string `arg:"" help:"A class of the retention policy."`
	ID    string `arg:"" help:"The record's id."`
}

// Help says where it looks.
func (proof) Help() string {
	return `Reads the record itself, the holds over it, and, where there is no such record, the lists of the class's certificates, the newest first. Only who may read the proof keys can look into those.

    $ stille proof messaging sub-81
    deleted  in the run 0b9c2f6e-1c1d-4a53-9d8b-2f6a3e0d7c11
    on       2026-11-22T02:41:07Z
    backups  hold it no more from 2026-11-30 on`
}

// fate is what became of a record.
type fate string

// What may have become of a record.
const (
	fateDeleted fate = "deleted" // a certificate lists it
	fatePurging fate = "purging" // a run has marked it; its objects go, then it
	fateHeld    fate = "held"
	fateKept    fate = "kept" // its day has not come
	fateDue     fate = "due"  // its day has come; the next purge takes it up
	fateUnknown fate = "unknown"
)

type proofAnswer struct {
	Class string `json:"class"`
	ID    string `json:"id"`
	Fate  fate   `json:"fate"`

	KeptThrough string       `json:"keptThrough,omitempty"` // absent while it runs, and where it was withdrawn before
	DueFrom     time.Time    `json:"dueFrom,omitzero"`
	Withdrawn   time.Time    `json:"withdrawnAt,omitzero"`
	Holds       []holdAnswer `json:"holds,omitempty"`

	Run          string    `json:"run,omitempty"` // that deleted it, or deletes it
	DeletedAt    time.Time `json:"deletedAt,omitzero"`
	Certificate  string    `json:"certificate,omitempty"` // its hash
	BackupGoneOn string    `json:"backupGoneOn,omitempty"`

	NotCertified []string `json:"notCertified,omitempty"` // runs that may have deleted it: nothing lists that yet
}

func (a proofAnswer) text(w io.Writer) {
	line := func(what, format string, args ...any) {
		fmt.Fprintf(w, "%-9s%s\n", what, fmt.Sprintf(format, args...))
	}
	switch a.Fate {
	case fateDeleted:
		line("deleted", "in the run %s", a.Run)
		line("on", "%s, when the run ended", a.DeletedAt.Format(time.RFC3339))
		line("proof", "certificate %s, verified just now", a.Certificate)
		line("backups", "hold it no more from %s on", a.BackupGoneOn)
		fmt.Fprintf(w, "\nnext: stille certificate get %s --out %s\n", a.Run, a.Run)
	case fatePurging:
		line("purging", "the run %s has marked it: its objects go, and then it goes", a.Run)
	case fateHeld:
		line("held", "it stays, whatever its day is")
	case fateDue:
		line("due", "it is still here, and the next purge of %s takes it up", a.Class)
	case fateKept:
		line("kept", "it is still here, and its day has not come")
	default:
		line("unknown", "%s has no such record, and no certificate lists one", a.Class)
	}
	for _, h := range a.Holds {
		line("held", "by the case %s since %s (%s)", h.Case, h.SetAt.Format(time.RFC3339), h.Kind)
	}
	a.day(line)
	for _, run := range a.NotCertified {
		line("but", "the run %s is not certified yet: it may have deleted it", run)
	}
}

// day says when it is due, of a record that is there.
func (a proofAnswer) day(line func(what, format string, args ...any)) {
	switch {
	case a.Fate == fateDeleted, a.Fate == fateUnknown:
	case !a.Withdrawn.IsZero() && a.DueFrom.Equal(a.Withdrawn):
		line("day", "withdrawn, so due from %s", a.DueFrom.Format(time.RFC3339))
	case a.DueFrom.IsZero():
		line("day", "none: it has not ended")
	default:
		line("day", "kept through %s, due from %s", a.KeptThrough, a.DueFrom.Format(time.RFC3339))
	}
}

// Run looks for the record.
func (p proof) Run(ctx context.Context, s *session) error {
	class, _, err := s.class(ctx, p.Class)
	if err != nil {
		return err
	}
	for _, fault := range class.Validate(retention.Record{ID: p.ID}, s.now()) {
		if fault.Field == "id" {
			return usage("the id %s", fault.Detail)
		}
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	answer := proofAnswer{Class: class.Name, ID: p.ID}
	record, err := sys.records.Get(ctx, class.Name, p.ID)
	switch {
	case errors.Is(err, retention.ErrNoRecord):
		if err := answer.gone(ctx, sys); err != nil {
			return err
		}
	case errors.Is(err, retention.ErrUnreadable):
		return fmt.Errorf("the record is there, and %w: no purge deletes it, and each counts it as failed", err)
	case err != nil:
		return err
	default:
		if err := answer.there(ctx, sys, class, record, s.now()); err != nil {
			return err
		}
	}
	return s.show(answer)
}

// there tells how a record stands that is there.
func (a *proofAnswer) there(ctx context.Context, sys *system, class retention.Class, record retention.Stored, now time.Time) error {
	if err := a.holds(ctx, sys, record.Targets(class.Name)); err != nil {
		return err
	}
	a.Run, a.Withdrawn = record.PurgingBy, record.WithdrawnAt
	if due, ended := class.DueFrom(record.Record); ended {
		a.DueFrom = due
	}
	if !record.Start.IsZero() && !a.DueFrom.Equal(record.WithdrawnAt) {
		a.KeptThrough = class.Keep.LastDay(record.Start, class.Location()).String()
	}
	switch {
	case record.PurgingBy != "":
		a.Fate = fatePurging
	case len(a.Holds) > 0:
		a.Fate = fateHeld
	case class.Due(record.Record, now):
		a.Fate = fateDue
	default:
		a.Fate = fateKept
	}
	return nil
}

// holds lists the holds on the targets that stand.
func (a *proofAnswer) holds(ctx context.Context, sys *system, on []retention.Target) error {
	all, err := sys.holds.List(ctx)
	if err != nil {
		return err
	}
	a.Holds = shown(slices.DeleteFunc(all, func(h retention.Hold) bool { return !h.Active() || !slices.Contains(on, h.Target) }))
	return nil
}

// gone looks for the certificate that lists a record which is not there.
func (a *proofAnswer) gone(ctx context.Context, sys *system) error {
	a.Fate = fateUnknown
	if err := a.holds(ctx, sys, []retention.Target{retention.RecordTarget(a.Class, a.ID)}); err != nil {
		return err
	}
	keys, err := sys.keys.Proof(ctx)
	if err != nil {
		return err
	}
	certificates, err := sys.certificates(ctx)
	if err != nil {
		return err
	}
	public, err := certificates.PublicKey(ctx)
	if err != nil && !errors.Is(err, evidence.ErrNoCertificate) { // there is none before the first
		return err
	}
	runs, err := sys.runs.List(ctx, a.Class)
	if err != nil {
		return err
	}
	slices.SortFunc(runs, func(x, y purge.Run) int { return cmp.Or(y.EndedAt.Compare(x.EndedAt), cmp.Compare(x.ID, y.ID)) })
	hmac := keys.HMAC(a.Class, a.ID)
	for _, run := range runs {
		switch {
		case run.Audit:
			continue
		case !run.Certified():
			a.NotCertified = append(a.NotCertified, run.ID)
			continue
		case run.Counts.Deleted == 0:
			continue
		}
		sealed, err := certificates.Load(ctx, run.Class, run.ID)
		if err != nil {
			return fmt.Errorf("the certificate of the run %s: %w", run.ID, err)
		}
		says, err := certificate.Verify(sealed, public)
		if err != nil {
			return fmt.Errorf("the certificate of the run %s: %w", run.ID, err)
		}
		if sealed.Lists(hmac) {
			a.Fate, a.NotCertified = fateDeleted, nil
			a.Run, a.DeletedAt, a.Certificate, a.BackupGoneOn = run.ID, says.EndedAt, certificate.Hash(sealed.JSON), says.BackupGoneOn
			return nil
		}
	}
	return nil
}
