package main

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
	return show(s, answer, err, func(w io.Writer, made *operator.ToolKey) { fmt.Fprintln(w, made.Key) })
}

type toolList struct{}

func (toolList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ListTools(ctx)
	return show(s, answer, err, func(w io.Writer, all *operator.ToolList) {
		revoked := 0
		for _, t := range all.Tools {
			if !t.RevokedAt.IsZero() {
				revoked++
			}
		}
		if len(all.Tools) > 0 {
			fmt.Fprintf(w, "%d tools have keys, %d are revoked\n", len(all.Tools)-revoked, revoked)
		}
		table := newTable(w, "NAME", "RIGHTS", "SCOPES", "CREATED", "REVOKED")
		for _, t := range all.Tools {
			table.row(t.Name, joined(t.Rights), joined(t.Scopes), t.CreatedAt, t.RevokedAt)
		}
		table.end("there are no tools; `stille tool add --help` says how to add one")
	})
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, text := range list {
		texts[i] = string(text)
	}
	return strings.Join(texts, ",")
}

type toolRevoke struct {
	Name string `arg:"" check:"reference" help:"The tool."`
}

func (t toolRevoke) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.RevokeTool(ctx, t.Name)
	return show(s, answer, err, func(w io.Writer, done *operator.Revocation) {
		fmt.Fprintf(w, "revoked: the key of %s is worthless within a minute\n", done.Name)
	})
}
