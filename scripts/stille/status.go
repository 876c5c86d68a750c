package main

import (
	"context"
	"io"

	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/operator/files"
)

type status struct{}

func (status) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Status(ctx)
	if answer != nil {
		for _, unknown := range answer.Unknown {
			s.say("%v", unknown)
		}
	}
	err = show(s, "status", answer, err)
	return verdict(answer != nil && answer.Next == "", err)
}

type doctor struct{}

func (doctor) Run(ctx context.Context, s *session, on *stack) error {
	answer, err := on.Doctor(ctx, operator.Examination{About: "policy files", Look: func(ctx context.Context) ([]operator.Complaint, error) {
		policy, err := on.Config.Policy(ctx)
		if err != nil {
			return nil, err
		}
		scopes, err := on.Config.Scopes(ctx)
		if err != nil {
			return nil, err
		}
		next := "make diff ENV=…, then make deploy ENV=…"
		if on.Local {
			next = "make run"
		}
		var found []operator.Complaint
		complain := func(name string, isDeployed func(text []byte) bool) {
			if file, differs := s.otherFile(on, name, isDeployed); differs {
				found = append(found, operator.Complaint{Wrong: file + " is not what is deployed", Next: next})
			}
		}
		complain(names.RetentionFile, isPolicy(policy))
		complain(names.ScopesFile, areScopes(scopes))
		return found, nil
	}})
	err = show(s, "doctor", answer, err)
	return verdict(answer != nil && len(answer.Complaints) == 0, err)
}

type report struct {
	Month string `check:"month" required:"" placeholder:"YYYY-MM" help:"The month, as 2026-11."`
	Out   string `placeholder:"FILE" help:"Where the page goes; the default is stille-YYYY-MM.html, in the working directory."`
}

// written is a report and the file of its page.
type written struct {
	*operator.Report
	File string `json:"-"`
}

// dollarsAnEntry is what it costs to read an entry of the ledger, of up to 1 KB, on
// demand in us-east-1.
const dollarsAnEntry = 0.125e-6 / 4

// Run writes the page, or with --json prints what it says.
func (r report) Run(ctx context.Context, s *session, o *operator.Operator) error {
	made, err := o.Month(ctx, r.Month, func(entries int) {
		s.say("reading the whole ledger: about %d entries, about $%.2f", entries, float64(entries)*dollarsAnEntry)
	})
	if err != nil {
		return err
	}
	out := r.Out
	if out == "" && !s.options.JSON {
		out = "stille-" + made.Month + ".html"
	}
	if out != "" {
		write := func(w io.Writer) error { return files.WriteReport(w, made) }
		if err := files.Replace(out, write); err != nil {
			return err
		}
	}
	return show(s, "report", &written{made, out}, nil)
}
