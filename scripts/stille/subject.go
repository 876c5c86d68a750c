package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/retention"
	"stille/shared/suppression"
)

type subjects struct {
	Export   subjectExport   `cmd:"" help:"Everything that is stored about a contact, in a file (GDPR 15 and 20)."`
	Erase    subjectErase    `cmd:"" help:"Silence a contact for good, and have its records go with the next purges (GDPR 17)."`
	Restrict subjectRestrict `cmd:"" help:"Keep a contact's records from being deleted or used for marketing (GDPR 18)."`

	Unrestrict subjectUnrestrict `cmd:"" help:"End a contact's restrictions."`
	Proof      subjectProof      `cmd:"" help:"What became of each record of an erasure."`
}

func receiptText(w io.Writer, r operator.Receipt) {
	facts(w, "receipt", fmt.Sprintf("%s of the %s contact %s", r.Asked, r.Channel, strings.Join(r.Keys, ", ")),
		"at", r.At, "by", r.By, "case", r.Case, "ledger", r.Ledger, "sha256", r.SHA256, "file", r.File)
}

// subject is the contact that a request is about, or the contacts of a file.
type subject struct {
	Channel contact.Channel `arg:"" optional:"" default:"" enum:"email,sms," help:"email or sms."`
	Address string          `arg:"" optional:"" help:"The address or number; put -- before an address that begins with a dash."`
	File    string          `check:"file" placeholder:"FILE" help:"The request is about every contact of a file: CSV or NDJSON with channel and address."`
	Out     string          `default:"." placeholder:"DIR" help:"Folder to put the receipt into; it is made if it does not exist."`
	regional
}

// Validate refuses an address that cannot be read, and a request about nobody.
func (r subject) Validate() error {
	if (r.Address == "") == (r.File == "") || r.File != "" && r.Channel != "" {
		return errors.New("say CHANNEL ADDRESS, or --file FILE")
	}
	if err := r.regional.Validate(); err != nil || r.File != "" {
		return err
	}
	return r.named().Check()
}

func (r subject) named() operator.Person {
	return operator.Person{Channel: r.Channel, Address: r.Address, Region: r.Region}
}

// each makes the request for each contact. A file is read whole first. A contact
// whose request fails does not stop the others.
func (r subject) each(ctx context.Context, request func(operator.Person) error) error {
	if r.File == "" {
		return request(r.named())
	}
	rows, err := files.ReadKept(r.File, r.Region)
	var people []operator.Person
	if err == nil {
		people, err = operator.PeopleOf(rows)
	}
	if err != nil {
		return fmt.Errorf("--file: %w", err)
	}
	var failed []error
	for i, person := range people {
		if ctx.Err() != nil {
			return operator.ErrInterrupted
		}
		if err := request(person); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", rows[i].Where, err))
		}
	}
	return errors.Join(failed...)
}

// met makes a request, keeps its receipt in a folder and shows its answer.
func met[T any, R interface {
	*T
	Own() *operator.Receipt
}](s *session, folder string, request func(operator.Person) (*T, error), text func(io.Writer, *T)) func(operator.Person) error {
	return func(p operator.Person) error {
		answer, err := request(p)
		if answer != nil {
			err = errors.Join(err, files.WriteReceipt(folder, R(answer)))
		}
		return show(s, answer, err, text)
	}
}

type subjectExport struct{ subject }

func (e subjectExport) Run(ctx context.Context, s *session, o *operator.Operator) error {
	return e.each(ctx, func(p operator.Person) error {
		answer, content, err := o.ExportSubject(ctx, p)
		if answer == nil {
			return err
		}
		if err := files.WriteExport(e.Out, answer, content); err != nil {
			return err
		}
		return show(s, answer, err, exportedText)
	})
}

func exportedText(w io.Writer, a *operator.SubjectExport) {
	receiptText(w, a.Receipt)
	chain := "verified"
	if !a.Verified {
		chain = "broken"
	}
	fmt.Fprintf(w, "holds    %d suppressions, %d entries of their history (the chain is %s), %d records, %d holds\n\n%s\n",
		a.Suppressions, a.Entries, chain, a.Records, a.Holds, strings.Join(a.Files, "\n"))
}

type subjectErase struct {
	subject
	Case string `check:"reference" placeholder:"REF" help:"Where the request is written down: 1 to 64 characters of A-Za-z0-9._:/-"`
}

func (e subjectErase) Run(ctx context.Context, s *session, o *operator.Operator) error {
	request := func(p operator.Person) (*operator.Erased, error) { return o.Erase(ctx, p, e.Case) }
	return e.each(ctx, met(s, e.Out, request, erasedText))
}

