package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
)

type releaseCmd struct {
	person
	Scope       string    `required:"" placeholder:"SCOPE" help:"Exactly where the silence ends: a brand, a topic of it, or * for what was said for all."`
	ConsentedAt instant   `required:"" placeholder:"TIME" help:"When the person consented."`
	Evidence    reference `required:"" placeholder:"REF" help:"Where the consent is kept: 1 to 64 characters of A-Za-z0-9._:/-"`
	Override    bool      `help:"Lift complaints and hard bounces too: you have made sure that the person wants it, or that the address works."`
}

// Help shows what is lifted and what is not.
func (releaseCmd) Help() string {
	return `Lifts what is older than the consent, in exactly that scope, and writes it to the contact's history. Complaints and hard bounces stay without --override. It fails (1) if the contact is not released.

    $ stille release email kari@example.no --scope acme --consented-at 2026-11-22T08:00:00Z --evidence form/4711
    released in acme`
}

// Run lifts and says what still stands.
func (r releaseCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Release(ctx, operator.Person(r.person), r.Scope, r.ConsentedAt.Time, string(r.Evidence), r.Override)
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
