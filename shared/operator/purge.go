package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// Run is one run of a purge, or one audit.
type Run struct {
	purge.Run
	Counts  *certificate.Counts `json:"counts,omitempty"`  // absent until the run is certified
	Records []purge.Remaining   `json:"records,omitempty"` // due at the run's cutoff and still there, where asked for
}

func newRun(r purge.Run) *Run {
	if !r.Certified() {
		return &Run{Run: r}
	}
	return &Run{Run: r, Counts: &r.Counts}
}

// RunList is the runs of all classes, the newest first.
type RunList struct {
	Runs []Run `json:"runs"`
}

// ShowRuns lists the runs of all classes.
func (o *Operator) ShowRuns(ctx context.Context) (*RunList, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return nil, err
	}
	all := &RunList{Runs: []Run{}}
	for _, class := range policy.Classes {
		runs, err := o.Runs.List(ctx, class.Name)
		if err != nil {
			return nil, err
		}
		for _, run := range runs {
			all.Runs = append(all.Runs, *newRun(run))
		}
	}
	slices.SortFunc(all.Runs, func(a, b Run) int { return b.StartedAt.Compare(a.StartedAt) })
	return all, nil
}

// ShowRun finds one run by its id, and lists up to most records that were due at its
// cutoff and are still there: those that it failed on, too.
func (o *Operator) ShowRun(ctx context.Context, id string, most int) (*Run, error) {
	found, err := o.findRun(ctx, id)
	if err != nil {
		return nil, err
	}
	run := newRun(found)
	if most > 0 {
		class, _, err := o.Class(ctx, found.Class)
		if err != nil {
			return nil, err
		}
		if run.Records, err = o.listDue(ctx, class, found.Cutoff, most); err != nil {
			return nil, err
		}
	}
	return run, nil
}

// findRun looks for a run in all classes. The id may be shortened while it names
// one run alone.
func (o *Operator) findRun(ctx context.Context, id string) (purge.Run, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return purge.Run{}, err
	}
	for _, class := range policy.Classes {
		run, err := o.Runs.Get(ctx, class.Name, id)
		if err == nil || !errors.Is(err, purge.ErrNoRun) {
			return run, err
		}
	}
	all, err := o.ShowRuns(ctx)
	if err != nil {
		return purge.Run{}, err
	}
	all.Runs = slices.DeleteFunc(all.Runs, func(r Run) bool { return !strings.HasPrefix(r.ID, id) })
	switch len(all.Runs) {
	case 0:
		return purge.Run{}, fmt.Errorf("%w; `stille purge show` lists the runs", purge.ErrNoRun)
	case 1:
		return all.Runs[0].Run, nil
	}
	return purge.Run{}, Mistakef("the ids of %d runs begin so: type more of it; `stille purge show` lists the runs", len(all.Runs))
}

// Plan is what a purge of a class would do now. Seconds and what follows it are
// estimates: see purge.Cost.
type Plan struct {
	Class      string    `json:"class"`
	Keep       string    `json:"keep"`
	Zone       string    `json:"zone"`
	Cutoff     time.Time `json:"cutoff"`
	Due        int       `json:"due"`
	Held       int       `json:"held"`            // due records that a hold keeps
	Oldest     time.Time `json:"oldest,omitzero"` // start or withdrawal
	PlanHash   string    `json:"planHash"`
	PolicyHash string    `json:"policyHash"`
	Seconds    int       `json:"seconds"`
	WriteUnits int       `json:"writeUnits"`
	ReadUnits  int       `json:"readUnits"`
	CostUSD    float64   `json:"costUSD"` // on demand, us-east-1

	Records []purge.Remaining `json:"records,omitempty"` // where asked for
}

// listDue lists up to most records that were due at the cutoff and are still there.
// An id that may be an address is not shown.
func (o *Operator) listDue(ctx context.Context, class retention.Class, cutoff time.Time, most int) ([]purge.Remaining, error) {
	list, err := purge.ListRemaining(ctx, o.Records, o.Holds, class, cutoff, most)
	for i := range list {
		list[i].ID = shownID(list[i].ID)
	}
	return list, err
}

