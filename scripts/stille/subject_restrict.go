package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
	"stille/shared/retention"
)

type subjectRestrict struct {
	person
	Case   reference `required:"" placeholder:"ID" help:"The case: 1 to 64 characters of A-Za-z0-9._:/-"`
	Reason reference `required:"" placeholder:"R" help:"Why, in a word or a reference of the same characters."`
}

// Help says what it keeps and how it ends.
func (subjectRestrict) Help() string {
	return `A restriction is a hold that the person asks for: once it answers, no purge deletes a record of the contact, not even one that is running, also none that comes later, until the case is lifted. It stops no messages: that is for an opt-out. A person's other channel is another contact: restrict each.

    $ stille subject restrict email kari@example.no --case dsr-9 --reason art-18
    $ stille hold lift --case dsr-9`
}

type restrictAnswer struct {
	receipt
	Reason  string             `json:"reason"`
	TooLate []retention.Target `json:"tooLate,omitempty"` // records whose objects a purge has begun to delete
}

func (a restrictAnswer) text(w io.Writer) {
	a.receipt.text(w)
	fmt.Fprintf(w, "reason   %s\n\nNo purge deletes what there is of the contact, nor what comes.\n\nnext, when it ends: stille hold lift --case %s\n", a.Reason, a.Case)
}

// Run places the restriction on every key of the contact.
func (r subjectRestrict) Run(ctx context.Context, s *session) error {
	of, err := s.subject(ctx, "restrict", r.person, r.Case)
	if err != nil {
		return err
	}
	o, err := s.operator(ctx)
	if err != nil {
		return err
	}
	hold := retention.Hold{Case: string(r.Case), Reason: string(r.Reason), Kind: retention.Restriction}
	held, failed := o.HoldContact(ctx, hold, operator.Person(r.person))
	if held == nil {
		return failed
	}
	if err := s.show(restrictAnswer{receipt: of.receipt, Reason: string(r.Reason), TooLate: held.TooLate}); err != nil {
		return err
	}
	return failed
}
