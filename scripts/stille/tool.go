package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"stille/shared/api/access"
	"stille/shared/retention"
	"stille/shared/scope"
)

type tools struct {
	Add    toolAdd    `cmd:"" help:"Make an API key; it is shown once."`
	List   toolList   `cmd:"" help:"List the tools, revoked ones too."`
	Revoke toolRevoke `cmd:"" help:"Make a tool's key worthless."`
}

type toolAdd struct {
	Name   string         `arg:"" help:"What the tool is called in lists and histories: 1 to 64 characters of A-Za-z0-9._:/-"`
	Rights []access.Right `required:"" enum:"check,links,suppress,release,records,transactional" placeholder:"RIGHT" help:"What it may: check, links, suppress, release, records, transactional."`
	Scopes []string       `required:"" placeholder:"SCOPE" help:"For whom: brands, topics, or * for all."`
}

// Help shows a call.
func (toolAdd) Help() string {
	return `The key is printed once and kept nowhere; the stack knows its hash. The tool sends it as "Authorization: Bearer KEY".

    $ stille tool add crm --rights check,links --scopes acme
    $ stille tool add importer --rights suppress,records --scopes '*'`
}

type keyAnswer struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

func (a keyAnswer) text(w io.Writer) {
	fmt.Fprintln(w, a.Key)
}

// Run makes the key.
func (t toolAdd) Run(ctx context.Context, s *session) error {
	if retention.ParseReference(t.Name) != nil {
		return usage("the name %v", retention.ErrReference)
	}
	tool := access.Tool{Name: t.Name, Rights: t.Rights, CreatedAt: s.now()}
	for _, named := range t.Scopes {
		in, err := s.scope(named)
		if err != nil {
			return fmt.Errorf("--scopes: %w", err)
		}
		tool.Scopes = append(tool.Scopes, in)
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	all, err := sys.tools.List(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(other access.Tool) bool { return other.Name == t.Name && other.RevokedAt.IsZero() }) {
		return fmt.Errorf("there is a tool of this name: choose another, or revoke it first with `stille tool revoke %s`", t.Name)
	}
	key, hash, err := access.NewKey(rand.Reader)
	if err != nil {
		return err
	}
	if err := sys.tools.Put(ctx, hash, tool); err != nil {
		return err
	}
	s.say("the key of %s; it is not shown again:", t.Name)
	return s.show(keyAnswer{Name: t.Name, Key: key})
}

type toolList struct{}

type toolAnswer struct {
	Name      string         `json:"name"`
	Rights    []access.Right `json:"rights"`
	Scopes    []scope.Scope  `json:"scopes"`
	CreatedAt time.Time      `json:"createdAt"`
	RevokedAt time.Time      `json:"revokedAt,omitzero"`
}

type toolsAnswer struct {
	Tools []toolAnswer `json:"tools"`
}

func (a toolsAnswer) text(w io.Writer) {
	if len(a.Tools) == 0 {
		fmt.Fprintln(w, "there are no tools; `stille tool add --help` says how to add one")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tRIGHTS\tSCOPES\tCREATED\tREVOKED")
	for _, t := range a.Tools {
		revoked := "-"
		if !t.RevokedAt.IsZero() {
			revoked = t.RevokedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.Name, joined(t.Rights), joined(t.Scopes), t.CreatedAt.Format(time.RFC3339), revoked)
	}
	_ = table.Flush() // into a buffer
}

func joined[T ~string](list []T) string {
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = string(one)
	}
	return strings.Join(texts, ",")
}

// Run lists the tools.
func (toolList) Run(ctx context.Context, s *session) error {
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	all, err := sys.tools.List(ctx)
	if err != nil {
		return err
	}
	answer := toolsAnswer{Tools: make([]toolAnswer, len(all))}
	for i, t := range all {
		answer.Tools[i] = toolAnswer(t)
	}
	return s.show(answer)
}

type toolRevoke struct {
	Name string `arg:"" help:"The tool."`
}

type revokeAnswer struct {
	Name    string `json:"name"`
	Revoked int    `json:"revoked"`
}

func (a revokeAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "revoked: the key of %s is worthless within a minute\n", a.Name)
}

// Run revokes the tool's key.
func (t toolRevoke) Run(ctx context.Context, s *session) error {
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	revoked, err := sys.tools.Revoke(ctx, t.Name, s.now())
	if err != nil {
		return err
	}
	if revoked == 0 {
		return errors.New("no tool of this name has a key that works; `stille tool list` shows them all")
	}
	return s.show(revokeAnswer{Name: t.Name, Revoked: revoked})
}
