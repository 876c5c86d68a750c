package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
	"stille/shared/suppression"
)

type add struct {
	person
	Scope  string             `placeholder:"SCOPE" help:"Whose messages stop: a brand, a topic of it, or * for all. May be left out where there is one brand."`
	Reason suppression.Reason `enum:"${reasons}" default:"manual" help:"One of ${reasons}."`
	At     instant            `placeholder:"TIME" help:"When the person said it; the default is now."`
	Note   reference          `placeholder:"REF" help:"Where the matter is written down: 1 to 64 characters of A-Za-z0-9._:/-"`
}

// Help shows a call.
func (add) Help() string {
	return `Takes effect at once and is written to the contact's history. Time decides: an event older than a newer consent is recorded and suppresses nothing.

    $ stille add email kari@example.no --scope acme --reason objection --note case/4711
    suppressed: objection in acme`
}

// Run writes the change and its history entry.
func (a add) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Add(ctx, operator.Person(a.person), a.Scope, a.Reason, a.At.Time, string(a.Note))
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
