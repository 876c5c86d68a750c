package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"stille/shared/contact"
	"stille/shared/release"
	"stille/shared/scope"
	"stille/shared/suppression"
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
	return `Lifts what is older than the consent, in exactly that scope, and writes it to the contact's history. Complaints and hard bounces stay without --override. It fails (1) where the contact is not released.

    $ stille release email kari@example.no --scope acme --consented-at 2026-11-22T08:00:00Z --evidence form/4711
    released in acme`
}

type releaseAnswer struct {
	Released bool                `json:"released"`
	Reason   suppression.Refusal `json:"reason,omitempty"`
	Scope    scope.Scope         `json:"scope"`
	Key      contact.Key         `json:"key"`
	// What stops marketing in the scope all the same, if anything does.
	Stands *standing `json:"stands,omitempty"`
}

type standing struct {
	Reason suppression.Reason `json:"reason"`
	Scope  scope.Scope        `json:"scope"`
}

func (a releaseAnswer) text(w io.Writer) {
	if a.Released {
		fmt.Fprintf(w, "released in %s", a.Scope)
	} else {
		fmt.Fprintf(w, "not released in %s: %s", a.Scope, a.Reason)
	}
	if a.Stands != nil {
		fmt.Fprintf(w, "; %s in %s stands", a.Stands.Reason, a.Stands.Scope)
	}
	fmt.Fprintln(w)
}

// Run lifts and says what holds.
func (r releaseCmd) Run(ctx context.Context, s *session) error {
	who, err := r.contact()
	if err != nil {
		return err
	}
	in, err := s.scope(r.Scope)
	if err != nil {
		return err
	}
	now := s.now()
	if r.ConsentedAt.After(now) || r.ConsentedAt.Year() < 1970 {
		return usage("--consented-at: must not be in the future, nor before 1970")
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	keys, err := keysOf(ctx, sys, who)
	if err != nil {
		return err
	}
	refusal, item, err := release.Lift(ctx, sys.suppressions, keys, who.Channel(), suppression.Consent{
		Scope: in, At: r.ConsentedAt.UTC(), Source: suppression.SourceOperator, Evidence: string(r.Evidence), Operator: r.Override,
	}, now)
	if err != nil {
		return err
	}
	answer := releaseAnswer{Released: refusal == "", Reason: refusal, Scope: in, Key: keys[0]}
	if d := suppression.Decide(item, suppression.Marketing, in); !d.Send {
		answer.Stands = &standing{d.Reason, d.Scope}
	}
	if err := s.show(answer); err != nil || answer.Released {
		return err
	}
	if refusal == suppression.NeedsOperator {
		return errors.New("a complaint or a hard bounce is lifted with --override, in the scope where it stands")
	}
	return errors.New("the consent ended no silence")
}
