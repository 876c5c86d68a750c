package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"stille/shared/retention"
)

func (a statusAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "%s at %s\n\n", a.Where, a.At.Format(time.RFC3339))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CLASS\tLAST PURGE\tDUE\tDELETED\tHELD\tFAILED\tENDED\tNEXT PURGE\tOVERDUE")
	for _, class := range a.Classes {
		class.row(table)
	}
	_ = table.Flush() // into a buffer
	a.findings(w)
	fmt.Fprintln(w)
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TABLE\tSTATE\tITEMS (ABOUT)")
	for _, t := range a.Tables {
		fmt.Fprintf(table, "%s\t%s\t%d\n", t.Name, t.State, t.Items)
	}
	_ = table.Flush()
	fmt.Fprintln(w)
	table = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "QUEUE\tMESSAGES\tOLDEST\tFOR")
	for _, q := range a.Queues {
		what := "what is on its way"
		if q.Aside {
			what = "what was put aside"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", q.Name, q.Messages, q.oldest(), what)
	}
	_ = table.Flush()
	a.keysText(w)
	if a.Next == "" {
		fmt.Fprintln(w, "\nnothing to do")
		return
	}
	fmt.Fprintf(w, "\n%s\nnext: %s\n", a.Because, a.Next)
}

func (c classAnswer) row(w io.Writer) {
	next := c.NextPurge.Format(time.RFC3339)
	if c.Last == nil {
		fmt.Fprintf(w, "%s\tnone yet\t-\t-\t-\t-\t-\t%s\t%d\n", c.Class, next, c.Overdue)
		return
	}
	fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%d\n", c.Class, c.Last.Outcome, c.Last.Counts.Due, c.Last.Counts.Deleted,
		c.Last.Counts.Held, c.Last.Counts.Failed, c.Last.EndedAt.Format(time.RFC3339), next, c.Overdue)
}

// findings are what is not as it should be, or needs somebody.
func (a statusAnswer) findings(w io.Writer) {
	for _, c := range a.Classes {
		if c.Overdue > 0 {
			fmt.Fprintf(w, "\n%s: %d records are overdue, due for over %d hours and kept by no hold\n", c.Class, c.Overdue, int(retention.OverdueAfter.Hours()))
		}
		for _, run := range c.NotCertified {
			how := "was killed: it has no certificate yet"
			if run.Running {
				how = "is going on"
			}
			fmt.Fprintf(w, "\n%s: the purge %s, started at %s, %s\n", c.Class, run.Run, run.StartedAt.Format(time.RFC3339), how)
		}
		if plan := c.Waiting; plan != nil {
			fmt.Fprintf(w, "\n%s: the brake halted the purge %s at %s\n", c.Class, plan.Run, plan.HaltedAt.Format(time.RFC3339))
			for _, reason := range plan.Reasons {
				fmt.Fprintf(w, "  because  %s\n", reason)
			}
			if plan.ApprovedBy != "" {
				fmt.Fprintf(w, "  approved by %s, and not carried out\n", plan.ApprovedBy)
			}
			fmt.Fprintf(w, "  approve  stille purge approve %s\n", plan.PlanHash)
		}
	}
	for _, c := range a.Classes {
		if c.OverdueHeld > 0 {
			fmt.Fprintf(w, "\n%s: %d records would be overdue, and a hold keeps them\n", c.Class, c.OverdueHeld)
		}
	}
}
