package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

type add struct {
	person
	Scope  string             `placeholder:"SCOPE" help:"Whose messages stop: a brand, a topic of it, or * for all. May be left out where there is one brand."`
	Reason suppression.Reason `enum:"manual,unsubscribed,stop,objection,complaint,hard-bounce,imported" default:"manual" help:"manual, unsubscribed, stop, objection, complaint, hard-bounce or imported."`
	At     instant            `placeholder:"TIME" help:"When it was said; now where it is not given."`
	Note   reference          `placeholder:"REF" help:"Where the matter is told: 1 to 64 characters of A-Za-z0-9._:/-"`
}

// Help shows a call.
func (add) Help() string {
	return `Takes effect at once and is written to the contact's history. Time decides: an event older than a newer consent is recorded and suppresses nothing.

    $ stille add email kari@example.no --scope acme --reason objection --note case/4711
    suppressed: objection in acme`
}

type addAnswer struct {
	Added  bool               `json:"added"`
	Effect suppression.Effect `json:"effect"`
	Reason suppression.Reason `json:"reason"`
	Scope  scope.Scope        `json:"scope"`
	Key    contact.Key        `json:"key"`
}

func (a addAnswer) text(w io.Writer) {
	what := map[suppression.Effect]string{
		suppression.Added:     "suppressed",
		suppression.Renewed:   "suppressed before, and now by a newer event",
		suppression.NotedOnly: "recorded, but not suppressed, as there is a newer release",
		suppression.NoEffect:  "nothing changed, as an event as new or newer is known",
	}[a.Effect]
	fmt.Fprintf(w, "%s: %s in %s\n", what, a.Reason, a.Scope)
}

// Run writes the change and its history entry.
func (a add) Run(ctx context.Context, s *session) error {
	who, err := a.contact()
	if err != nil {
		return err
	}
	now := s.now()
	change := suppression.Change{
		Action: suppression.Suppress, Reason: a.Reason, At: a.At.Time, Source: suppression.SourceOperator, Note: string(a.Note),
	}
	if a.At.IsZero() {
		change.At = now
	}
	if change.At.After(now) {
		return usage("--at: must not be in the future")
	}
	if change.Scope, err = a.scope(s); err != nil {
		return err
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	keys, err := keysOf(ctx, sys, who)
	if err != nil {
		return err
	}
	outcome, err := sys.suppressions.Apply(ctx, keys, who.Channel(), change, now)
	if err != nil {
		return err
	}
	return s.show(addAnswer{
		Added: outcome.Effect == suppression.Added, Effect: outcome.Effect, Reason: a.Reason, Scope: change.Scope, Key: keys[0],
	})
}

func (a add) scope(s *session) (scope.Scope, error) {
	if a.Scope != "" {
		return s.scope(a.Scope)
	}
	registry, err := s.registry()
	if err != nil {
		return "", err
	}
	only, ok := registry.Only()
	if !ok {
		return "", usage("say --scope, as there is more than one brand: %s, or * for all", knownScopes(registry))
	}
	return only.Scope, nil
}
