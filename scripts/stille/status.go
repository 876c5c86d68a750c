package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"stille/shared/aws/keyring"
	"stille/shared/operator"
	"stille/shared/retention"
)

type status struct{}

func (status) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Status(ctx)
	if answer != nil {
		for _, unknown := range answer.Unknown {
			s.say("%v", unknown)
		}
	}
	err = show(s, answer, err, statusText)
	return verdict(answer != nil && answer.Next == "", err)
}

func statusText(w io.Writer, a *operator.Status) {
	fmt.Fprintf(w, "%s\n\n%s at %s\n\n", cmp.Or(a.Because, "nothing to do"), a.Where, instantText(a.At))
	t := newTable(w, "CLASS", "LAST PURGE", "DUE", "DELETED", "HELD", "FAILED", "ENDED", "NEXT PURGE", "OVERDUE")
	for _, c := range a.Classes {
		if c.Last == nil {
			t.row(c.Class, "none yet", "", "", "", "", "", c.NextPurge, c.Overdue)
			continue
		}
		n := c.Last.Counts
		t.row(c.Class, c.Last.Outcome, n.Due, n.Deleted, n.Held, n.Failed, c.Last.EndedAt, c.NextPurge, c.Overdue)
	}
	t.end()
	for _, c := range a.Classes {
		findingsText(w, c)
	}
	for _, c := range a.Classes {
		if c.OverdueHeld > 0 {
			fmt.Fprintf(w, "\n%s: %d records would be overdue, and a hold keeps them\n", c.Class, c.OverdueHeld)
		}
	}
	fmt.Fprintln(w)
	t = newTable(w, "TABLE", "STATE", "ITEMS (ABOUT)")
	for _, one := range a.Tables {
		t.row(one.Name, one.State, one.Items)
	}
	t.end()
	fmt.Fprintln(w)
	t = newTable(w, "QUEUE", "MESSAGES", "OLDEST", "FOR")
	for _, q := range a.Queues {
		what := "messages on their way"
		if q.Dead {
			what = "dead letters"
		}
		t.row(q.Name, q.Messages, oldest(q), what)
	}
	t.end()
	primaryKeysText(w, a.Keys)
	next(w, a.Next)
}

// findingsText says what of a class is not as it should be, or needs somebody.
func findingsText(w io.Writer, c operator.ClassStatus) {
	if c.Overdue > 0 {
		fmt.Fprintf(w, "\n%s: %d records are overdue, due for over %d hours and kept by no hold\n", c.Class, c.Overdue, int(retention.OverdueAfter.Hours()))
	}
	if c.Lost > 0 {
		fmt.Fprintf(w, "\n%s: %d records lost their place (at least: up to 10,000 were looked at), and no purge finds them\n", c.Class, c.Lost)
	}
	for _, run := range c.NotCertified {
		how := "was killed: it has no certificate yet"
		if run.Running {
			how = "is going on"
		}
		fmt.Fprintf(w, "\n%s: the purge %s, started at %s, %s\n", c.Class, run.Run, instantText(run.StartedAt), how)
	}
	if plan := c.Halted; plan != nil && plan.UntilDone {
		fmt.Fprintf(w, "\n%s: %s approved the plan of the purge %s until done;\n  every run goes on with it, until its records are gone or `stille purge stop RUN` ends it\n", c.Class, plan.ApprovedBy, plan.Run)
	} else if plan != nil {
		fmt.Fprintf(w, "\n%s: the brake halted the purge %s at %s\n", c.Class, plan.Run, instantText(plan.HaltedAt))
		for _, reason := range plan.Reasons {
			fmt.Fprintf(w, "  because  %s\n", reason)
		}
		if plan.ApprovedBy != "" {
			fmt.Fprintf(w, "  approved by %s, and not carried out\n", plan.ApprovedBy)
		}
		fmt.Fprintf(w, "  approve  stille purge approve %s\n", plan.PlanHash)
	}
}

func primaryKeysText(w io.Writer, keys []operator.PrimaryKey) {
	if len(keys) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := newTable(w, "KEY SET", "PRIMARY KEY", "CREATED", "DAYS")
	for _, k := range keys {
		t.row(k.Set, k.ID, k.Created, k.Days)
	}
	t.end()
	for _, k := range keys {
		if k.Days <= keyYear || k.Set == keyring.ProofSet { // proof keys are never rotated
			continue
		}
		advice := "it stays, unless it may have leaked: then `stille keys rotate contact`"
		if strings.HasPrefix(k.Set, keyring.LinkSet) {
			advice = "a schedule rotates it once a year: `stille keys rotate link` does it now"
		}
		fmt.Fprintf(w, "\n%s: the key %s is over a year old; %s\n", k.Set, k.ID, advice)
	}
}

// keyYear is the age in days from which status has advice about a key.
const keyYear = 365

type doctor struct{}

func (doctor) Run(ctx context.Context, s *session, on *stack) error {
	answer, err := on.Doctor(ctx, operator.Examination{About: "retention policy", Look: func(ctx context.Context) ([]operator.Complaint, error) {
		file, differs, err := s.otherPolicy(ctx, on)
		if err != nil || !differs {
			return nil, err
		}
		return []operator.Complaint{{Wrong: file + " is not the deployed policy", Next: "make diff ENV=…, then make deploy ENV=…"}}, nil
	}})
	err = show(s, answer, err, doctorText)
	return verdict(answer != nil && len(answer.Complaints) == 0, err)
}

func doctorText(w io.Writer, a *operator.Diagnosis) {
	wrong := map[string]bool{}
	if len(a.Complaints) == 0 {
		fmt.Fprintln(w, "nothing is wrong")
	} else {
		fmt.Fprintf(w, "%d things are wrong\n", len(a.Complaints))
	}
	for _, c := range a.Complaints {
		wrong[c.About] = true
		fmt.Fprintf(w, "%s: %s\n  do: %s\n", c.About, c.Wrong, c.Next)
	}
	for _, about := range a.Examined {
		if !wrong[about] {
			fmt.Fprintf(w, "%s: well\n", about)
		}
	}
}
