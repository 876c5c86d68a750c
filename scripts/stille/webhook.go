package main

import (
	"context"
	"fmt"
	"io"

	"stille/shared/operator"
)

type webhookCommands struct {
	Add    webhookAdd    `cmd:"" help:"Tell a URL of every opt-out and release; prints the secret that signs, once."`
	List   webhookList   `cmd:"" help:"List the URLs that are told, and what came of the last call of each."`
	Remove webhookRemove `cmd:"" help:"Tell a URL nothing more."`
	Test   webhookTest   `cmd:"" help:"Send an event that changes nothing, and say what the receiver answered."`
}

type webhookAdd struct {
	URL         string `arg:"" check:"url" name:"url" help:"Where the calls go: https, and a public address."`
	Scope       string `placeholder:"SCOPE" help:"The brand or topic whose changes are told; * for all. May be left out where there is one brand."`
	WithAddress bool   `help:"Send the address of a person who used a link. Everything else names the contact by its key."`
	Now         bool   `help:"End the secret that is replaced at once, not in 24 hours."`
}

func (a webhookAdd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.AddWebhook(ctx, a.URL, a.Scope, a.WithAddress, a.Now)
	return show(s, answer, err, func(w io.Writer, added *operator.WebhookSecret) {
		fmt.Fprintln(w, added.Secret)
		s.say("the secret is shown once: give it to the receiver")
	})
}

type webhookList struct{}

func (webhookList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ListWebhooks(ctx)
	return show(s, answer, err, func(w io.Writer, all *operator.WebhookList) {
		table := newTable(w, "URL", "SCOPE", "ADDRESS", "ADDED", "LAST CALL", "OUTCOME")
		for _, h := range all.Webhooks {
			outcome := h.Last.Failure
			if outcome == "" && !h.Last.At.IsZero() {
				outcome = "delivered"
			}
			table.row(h.URL, h.Scope, h.WithAddress, h.AddedAt, h.Last.At, outcome)
		}
		table.end("no URL is told of opt-outs; `stille webhook add --help` says how to add one")
	})
}

// webhookNamed names a webhook.
type webhookNamed struct {
	URL   string `arg:"" check:"url" name:"url" help:"The URL."`
	Scope string `placeholder:"SCOPE" help:"The scope it was added for, where the URL has more than one webhook."`
}

type webhookRemove struct{ webhookNamed }

func (r webhookRemove) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.RemoveWebhook(ctx, r.URL, r.Scope)
	return show(s, answer, err, func(w io.Writer, gone *operator.WebhookState) {
		fmt.Fprintf(w, "removed: %s is told nothing of %s within a minute\n", gone.URL, gone.Scope)
	})
}

type webhookTest struct{ webhookNamed }

func (t webhookTest) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.TestWebhook(ctx, t.URL, t.Scope)
	return show(s, answer, err, func(w io.Writer, tried *operator.WebhookTrial) {
		fmt.Fprintf(w, "delivered in %d ms\n", tried.Milliseconds)
	})
}
