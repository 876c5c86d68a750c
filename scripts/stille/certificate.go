package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/operator/files"
)

type certificateCmd struct {
	Get    certificateGet    `cmd:"" help:"Fetch the certificate of a run."`
	Verify certificateVerify `cmd:"" help:"Verify a fetched certificate, offline."`
}

type certificateGet struct {
	ID  string `arg:"" name:"run" help:"The run: the execution's name, as 'stille purge show' lists it."`
	Out string `required:"" placeholder:"DIR" help:"Folder to write the files to; it is made if it does not exist."`
}

func (c certificateGet) Run(ctx context.Context, s *session, o *operator.Operator) error {
	evidence, err := o.FetchCertificate(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := files.WriteCertificate(c.Out, evidence); err != nil {
		return err
	}
	return show(s, evidence, nil, func(w io.Writer, a *operator.Evidence) {
		for _, file := range a.Files {
			fmt.Fprintln(w, file)
		}
		fmt.Fprintf(w, "%s: %d before it\n", filepath.Join(c.Out, certificate.BeforeFolder), a.Before)
		if a.After > 0 {
			fmt.Fprintf(w, "%s: %d others\n", filepath.Join(c.Out, certificate.AfterFolder), a.After)
		}
		next(w, "stille certificate verify "+c.Out)
	})
}

type certificateVerify struct {
	Dir         string   `arg:"" help:"Folder that 'stille certificate get' or a drill wrote."`
	Fingerprint []string `sep:"none" placeholder:"SHA256" help:"Trust only the public key with this fingerprint: 64 hexadecimal digits, with or without colons. Repeatable, because the key of a class may have been rotated."`
}

func (c certificateVerify) Run(s *session) error {
	answer, err := files.VerifyCertificate(c.Dir, c.Fingerprint)
	return show(s, answer, err, func(w io.Writer, a *files.Verification) {
		certifiedText(w, a)
		for _, checked := range a.Checked {
			fmt.Fprintln(w, "ok  ", checked)
		}
	})
}

func certifiedText(w io.Writer, a *files.Verification) {
	if d := a.Drill; d != nil {
		fmt.Fprintf(w, "%s: the drill %s of %s at %s restored %d records, %d of them different\n",
			drillOutcome(d), d.Drill, d.Class, instantText(d.StartedAt), d.Copied, len(d.Twins.Different))
		return
	}
	says, n := a.Certificate, a.Certificate.Counts
	fmt.Fprintf(w, "%s: the purge %s of %s at %s deleted %d of %d due records (%d held, %d changed, %d failed, %d left)\n", says.Outcome,
		says.Run, says.Class, instantText(says.Cutoff), n.Deleted, n.Due, n.Held, n.Changed, n.Failed, n.Left)
	if says.Objects.Count > 0 {
		fmt.Fprintf(w, "objects in S3 that went with them: %d, in %d versions\n", says.Objects.Count, says.Objects.Versions)
	}
}

type proof struct {
	Class string `arg:"" help:"A class of the retention policy."`
	ID    string `arg:"" check:"record" help:"The record's id."`
}

func (p proof) Run(ctx context.Context, s *session, o *operator.Operator) error {
	proof, err := o.Prove(ctx, p.Class, p.ID)
	err = show(s, proof, err, proofText)
	return verdict(proof != nil && proof.Fate != operator.FateUnknown, err)
}

func proofText(w io.Writer, a *operator.Proof) {
	switch a.Fate {
	case operator.FateDeleted:
		facts(w, "deleted", "in the run "+a.Run, "on", instantText(a.DeletedAt)+", when the run ended",
			"proof", "certificate "+a.Certificate+", verified just now", "backups", "hold it no more from "+a.BackupGoneOn+" on")
		next(w, fmt.Sprintf("stille certificate get %s --out %s", a.Run, a.Run))
	case operator.FatePurging:
		facts(w, "purging", "the run "+a.Run+" has marked it: its objects go, and then it goes")
	case operator.FateHeld:
		facts(w, "held", "it stays, whatever its day is")
	case operator.FateDue:
		facts(w, "due", "it is still here, and the next purge of "+a.Class+" takes it up")
	case operator.FateLaw:
		facts(w, "kept", "by law "+lawText(a.KeptBy, a.KeptUntil))
	case operator.FateKept:
		facts(w, "kept", "it is still here, and its day has not come")
	case operator.FateReplaced, operator.FateUnreadable: // of an erasure alone
	case operator.FateUnknown:
		facts(w, "unknown", a.Class+" has no such record, and no certificate lists one")
	}
	for _, h := range a.Holds {
		facts(w, "held", fmt.Sprintf("by the case %s since %s (%s)", h.Case, instantText(h.SetAt), h.Kind))
	}
	facts(w, "day", dayText(a), "objects", objectsText(a))
	for _, run := range a.NotCertified {
		facts(w, "but", "the run "+run+" is not certified yet: it may have deleted it")
	}
}

// objectsText says what becomes of a record's objects; empty without any.
func objectsText(a *operator.Proof) string {
	if a.Objects == nil {
		return ""
	}
	said := []string{fmt.Sprintf("%d, which go before it, every version", a.Objects.Going)}
	if a.Objects.Others > 0 {
		said = append(said, fmt.Sprintf("%d belong to other records and stay", a.Objects.Others))
	}
	if a.Objects.Unclaimed > 0 {
		said = append(said, fmt.Sprintf("%d belong to no record, and keep it here: stille mend %s", a.Objects.Unclaimed, a.Class))
	}
	return strings.Join(said, "; ")
}

// lawText names the law and the last day on which it keeps a record.
func lawText(law, until string) string {
	if until == "" {
		return law + " until a day that the end of the record sets"
	}
	return law + " until " + until
}

// dayText says when a record is due; empty for a record that is not there.
func dayText(a *operator.Proof) string {
	switch {
	case a.Fate == operator.FateDeleted, a.Fate == operator.FateUnknown:
		return ""
	case !a.Withdrawn.IsZero() && a.DueFrom.Equal(a.Withdrawn):
		return "withdrawn, so due from " + instantText(a.DueFrom)
	case a.DueFrom.IsZero():
		return "none: it has not ended"
	}
	return "kept through " + a.KeptThrough + ", due from " + instantText(a.DueFrom)
}
