package main

// The commands about other systems: the tools that call the API, the hooks by which
// others report opt-outs, the webhooks by which others are told of opt-outs.

import (
	"context"
	"fmt"
	"io"
	"strings"

	"stille/shared/api/access"
	"stille/shared/operator"
)

type tools struct {
	Add    toolAdd    `cmd:"" help:"Make an API key; it is shown once."`
	List   toolList   `cmd:"" help:"List the tools, revoked ones too."`
	Revoke toolRevoke `cmd:"" help:"Make a tool's key worthless."`
}

type toolAdd struct {
	Name   string         `arg:"" check:"reference" help:"What the tool is called in lists and histories: 1 to 64 characters of A-Za-z0-9._:/-"`
	Rights []access.Right `required:"" enum:"${rights}" placeholder:"RIGHT" help:"What it may: ${rights}."`
	Scopes []string       `required:"" placeholder:"SCOPE" help:"For which brands or topics; * for all."`
}

func (t toolAdd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.AddTool(ctx, t.Name, t.Rights, t.Scopes)
	if err == nil {
		s.say("the key of %s; it is not shown again:", t.Name)
	}
	return show(s, "tool add", answer, err)
}

type toolList struct{}

func (toolList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ListTools(ctx)
	return show(s, "tool list", answer, err)
}

type toolRevoke struct {
	Name string `arg:"" check:"reference" help:"The tool."`
}

func (t toolRevoke) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.RevokeTool(ctx, t.Name)
	return show(s, "tool revoke", answer, err)
}

type hookCommands struct {
	Add    hookAdd    `cmd:"" help:"Let another system report opt-outs; prints the address to give to that system."`
	List   hookList   `cmd:"" help:"List the systems that report opt-outs, and when each last called."`
	Test   hookTest   `cmd:"" help:"Call the hook with an opt-out of a contact that nobody has, and say what came of it."`
	Remove hookRemove `cmd:"" help:"Refuse the calls of a system from now on."`
}

type hookAdd struct {
	Provider string `arg:"" enum:"${providers}" help:"One of ${providers}; standard means Standard Webhooks."`
	Scope    string `arg:"" help:"The brand or topic whose messages the system sends; * for all."`
	Secret   string `placeholder:"SECRET" help:"The provider's verification key or secret; - reads it from standard input. Without it one is made where the secret is part of the address."`
	Now      bool   `help:"End the secret that is replaced at once, not in 24 hours."`
}

// AfterApply reads the secret where standard input has it, and refuses a secret that
// the provider cannot have.
func (h *hookAdd) AfterApply(s *session) error {
	if h.Secret == "-" {
		read, err := io.ReadAll(s.stdin)
		if err != nil {
			return fmt.Errorf("reading the secret: %w", err)
		}
		h.Secret = strings.TrimSpace(string(read))
	}
	return operator.CheckHookSecret(h.Provider, h.Secret)
}

func (h hookAdd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.AddHook(ctx, h.Provider, h.Scope, h.Secret, h.Now)
	return show(s, "hook add", answer, err)
}

type hookList struct{}

func (hookList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ListHooks(ctx)
	return show(s, "hook list", answer, err)
}

type hookNamed struct {
	Provider string `arg:"" enum:"${providers}" help:"The system."`
	Scope    string `arg:"" help:"The scope it was added for."`
}

type hookRemove struct{ hookNamed }

func (h hookRemove) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.RemoveHook(ctx, h.Provider, h.Scope)
	return show(s, "hook remove", answer, err)
}

type hookTest struct{ hookNamed }

func (h hookTest) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.TestHook(ctx, h.Provider, h.Scope)
	if err == nil && !answer.Stored {
		return show(s, "hook test unsigned", answer, nil)
	}
	return show(s, "hook test", answer, err)
}

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
	if err == nil {
		s.say("the secret is shown once: give it to the receiver")
	}
	return show(s, "webhook add", answer, err)
}

type webhookList struct{}

func (webhookList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ListWebhooks(ctx)
	return show(s, "webhook list", answer, err)
}

type webhookNamed struct {
	URL   string `arg:"" check:"url" name:"url" help:"The URL."`
	Scope string `placeholder:"SCOPE" help:"The scope it was added for, where the URL has more than one webhook."`
}

type webhookRemove struct{ webhookNamed }

func (r webhookRemove) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.RemoveWebhook(ctx, r.URL, r.Scope)
	return show(s, "webhook remove", answer, err)
}

type webhookTest struct{ webhookNamed }

func (t webhookTest) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.TestWebhook(ctx, t.URL, t.Scope)
	return show(s, "webhook test", answer, err)
}
