package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"stille/shared/api"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

type check struct {
	person
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Any scope blocks where it is not given."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
}

// Help shows both answers.
func (check) Help() string {
	return `Asks the stack strongly: an opt-out that got its answer is seen. In doubt the answer is not to send.

    $ stille check email kari@example.no --scope acme
    send

    $ stille check sms --region NO '912 34 567' --scope acme/newsletter
    do not send: stop in acme since 2026-11-20T08:00:00Z`
}

type checkAnswer struct {
	Send   bool        `json:"send"`
	Reason string      `json:"reason,omitempty"`
	Scope  scope.Scope `json:"scope,omitempty"`
	Since  time.Time   `json:"since,omitzero"`
	Key    contact.Key `json:"key,omitempty"`
}

func (a checkAnswer) text(w io.Writer) {
	switch {
	case a.Send:
		fmt.Fprintln(w, "send")
	case a.Since.IsZero():
		fmt.Fprintln(w, "do not send:", a.Reason)
	default:
		fmt.Fprintf(w, "do not send: %s in %s since %s\n", a.Reason, a.Scope, a.Since.Format(time.RFC3339))
	}
}

// Run asks.
func (c check) Run(ctx context.Context, s *session) error {
	in := scope.Everywhere
	if c.Scope != "" {
		var err error
		if in, err = s.scope(c.Scope); err != nil {
			return err
		}
	}
	who, err := c.contact()
	if err != nil {
		s.say("%v", err)
		return s.show(checkAnswer{Reason: api.InvalidAddress})
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	keys, err := keysOf(ctx, sys, who)
	if err != nil {
		return err
	}
	found, err := sys.suppressions.Lookup(ctx, [][]contact.Key{keys})
	if err != nil {
		return err
	}
	if found[0].Err != nil {
		return s.show(checkAnswer{Reason: "unreadable", Key: keys[0]})
	}
	d := suppression.Decide(found[0].Item, c.Purpose, in)
	return s.show(checkAnswer{Send: d.Send, Reason: string(d.Reason), Scope: d.Scope, Since: d.Since, Key: keys[0]})
}
