package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

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
}

func receiptText(w io.Writer, r operator.Receipt) {
	fmt.Fprintf(w, "receipt  %s of the %s contact %s\nat       %s\nby       %s\n",
		r.Asked, r.Channel, strings.Join(r.Keys, ", "), instantText(r.At), r.By)
	fact(w, "case", r.Case)
	fact(w, "ledger", r.Ledger)
	fact(w, "sha256", r.SHA256)
}

type subjectExport struct {
	person
	Out string `default:"." placeholder:"DIR" help:"Folder to put the files into; it is made if it does not exist."`
}

// Help names the files and what is in them.
func (subjectExport) Help() string {
	return `Writes two JSON files, named by the first characters of the contact's key. The first holds all that is stored about the contact: its suppressions under each key, with the whole history and whether its chain holds; every record of every class, with all that its owner keeps in it; the holds. The second is the receipt. The objects of a record in S3 are named, not fetched.

The address is in neither file, unless a record contains it. A person's other channel is another contact: export each. The file holds personal data: give it to the person, and delete it.

    $ stille subject export email kari@example.no --out dsr-9`
}

// Run reads everything and writes both files.
func (e subjectExport) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, content, err := o.ExportSubject(ctx, operator.Person(e.person))
	if answer == nil {
		return err
	}
	name := filepath.Join(e.Out, "subject-"+answer.Keys[0])
	answer.Files = []string{name + ".json", name + "-receipt.json"}
	receipt, failed := json.MarshalIndent(answer, "", "  ")
	if failed != nil {
		return fmt.Errorf("writing the receipt: %w", failed)
	}
	for i, written := range [][]byte{content, receipt} {
		if err := files.Write(answer.Files[i], written); err != nil {
			return err
		}
	}
	return show(s, answer, err, func(w io.Writer, a *operator.SubjectExport) {
		receiptText(w, a.Receipt)
		chain := "verified"
		if !a.Verified {
			chain = "broken"
		}
		fmt.Fprintf(w, "holds    %d suppressions, %d entries of their history (the chain is %s), %d records, %d holds\n\n%s\n",
			a.Suppressions, a.Entries, chain, a.Records, a.Holds, strings.Join(a.Files, "\n"))
	})
}

type subjectErase struct {
	person
	Case reference `placeholder:"REF" help:"Where the request is written down: 1 to 64 characters of A-Za-z0-9._:/-"`
}

// Help says what goes, when, and what stays.
func (subjectErase) Help() string {
	return `This deletes data, tonight: every record of the contact, in every class, is due from now on, and goes with the next purge of its class. So does a record that arrives late, if what it tells occurred before. The command itself deletes nothing, and no newer consent brings back what was to be erased.

What stays: the opt-out, in every scope, as a keyed hash without the address, with its history, so that nothing is ever sent again; and what a hold keeps, as long as it stands. A person's other channel is another contact: erase each.

The same erasure may be asked for again: it then covers what came in between.

    $ stille subject erase email kari@example.no --case dsr-2026-9`
}

// Run writes the erasure and says what comes of it.
func (e subjectErase) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Erase(ctx, operator.Person(e.person), string(e.Case))
	return show(s, answer, err, erasedText)
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
	if a.Next != "" {
		fmt.Fprintf(w, "\nnext, in a minute, to see what is due: %s\n", a.Next)
	}
}

type subjectRestrict struct {
	person
	Case   reference `required:"" placeholder:"ID" help:"The case: 1 to 64 characters of A-Za-z0-9._:/-"`
	Reason reference `required:"" placeholder:"R" help:"Why, in a word or a reference of the same characters."`
}

// Help says what it keeps and how it ends.
func (subjectRestrict) Help() string {
	return `A restriction is a hold that the person asks for. Once the command answers, no purge deletes a record of the contact until the case is lifted: a purge that is running does not, and a record that comes later is kept too. No marketing goes to the contact meanwhile, in any scope; messages about a service do. A restriction withdraws no consent. A person's other channel is another contact: restrict each.

    $ stille subject restrict email kari@example.no --case dsr-9 --reason art-18
    $ stille subject unrestrict email kari@example.no`
}

// Run places the restriction on every key of the contact.
func (r subjectRestrict) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Restrict(ctx, operator.Person(r.person), string(r.Case), string(r.Reason))
	return show(s, answer, err, func(w io.Writer, a *operator.Restricted) {
		receiptText(w, a.Receipt)
		fmt.Fprintf(w, "reason   %s\n\nNo purge deletes a record of the contact, now or later, and no marketing goes to it.\n\nnext, when it ends: stille subject unrestrict %s ADDRESS --case %s\n", a.Reason, a.Channel, a.Case)
	})
}

type subjectUnrestrict struct {
	person
	Case reference `placeholder:"ID" help:"End the restriction of this case alone."`
}

// Help says what ends and what stays.
func (subjectUnrestrict) Help() string {
	return `Ends every restriction of the contact, or that of one case. With the last restriction marketing goes out again, as far as no opt-out stands. A legal hold stays.

    $ stille subject unrestrict email kari@example.no`
}

// Run lifts the restriction from every key of the contact.
func (r subjectUnrestrict) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Unrestrict(ctx, operator.Person(r.person), string(r.Case))
	return show(s, answer, err, func(w io.Writer, a *operator.Unrestricted) {
		receiptText(w, a.Receipt)
		fmt.Fprintf(w, "lifted   %d\n", a.Lifted)
		if a.Restrict {
			fmt.Fprintln(w, "\nAnother case still restricts the contact.")
		}
	})
}
