package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/retention"
)

type holds struct {
	Set  holdSet  `cmd:"" help:"Keep everything about a contact, or one record, from being deleted."`
	Lift holdLift `cmd:"" help:"Lift every hold of a case."`
	List holdList `cmd:"" help:"List the holds, lifted ones too."`
}

type holdSet struct {
	Case    reference          `required:"" placeholder:"ID" help:"The case: 1 to 64 characters of A-Za-z0-9._:/-"`
	Reason  reference          `required:"" placeholder:"R" help:"Why, in a word or a reference of the same characters."`
	Kind    retention.HoldKind `enum:"legal,restriction" default:"legal" help:"legal: law or a claim needs it. restriction: the person asked that it is kept."`
	Contact pair               `xor:"target" required:"" placeholder:"CHANNEL ADDRESS" help:"Hold everything about a contact, in every class, and every later record."`
	Record  pair               `xor:"target" required:"" placeholder:"CLASS ID" help:"Hold one record."`
	Region  string             `placeholder:"NO" help:"Country, two letters, of a number without + or 00."`
}

// Help shows both targets.
func (holdSet) Help() string {
	return `Once the command answers, no purge deletes what the hold covers, not even a purge that is running.

    $ stille hold set --case 2026-117 --reason claim --contact email kari@example.no
    $ stille hold set --case 2026-117 --reason claim --record messaging sub-81
    $ stille hold set --case dsr-9 --reason art-18 --kind restriction --contact sms +4791234567`
}

// Run sets the hold.
func (h holdSet) Run(ctx context.Context, s *session, o *operator.Operator) error {
	hold := retention.Hold{Case: string(h.Case), Reason: string(h.Reason), Kind: h.Kind}
	if h.Record.given() {
		held, err := o.HoldRecord(ctx, hold, h.Record.first, h.Record.second)
		if held != nil && held.NoRecord {
			s.say("note: there is no such record now; the hold keeps the record if it comes")
		}
		return show(s, held, err, holdsText)
	}
	channel, err := contact.ParseChannel(h.Contact.first)
	if err != nil {
		return usage("--contact: the first value must be email or sms")
	}
	held, err := o.HoldContact(ctx, hold, operator.Person{Channel: channel, Address: h.Contact.second, Region: h.Region})
	return show(s, held, err, holdsText)
}

func holdsText(w io.Writer, a *operator.HoldList) {
	if len(a.Holds) == 0 {
		fmt.Fprintln(w, "there are no holds")
		return
	}
	t := newTable(w, "CASE", "KIND", "REASON", "HELD", "SET", "LIFTED")
	for _, h := range a.Holds {
		t.row(h.Case, h.Kind, h.Reason, h.What(), h.SetAt, h.LiftedAt)
	}
	t.end()
}

type holdLift struct {
	Case reference `required:"" placeholder:"ID" help:"The case."`
}

// Help says what happens next.
func (holdLift) Help() string {
	return `What is due by then is deleted by the next purge of its class.

    $ stille hold lift --case 2026-117
    holds of the case 2026-117 that were lifted: 2`
}

// Run lifts the holds.
func (h holdLift) Run(ctx context.Context, s *session, o *operator.Operator) error {
	lifting, err := o.LiftHolds(ctx, string(h.Case))
	return show(s, lifting, err, func(w io.Writer, a *operator.Lifting) {
		fmt.Fprintf(w, "holds of the case %s that were lifted: %d\n", a.Case, a.Lifted)
	})
}

type holdList struct{}

// Run lists the holds.
func (holdList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	all, err := o.ListHolds(ctx)
	return show(s, all, err, holdsText)
}
