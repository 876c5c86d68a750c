package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// Report is one month for the person who answers for the system. It holds no address,
// no contact key and no name of a person. What is nil is not known.
type Report struct {
	Month   string    `json:"month"` // 2026-11, in UTC
	Whole   bool      `json:"whole"` // the month was over
	At      time.Time `json:"at"`
	Stack   string    `json:"stack"`
	Entries int       `json:"ledgerEntries"` // since the month began
	Unread  int       `json:"ledgerUnread"`  // entries that cannot be read, of any month

	OptOuts  []SourceCount `json:"optOuts"`  // the most first
	Released []SourceCount `json:"released"` // undone by the person, or lifted on newer consent
	Click    *ClickTimes   `json:"click,omitempty"`

	Classes []ClassReport `json:"classes"`
	Holds   HoldsReport   `json:"holds"`
	Faults  []Fault       `json:"faults"`
	Queues  []Queue       `json:"deadLetters,omitempty"` // dead-letter queues that hold messages now
}

// ClickTimes is how long it took from a click on a link until the opt-out stood in the
// suppression list. The request of a click stores the opt-out before it answers; only
// a click that waits in the outage queue has a time here.
type ClickTimes struct {
	Clicks      int   `json:"clicks"`
	Waited      int   `json:"waited"` // while the store was out of reach
	MostMillis  int64 `json:"mostMillis"`
	OverAMinute int   `json:"overAMinute"`
}

func (c *ClickTimes) add(d time.Duration) {
	c.Clicks++
	c.MostMillis = max(c.MostMillis, d.Milliseconds())
	if d > 0 {
		c.Waited++
	}
	if d > time.Minute {
		c.OverAMinute++
	}
}

// SourceCount is how many changes of one channel came from one source.
type SourceCount struct {
	Channel contact.Channel `json:"channel"`
	Source  string          `json:"source"`
	Count   int             `json:"count"`
}

// ClassReport is a class's month.
type ClassReport struct {
	Class     string      `json:"class"`
	KeptByLaw string      `json:"keptByLaw,omitempty"` // the law, where one keeps the class's records
	Minimum   string      `json:"minimum,omitempty"`   // for how long the law keeps them
	Runs      []RunReport `json:"runs"`                // the oldest first
	Deleted   int         `json:"deleted"`
	Overdue   int         `json:"overdueNow"`
	Held      int         `json:"overdueHeldNow"` // would be overdue, and a hold keeps them
}

// RunReport is one run of a class, without the names of principals.
type RunReport struct {
	Run         string              `json:"run"`
	StartedAt   time.Time           `json:"startedAt"`
	Outcome     certificate.Outcome `json:"outcome,omitempty"` // empty until certified
	Counts      certificate.Counts  `json:"counts"`
	Approved    bool                `json:"approved"` // somebody approved what the brake had halted
	Certificate string              `json:"certificate,omitempty"`
	Audit       bool                `json:"audit,omitempty"`
}

// HoldsReport is the holds of the month.
type HoldsReport struct {
	Active []CaseReport `json:"active"` // at the end of the month, or now
	Set    int          `json:"set"`
	Lifted int          `json:"lifted"`
}

// CaseReport is the active holds of one case.
type CaseReport struct {
	Case    string             `json:"case"`
	Kind    retention.HoldKind `json:"kind"`
	Since   time.Time          `json:"since"`
	Targets int                `json:"targets"` // contacts and records
}

// Fault is a purge or audit that did not end well, and what came of it.
type Fault struct {
	Class string    `json:"class"`
	Run   string    `json:"run"`
	At    time.Time `json:"at"`
	What  string    `json:"what"`
	Done  string    `json:"done"`
}

// ParseMonth reads YYYY-MM. Its error is a Mistake.
func ParseMonth(text string) (time.Time, error) {
	from, err := time.Parse("2006-01", text)
	if err != nil {
		return from, Mistakef("a month is four digits, a hyphen and two digits: --month 2026-11")
	}
	return from, nil
}

// Month makes the report of a month, YYYY-MM. It reads the whole ledger, which has no
// index by time. scanning is called before, with the number of entries that the
// ledger had when DynamoDB last counted them.
func (o *Operator) Month(ctx context.Context, month string, scanning func(entries int)) (*Report, error) {
	from, err := ParseMonth(month)
	if err != nil {
		return nil, err
	}
	now := o.Now().UTC()
	to := from.AddDate(0, 1, 0)
	if from.After(now) {
		return nil, Mistakef("the month %s has not begun", month)
	}
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return nil, err
	}
	r := &Report{Month: month, Whole: !to.After(now), At: now, Stack: o.Stack}
	if err := o.addLedger(ctx, r, from, to, scanning); err != nil {
		return nil, err
	}
	for _, class := range policy.Classes {
		if err := o.addClass(ctx, r, class, from, to, now); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.Faults, func(a, b Fault) int { return a.At.Compare(b.At) })
	holds, err := o.Holds.List(ctx)
	if err != nil {
		return nil, err
	}
	r.Holds = holdsOf(holds, from, to)
	queues, err := o.queues(ctx)
	if err != nil {
		return nil, err
	}
	r.Queues = slices.DeleteFunc(queues, func(q Queue) bool { return !q.Dead || q.Messages == 0 })
	return r, nil
}