// PlanPurge counts what is due in a class, lists up to most of it, and deletes
// nothing.
func (o *Operator) PlanPurge(ctx context.Context, name string, most int) (*Plan, error) {
	class, _, err := o.Class(ctx, name)
	if err != nil {
		return nil, err
	}
	plan, err := purge.Make(ctx, o.Records, class, class.Hash(), o.Now().Truncate(time.Second))
	if err != nil {
		return nil, err
	}
	counted, err := purge.Count(ctx, o.Records, o.Holds, class, plan.Cutoff)
	if err != nil {
		return nil, err
	}
	var list []purge.Remaining
	if most > 0 {
		if list, err = o.listDue(ctx, class, plan.Cutoff, most); err != nil {
			return nil, err
		}
	}
	cost := purge.Estimate(class.Name, plan.Shards, counted.Held)
	return &Plan{
		Records: list,
		Class:   class.Name, Keep: class.Keep.String(), Zone: class.Zone, Cutoff: plan.Cutoff, Due: plan.Due(), Held: counted.Held, Oldest: plan.Oldest,
		PlanHash: plan.Hash(), PolicyHash: plan.PolicyHash, Seconds: int(cost.Time.Seconds()),
		WriteUnits: cost.WriteUnits, ReadUnits: cost.ReadUnits, CostUSD: cost.Dollars(),
	}, nil
}

// Stop is what the order to stop a run did.
type Stop struct {
	Run   string `json:"run"`
	Class string `json:"class"`
	By    string `json:"by"`
	// Execution is the status of the run's execution, if it ended without a
	// certificate: only a function that outlived it can be stopped. The next run of
	// the class certifies the run.
	Execution     string `json:"execution,omitempty"`
	Ended         bool   `json:"ended,omitempty"`         // the run had its certificate already
	ApprovalEnded bool   `json:"approvalEnded,omitempty"` // no later run goes on under the run's approval until done
}

// unknownExecution is the status of an execution that is not known any more.
const unknownExecution = "UNKNOWN"

// StopRun asks a run to stop before its next page, and ends its approval until done.
// A run that has ended can be stopped only if it had that approval.
func (o *Operator) StopRun(ctx context.Context, id string) (*Stop, error) {
	run, err := o.findRun(ctx, id)
	if err != nil {
		return nil, err
	}
	by, err := o.Principal(ctx)
	if err != nil {
		return nil, err
	}
	stop := &Stop{Run: run.ID, Class: run.Class, By: by}
	if stop.ApprovalEnded, err = o.endApproval(ctx, run); err != nil {
		return nil, err
	}
	err = o.Runs.Stop(ctx, run.Class, run.ID, by)
	if stop.Ended = errors.Is(err, purge.ErrNoRun); stop.Ended {
		if stop.ApprovalEnded {
			return stop, nil
		}
		return nil, fmt.Errorf("the run has ended already; `stille purge show %s` says how", run.ID)
	}
	if err != nil {
		return nil, err
	}
	state, err := o.Executions.State(ctx, run.Class, run.ID)
	if err != nil {
		return nil, fmt.Errorf("the run was asked to stop, and whether it is running is not known: %w", err)
	}
	if !state.Running {
		stop.Execution = cmp.Or(state.Status, unknownExecution)
	}
	return stop, nil
}

// endApproval removes the plan of the run's class if it is the plan that the run
// carried out under an approval until done.
func (o *Operator) endApproval(ctx context.Context, run purge.Run) (bool, error) {
	if !run.UntilDone {
		return false, nil
	}
	plan, err := o.Runs.Halted(ctx, run.Class)
	if errors.Is(err, purge.ErrNoPlan) || err == nil && plan.PlanHash != run.PlanHash {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, o.Runs.Forget(ctx, run.Class)
}