func erasedText(w io.Writer, a *operator.Erased) {
	receiptText(w, a.Receipt)
	fmt.Fprintf(w, "\n%s\n\ngoes\n", map[suppression.Effect]string{
		suppression.Added:     "The contact is silenced in every scope, and its records are due.",
		suppression.Renewed:   "The contact was to be erased before; what came since then is due as well.",
		suppression.NotedOnly: "Recorded, and the records are due; newer consent is known, so the contact is not silenced by it.",
		suppression.NoEffect:  "The same was said before, and stands.",
	}[a.Effect])
	going := 0
	for _, class := range a.Classes {
		if going += class.Going; class.Going > 0 {
			fmt.Fprintf(w, "  %s: %d of %d records, with the purge at %s\n", class.Class, class.Going, class.Records, instantText(class.NextPurge))
		}
	}
	if going == 0 {
		fmt.Fprintln(w, "  nothing: there is no record of the contact that a purge could take")
	}
	fmt.Fprintf(w, "  and whatever arrives late and occurred before\nstays\n"+
		"  the opt-out, as the keyed hash %s and its history: without it somebody could be sent to again\n"+
		"  backups of what goes, for %d days after that\n", a.Keys[0], retention.BackupDays)
	for _, class := range a.Classes {
		if class.ByLaw > 0 {
			fmt.Fprintf(w, "  %s: %d of %d records, kept by law %s; each goes with the first purge after that\n", class.Class, class.ByLaw, class.Records, lawText(class.KeptBy, class.KeptUntil))
		}
		for _, held := range class.Held {
			fmt.Fprintf(w, "  record %s %s: held by %s\n", class.Class, held.ID, strings.Join(held.Cases, ", "))
		}
		for _, id := range class.Unreadable {
			fmt.Fprintf(w, "  record %s %s: it cannot be read, so no purge takes it; mend it or delete it by hand\n", class.Class, id)
		}
		for _, id := range class.Later {
			fmt.Fprintf(w, "  record %s %s: its own date is later than the erasure; type the command again after that date\n", class.Class, id)
		}
	}
	if a.Next != "" {
		fmt.Fprintf(w, "\nnext, in a minute, to see what is due: %s\n", a.Next)
	}
	if len(a.Records) > 0 && a.File != "" {
		fmt.Fprintf(w, "then, to see what became of each record: stille subject proof %s\n", a.File)
	}
}

type subjectRestrict struct {
	subject
	Case   string `check:"reference" required:"" placeholder:"ID" help:"The case: 1 to 64 characters of A-Za-z0-9._:/-"`
	Reason string `check:"reference" default:"art-18" placeholder:"R" help:"Why, in a word or a reference of the same characters; art-18, as in GDPR, where it is left out."`
}

func (r subjectRestrict) Run(ctx context.Context, s *session, o *operator.Operator) error {
	request := func(p operator.Person) (*operator.Restricted, error) { return o.Restrict(ctx, p, r.Case, r.Reason) }
	return r.each(ctx, met(s, r.Out, request, restrictedText))
}

func restrictedText(w io.Writer, a *operator.Restricted) {
	receiptText(w, a.Receipt)
	fmt.Fprintf(w, "reason   %s\n\nNo purge deletes a record of the contact, now or later, and no marketing goes to it.\n\nnext, when it ends: stille subject unrestrict %s ADDRESS --case %s\n", a.Reason, a.Channel, a.Case)
}

type subjectUnrestrict struct {
	subject
	Case string `check:"reference" placeholder:"ID" help:"End the restriction of this case alone."`
}

func (r subjectUnrestrict) Run(ctx context.Context, s *session, o *operator.Operator) error {
	request := func(p operator.Person) (*operator.Unrestricted, error) { return o.Unrestrict(ctx, p, r.Case) }
	return r.each(ctx, met(s, r.Out, request, unrestrictedText))
}

func unrestrictedText(w io.Writer, a *operator.Unrestricted) {
	receiptText(w, a.Receipt)
	fmt.Fprintf(w, "lifted   %d\n", a.Lifted)
	if a.Restrict {
		fmt.Fprintln(w, "\nAnother case still restricts the contact.")
	}
}

type subjectProof struct {
	Receipt string          `arg:"" help:"The file that the erasure left."`
	erased  operator.Erased // what the file says
}

// Validate reads the file.
func (p *subjectProof) Validate() error {
	content, err := files.Read(p.Receipt)
	if err == nil {
		p.erased, err = operator.ReadErasure(content)
	}
	if err != nil {
		return fmt.Errorf("<receipt>: %w", err)
	}
	return nil
}

func (p *subjectProof) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ProveErasure(ctx, p.erased)
	err = show(s, answer, err, erasureText)
	return verdict(answer != nil && answer.Waiting == 0, err)
}

func erasureText(w io.Writer, a *operator.ErasureProof) {
	fmt.Fprintf(w, "%d records, %d of them wait\n", len(a.Records), a.Waiting)
	fmt.Fprintf(w, "erasure  at %s\n", instantText(a.At))
	facts(w, "case", a.Case, "ledger", a.Ledger)
	fmt.Fprintln(w)
	for _, r := range a.Records {
		fmt.Fprintf(w, "record   %s %s\n", r.Class, cmp.Or(r.ID, r.HMAC))
		erasedFate(w, r)
	}
}

// erasedFate says what became of a record of an erasure.
func erasedFate(w io.Writer, r operator.ProvedRecord) {
	switch r.Fate {
	case operator.FateDeleted:
		facts(w, "deleted", "in the run "+r.Run+", that ended "+instantText(r.DeletedAt))
	case operator.FateHeld:
		for _, h := range r.Holds {
			facts(w, "held", "by the case "+h.Case+" ("+string(h.Kind)+")")
		}
	case operator.FateLaw:
		facts(w, "kept", "by law "+lawText(r.KeptBy, r.KeptUntil))
	case operator.FateReplaced:
		facts(w, "replaced", "newer consent stands under its id; the erasure does not cover that")
	case operator.FatePurging:
		facts(w, "waits", "the run "+r.Run+" has marked it: its objects go, and then it goes")
	case operator.FateUnreadable:
		facts(w, "waits", "it cannot be read, so no purge takes it; mend it or delete it by hand")
	case operator.FateUnknown:
		facts(w, "waits", "it is not in its table by this id, and no certificate lists it")
	case operator.FateKept, operator.FateDue:
		facts(w, "waits", "for the purge at "+instantText(r.NextPurge))
	}
	for _, run := range r.NotCertified {
		facts(w, "but", "the run "+run+" is not certified yet: it may have deleted it")
	}
}