// addLedger counts the entries that were written in the month.
func (o *Operator) addLedger(ctx context.Context, r *Report, from, to time.Time, scanning func(int)) error {
	if scanning != nil {
		tables, err := o.Tables(ctx, nil)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if strings.HasSuffix(t.Name, "-ledger") {
				scanning(t.Items)
			}
		}
	}
	type kind struct {
		channel contact.Channel
		source  string
	}
	optOuts, released := map[kind]int{}, map[kind]int{}
	var clicks ClickTimes
	count := func(e ledger.Entry) {
		r.Entries++
		if !e.RecordedAt.Before(to) {
			return
		}
		in := kind{e.Channel, string(suppression.Source(e.Source).Kind())}
		switch e.Action {
		case ledger.Suppressed:
			optOuts[in]++
			if suppression.Source(e.Source).FromLink() {
				clicks.add(e.RecordedAt.Sub(e.At))
			}
		case ledger.Released:
			released[in]++
		case ledger.Noted, ledger.Rekeyed: // change nobody's silence
		}
	}
	for after := ""; ; {
		page, err := o.Ledger.EntriesSince(ctx, from, after)
		if err != nil {
			return err
		}
		r.Unread += page.Unreadable
		for _, e := range page.Entries {
			count(e)
		}
		if after = page.Last; after == "" {
			break
		}
	}
	if clicks.Clicks > 0 {
		r.Click = &clicks
	}
	list := func(counts map[kind]int) []SourceCount {
		all := []SourceCount{}
		for in, n := range counts {
			all = append(all, SourceCount{in.channel, in.source, n})
		}
		slices.SortFunc(all, func(a, b SourceCount) int {
			if a.Count != b.Count {
				return b.Count - a.Count
			}
			return strings.Compare(string(a.Channel)+a.Source, string(b.Channel)+b.Source)
		})
		return all
	}
	r.OptOuts, r.Released = list(optOuts), list(released)
	return nil
}

// addClass adds the runs of a class that began in the month.
func (o *Operator) addClass(ctx context.Context, r *Report, class retention.Class, from, to, now time.Time) error {
	c := ClassReport{Class: class.Name, Runs: []RunReport{}}
	if class.HasMinimum() {
		c.KeptByLaw, c.Minimum = class.KeptBy, class.Minimum.String()
	}
	runs, err := o.Runs.List(ctx, class.Name)
	if err != nil {
		return err
	}
	slices.SortFunc(runs, func(a, b purge.Run) int { return a.StartedAt.Compare(b.StartedAt) })
	for i, run := range runs {
		if run.StartedAt.Before(from) || !run.StartedAt.Before(to) {
			continue
		}
		c.Runs = append(c.Runs, RunReport{run.ID, run.StartedAt, run.Outcome, run.Counts, run.ApprovedBy != "", run.Certificate, run.Audit})
		c.Deleted += run.Counts.Deleted
		if what := faultOf(run); what != "" {
			r.Faults = append(r.Faults, Fault{class.Name, run.ID, run.StartedAt, what, remedy(run, runs[i+1:])})
		}
	}
	counted, err := purge.CountOverdue(ctx, o.Records, o.Holds, class, now)
	if err != nil {
		return err
	}
	c.Overdue, c.Held = counted.Overdue(), counted.Held
	r.Classes = append(r.Classes, c)
	return nil
}

// faultOf is what went wrong in a run; empty for nothing.
func faultOf(run purge.Run) string {
	switch {
	case !run.Certified():
		return "it has no certificate yet"
	case run.Audit && run.Faults() > 0:
		return fmt.Sprintf("an audit found %d records that the system lost sight of", run.Faults())
	case run.Outcome == certificate.Completed && run.Counts.Failed > 0:
		return fmt.Sprintf("%d records could not be deleted", run.Counts.Failed)
	case run.Outcome == certificate.Completed:
		return ""
	}
	why := string(run.Outcome)
	if len(run.Reasons) > 0 {
		why += ": " + strings.Join(run.Reasons, "; ")
	}
	return why
}

// remedy is what the later runs of the class made of a fault.
func remedy(run purge.Run, later []purge.Run) string {
	for _, next := range later {
		if next.Audit != run.Audit || next.Outcome != certificate.Completed {
			continue
		}
		if next.ApprovedBy != "" && run.Outcome == certificate.Halted {
			return "approved, and carried out by the run " + next.ID
		}
		return "the run " + next.ID + " completed"
	}
	return "nothing yet"
}

// holdsOf counts the holds of a month, by case.
func holdsOf(holds []retention.Hold, from, to time.Time) HoldsReport {
	in := func(at time.Time) bool { return !at.IsZero() && !at.Before(from) && at.Before(to) }
	h := HoldsReport{Active: []CaseReport{}}
	for _, hold := range holds {
		if in(hold.SetAt) {
			h.Set++
		}
		if in(hold.LiftedAt) {
			h.Lifted++
		}
		if !hold.SetAt.Before(to) || !hold.Active() && hold.LiftedAt.Before(to) {
			continue
		}
		i := slices.IndexFunc(h.Active, func(c CaseReport) bool { return c.Case == hold.Case && c.Kind == hold.Kind })
		if i < 0 {
			h.Active = append(h.Active, CaseReport{Case: hold.Case, Kind: hold.Kind, Since: hold.SetAt})
			i = len(h.Active) - 1
		}
		h.Active[i].Targets++
		if hold.SetAt.Before(h.Active[i].Since) {
			h.Active[i].Since = hold.SetAt
		}
	}
	return h
}
