package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"stille/shared/operator"
)

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
	return show(s, answer, err, func(w io.Writer, added *operator.HookAddress) { fmt.Fprintln(w, added.URL) })
}

type hookList struct{}

func (hookList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ListHooks(ctx)
	return show(s, answer, err, func(w io.Writer, all *operator.HookList) {
		if len(all.Hooks) > 0 {
			fmt.Fprintf(w, "%d hooks report opt-outs\n", len(all.Hooks))
		}
		table := newTable(w, "PROVIDER", "SCOPE", "ADDED", "LAST CALL")
		for _, h := range all.Hooks {
			table.row(h.Provider, h.Scope, h.AddedAt, h.CalledAt)
		}
		table.end("no other system reports opt-outs; `stille hook add --help` says how to add one")
	})
}

// hookNamed names a hook.
type hookNamed struct {
	Provider string `arg:"" enum:"${providers}" help:"The system."`
	Scope    string `arg:"" help:"The scope it was added for."`
}

type hookRemove struct{ hookNamed }

func (h hookRemove) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.RemoveHook(ctx, h.Provider, h.Scope)
	return show(s, answer, err, func(w io.Writer, gone *operator.HookRemoval) {
		fmt.Fprintf(w, "removed: calls of %s for %s are refused within a minute\n", gone.Provider, gone.Scope)
	})
}

type hookTest struct{ hookNamed }

func (h hookTest) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.TestHook(ctx, h.Provider, h.Scope)
	return show(s, answer, err, func(w io.Writer, t *operator.HookTest) {
		switch {
		case t.Stored:
			fmt.Fprintf(w, "stored: the hook answered %d, and the list shows the opt-out of a contact that nobody has\n", t.Status)
		case err == nil:
			fmt.Fprintf(w, "reached: the hook answered %d to a call without a signature; %s alone can sign one, from its console\n", t.Status, t.Provider)
		default:
			fmt.Fprintf(w, "not stored: the hook answered %d\n", t.Status)
		}
	})
}
