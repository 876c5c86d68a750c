package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
)

type proof struct {
	Class string `arg:"" help:"A class of the retention policy."`
	ID    string `arg:"" help:"The record's id."`
}

func (p proof) Run(ctx context.Context, s *session, o *operator.Operator) error {
	proof, err := o.Prove(ctx, p.Class, p.ID)
	err = show(s, proof, err, proofText)
	return unless(proof != nil && proof.Fate != operator.FateUnknown, err)
}

func proofText(w io.Writer, a *operator.Proof) {
	switch a.Fate {
	case operator.FateDeleted:
		fact(w, "deleted", "in the run "+a.Run)
		fact(w, "on", instantText(a.DeletedAt)+", when the run ended")
		fact(w, "proof", "certificate "+a.Certificate+", verified just now")
		fact(w, "backups", "hold it no more from "+a.BackupGoneOn+" on")
		next(w, fmt.Sprintf("stille certificate get %s --out %s", a.Run, a.Run))
	case operator.FatePurging:
		fact(w, "purging", "the run "+a.Run+" has marked it: its objects go, and then it goes")
	case operator.FateHeld:
		fact(w, "held", "it stays, whatever its day is")
	case operator.FateDue:
		fact(w, "due", "it is still here, and the next purge of "+a.Class+" takes it up")
	case operator.FateLaw:
		fact(w, "kept", "by law "+lawText(a.KeptBy, a.KeptUntil))
	case operator.FateKept:
		fact(w, "kept", "it is still here, and its day has not come")
	case operator.FateReplaced, operator.FateUnreadable: // of an erasure alone
	case operator.FateUnknown:
		fact(w, "unknown", a.Class+" has no such record, and no certificate lists one")
	}
	for _, h := range a.Holds {
		fact(w, "held", fmt.Sprintf("by the case %s since %s (%s)", h.Case, instantText(h.SetAt), h.Kind))
	}
	fact(w, "day", dayText(a))
	for _, run := range a.NotCertified {
		fact(w, "but", "the run "+run+" is not certified yet: it may have deleted it")
	}
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
