package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
	"stille/shared/suppression"
)

type check struct {
	person
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Without it a suppression in any scope blocks."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
}

// Help shows both answers.
func (check) Help() string {
	return `The read is strong: an opt-out that was answered is seen. In doubt the answer is not to send.

    $ stille check email kari@example.no --scope acme
    send

    $ stille check sms --region NO '912 34 567' --scope acme/newsletter
    do not send: stop in acme since 2026-11-20T08:00:00Z`
}

// Run asks.
func (c check) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Check(ctx, operator.Person(c.person), c.Scope, c.Purpose)
	if answer != nil && answer.Why != "" {
		s.say("%s", answer.Why)
	}
	return show(s, answer, err, func(w io.Writer, d *operator.Decision) {
		switch {
		case d.Send:
			fmt.Fprintln(w, "send")
		case d.Since.IsZero():
			fmt.Fprintln(w, "do not send:", d.Reason)
		default:
			fmt.Fprintf(w, "do not send: %s in %s since %s\n", d.Reason, d.Scope, instantText(d.Since))
		}
	})
}
