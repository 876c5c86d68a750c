package main

import (
	"context"
	"errors"
	"fmt"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/retention"
)

type holds struct {
	Set     holdSet     `cmd:"" help:"Keep everything about contacts, or records, from being deleted."`
	Lift    holdLift    `cmd:"" help:"Lift every hold of a case."`
	List    holdList    `cmd:"" help:"List the holds, lifted ones too."`
	History holdHistory `cmd:"" help:"Everything that happened to the holds of a case."`
	Restore holdRestore `cmd:"" help:"Make the holds again from their history, after their table was lost or restored."`
}

type holdSet struct {
	Case    string             `check:"reference" required:"" placeholder:"ID" help:"The case: 1 to 64 characters of A-Za-z0-9._:/-"`
	Reason  string             `check:"reference" required:"" placeholder:"R" help:"Why, in a word or a reference of the same characters."`
	Kind    retention.HoldKind `enum:"legal,restriction" default:"legal" help:"legal: law or a claim needs it. restriction: the person asked that it is kept; marketing to the contact stops until stille subject unrestrict."`
	Contact pairs              `placeholder:"CHANNEL ADDRESS" help:"Hold everything about a contact, in every class, and every later record. Repeatable."`
	Record  pairs              `placeholder:"CLASS ID" help:"Hold one record. Repeatable."`
	File    []string           `check:"file" sep:"none" placeholder:"FILE" help:"Hold what a file lists: CSV or NDJSON with channel and address, or class and id. Repeatable."`
	regional
}

// Validate refuses a command that names nothing to hold.
func (h holdSet) Validate() error {
	if len(h.Contact)+len(h.Record)+len(h.File) == 0 {
		return errors.New("say what to hold: --contact CHANNEL ADDRESS, --record CLASS ID or --file FILE")
	}
	return nil
}

func (h holdSet) Run(ctx context.Context, s *session, o *operator.Operator) error {
	kept, err := h.kept()
	if err != nil {
		return err
	}
	held, err := o.SetHolds(ctx, retention.Hold{Case: h.Case, Reason: h.Reason, Kind: h.Kind}, kept)
	if held != nil {
		for _, hold := range held.Holds {
			if *hold.Covers == 0 {
				s.say("warning: the hold on %s covers 0 records now: is it typed right? The hold stands and keeps what comes later", hold.What())
			}
		}
	}
	return show(s, "hold set", held, err)
}

// kept are the flags and the rows of the files.
func (h holdSet) kept() ([]operator.Kept, error) {
	var kept []operator.Kept
	for _, c := range h.Contact {
		kept = append(kept, operator.Kept{Where: "--contact", Person: operator.Person{Channel: contact.Channel(c.first), Address: c.second, Region: h.Region}})
	}
	for _, r := range h.Record {
		kept = append(kept, operator.Kept{Where: "--record", Class: r.first, ID: r.second})
	}
	for _, file := range h.File {
		inFile, err := files.ReadKept(file, h.Region)
		if err != nil {
			return nil, fmt.Errorf("--file: %w", err)
		}
		kept = append(kept, inFile...)
	}
	return kept, nil
}

type holdLift struct {
	Case string `check:"reference" required:"" placeholder:"ID" help:"The case."`
}

func (h holdLift) Run(ctx context.Context, s *session, o *operator.Operator) error {
	lifting, err := o.LiftHolds(ctx, h.Case)
	return show(s, "hold lift", lifting, err)
}

type holdList struct{}

func (holdList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	all, err := o.ListHolds(ctx)
	return show(s, "hold list", all, err)
}

type holdHistory struct {
	Case string `check:"reference" required:"" placeholder:"ID" help:"The case."`
}

func (h holdHistory) Run(ctx context.Context, s *session, o *operator.Operator) error {
	history, err := o.HoldHistory(ctx, h.Case)
	return show(s, "hold history", history, err)
}

type holdRestore struct{}

func (holdRestore) Run(ctx context.Context, s *session, o *operator.Operator) error {
	restored, err := o.RestoreHolds(ctx)
	return show(s, "hold restore", restored, err)
}
