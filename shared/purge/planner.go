package purge

import (
	"context"
	"errors"
	"slices"
	"time"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// Planner plans runs: it counts the due records and checks the plan against the
// brake. It deletes nothing.
type Planner struct {
	Records    Records
	Holds      Holds
	Runs       Runs
	Halted     HaltedPlans
	Turns      Turns
	Manifest   Manifest
	Running    func(ctx context.Context, machine, run string) (bool, error) // whether an execution is still running
	PolicyHash string
	Now        func() time.Time
	StoreClock func(ctx context.Context) (time.Time, error) // the clock of the store
}

// Execution is a starting run, as described by the state machine and its
// starter.
type Execution struct {
	Class        string    `json:"class"`
	Run          string    `json:"run"`     // the execution's name
	Machine      string    `json:"machine"` // the state machine's ARN
	StartedAt    time.Time `json:"startedAt"`
	ScheduledFor time.Time `json:"-"` // zero for a run without a schedule
	StartedBy    string    `json:"-"` // the principal, for a run started by the operator's command
	Approved     string    `json:"-"` // the hash of the approved plan to carry out
}

// Plan returns the run with its plan and its next step. If another run of the
// class was killed, unfinished names that run instead: it must be certified
// before this run can be planned. A repeated plan step returns the first plan.
// Once Plan returned a run that deletes, no other run of the class deletes, and the
// class has no halted plan but the plan that this run follows or has made.
func (p Planner) Plan(ctx context.Context, class retention.Class, e Execution) (run Run, unfinished string, err error) {
	run, err = p.Runs.Get(ctx, class.Name, e.Run)
	if errors.Is(err, ErrNoRun) {
		run, unfinished, err = p.first(ctx, class, e)
	}
	if err != nil || unfinished != "" || run.Next != NextDelete || run.Certified() {
		return run, unfinished, err
	}
	err = p.Turns.Raise(ctx, class.Name, run.Turn)
	if err != nil || run.UntilDone || run.Withdrawn {
		return run, "", err
	}
	// Only now: a step that failed before must not cost the approval.
	return run, "", p.Halted.Forget(ctx, class.Name)
}

// first plans a run that has no plan yet, and stores the plan. The manifest of a
// run that deletes is opened before the plan is stored: a run without a manifest
// has lost it.
func (p Planner) first(ctx context.Context, class retention.Class, e Execution) (run Run, unfinished string, err error) {
	lock, running, err := p.lock(ctx, e)
	switch {
	case err != nil:
		return Run{}, "", err
	case lock.Holder == e.Run:
		if run, err = p.planRun(ctx, class, e); err == nil {
			run.Turn, err = p.turn(ctx, e.Class, lock)
		}
	case running:
		run = p.newRun(e)
		run.Next, run.Reasons = NextYield, []string{"another run of the class is active: " + lock.Holder}
	default:
		return Run{}, lock.Holder, nil
	}
	if err == nil && run.Next == NextDelete {
		err = p.Manifest.Open(ctx, class.Name, run.ID)
	}
	if err == nil {
		run, err = p.Runs.Start(ctx, run)
	}
	return run, "", err
}

// turn is the turn of the run that has the lock. A fence with as high a turn shows
// that the table of runs was set back, and that a run which it forgot may delete: the
// turn must be higher.
func (p Planner) turn(ctx context.Context, class string, lock Lock) (int64, error) {
	highest, err := p.Turns.Highest(ctx, class)
	if highest >= lock.Turn {
		return highest + TurnsOfRun, err
	}
	return lock.Turn, err
}

// lock makes this run the active run of its class. If another run is active it
// returns the lock of that run and whether its execution is still running. A
// certified run has ended, whatever the state of its execution.
func (p Planner) lock(ctx context.Context, e Execution) (lock Lock, running bool, err error) {
	lock, err = p.Runs.Lock(ctx, e.Class, e.Run)
	if err != nil || lock.Holder == e.Run {
		return lock, true, err
	}
	active, err := p.Runs.Get(ctx, e.Class, lock.Holder)
	switch {
	case err == nil && active.Certified():
		return lock, false, nil
	case err != nil && !errors.Is(err, ErrNoRun):
		return lock, false, err
	}
	running, err = p.Running(ctx, e.Machine, lock.Holder)
	return lock, running, err
}

// newRun is the run before anything is counted.
func (p Planner) newRun(e Execution) Run {
	return Run{
		Class: e.Class, ID: e.Run, StartedAt: e.StartedAt.UTC(), Cutoff: p.Now().UTC().Truncate(time.Second),
		ScheduledFor: e.ScheduledFor, StartedBy: e.StartedBy, PolicyHash: p.PolicyHash,
	}
}

// planRun plans the run and checks the plan against the brake. A halted plan
// replaces the class's older halted plan.
func (p Planner) planRun(ctx context.Context, class retention.Class, e Execution) (Run, error) {
	run := p.newRun(e)
	approved, objection, err := p.approved(ctx, class, e.Approved)
	if err != nil {
		return run, err
	}
	if approved != nil {
		run.ApprovedBy, run.UntilDone = approved.ApprovedBy, approved.UntilDone
		if e.Approved != "" { // a later night of a backlog has its own cutoff
			run.Cutoff = approved.Cutoff
		}
	}
	plan, err := Make(ctx, p.Records, class, run.PolicyHash, run.Cutoff)
	if err != nil {
		return run, err
	}
	run.PlanHash, run.Planned, run.Shares = plan.Hash(), plan.Due(), plan.shares(class.Most)
	brake, err := p.brake(ctx, run)
	if err != nil {
		return run, err
	}
	going, reasons, err := p.objections(ctx, class, plan, approved, brake)
	if err != nil {
		return run, err
	}
	if objection != "" && (e.Approved != "" || len(reasons) > 0) {
		reasons = append(reasons, objection)
	}
	if len(reasons) == 0 && run.UntilDone {
		err = p.Halted.Keep(ctx, approved.Shrink(going.backlog))
		if errors.Is(err, ErrNoPlan) {
			reasons, err = []string{"the approval was ended meanwhile"}, nil
		}
		if err != nil {
			return run, err
		}
	}
	if len(reasons) > 0 {
		run.Next, run.Reasons, run.ApprovedBy, run.UntilDone = NextHalt, reasons, "", false
		if run.Withdrawn, err = p.mayDeleteWithdrawn(ctx, class, run, brake); err != nil {
			return run, err
		}
		if run.Withdrawn {
			run.Next = NextDelete
		}
		return run, p.Halted.Halt(ctx, HaltedPlan{
			Class: class.Name, Run: run.ID, PlanHash: run.PlanHash, PolicyHash: run.PolicyHash, Cutoff: run.Cutoff,
			Shards: going.due, Reasons: reasons, HaltedAt: p.Now().UTC(), StartedBy: run.StartedBy,
		})
	}
	if approved != nil {
		run.PlanHash = approved.PlanHash // the certificate names the approved plan
	}
	run.Next = NextDelete
	return run, nil
}

// approved returns the halted plan that the run must carry out; nil for a run
// that names no approval while the class has none until done. If the approval is not
// valid, it returns the objection instead.
func (p Planner) approved(ctx context.Context, class retention.Class, hash string) (plan *HaltedPlan, objection string, err error) {
	halted, err := p.Halted.Halted(ctx, class.Name)
	switch {
	case hash == "" && (errors.Is(err, ErrNoPlan) || err == nil && !halted.UntilDone):
		return nil, "", nil
	case errors.Is(err, ErrNoPlan):
		return nil, "the run names an approval, and the class has no halted plan", nil
	case err != nil:
		return nil, "", err
	case hash != "" && halted.PlanHash != hash:
		return nil, "the run names the approval of another plan than the halted one", nil
	}
	if err := halted.MayRun(p.PolicyHash, p.Now()); err != nil {
		return nil, "the approval does not hold: " + err.Error(), nil
	}
	if hash == "" {
		runs, err := p.Runs.List(ctx, class.Name)
		if err != nil || halted.IsDone(runs) {
			return nil, "", err
		}
	}
	return &halted, "", nil
}

// objections lists what speaks against the run, and counts the records of each shard
// that it would delete. An approval covers the amount as HaltedPlan.Objections says,
// and never the clock. Held and failing records are no objection; they are counted
// only where the due records are one, because that reads every due record.
func (p Planner) objections(ctx context.Context, class retention.Class, plan Plan, approved *HaltedPlan, brake Brake) (going amounts, reasons []string, err error) {
	object := func() []string {
		if approved != nil {
			return approved.Objections(going.backlog, going.due, brake)
		}
		brake.Going = sum(going.due)
		return brake.Amount()
	}
	count := func(shards func(at time.Time) ([]int, error)) error {
		going.due, err = shards(plan.Cutoff)
		going.backlog = going.due
		if err == nil && approved != nil && !approved.Cutoff.Equal(plan.Cutoff) {
			going.backlog, err = shards(approved.Cutoff)
		}
		return err
	}
	err = count(func(at time.Time) ([]int, error) {
		if at.Equal(plan.Cutoff) {
			return plan.Shards, nil
		}
		made, err := Make(ctx, p.Records, class, plan.PolicyHash, at)
		return made.Shards, err
	})
	if err == nil && len(object()) > 0 && plan.Due() <= mostCounted {
		err = count(func(at time.Time) ([]int, error) {
			counted, err := Count(ctx, p.Records, p.Holds, class, at)
			return counted.Shards, err
		})
	}
	if err != nil {
		return going, nil, err
	}
	return going, append(brake.Clock(), object()...), nil
}

// mayDeleteWithdrawn reports whether the withdrawn records alone would pass the
// brake: an opt-out or an erasure must not wait for the approval of other records.
func (p Planner) mayDeleteWithdrawn(ctx context.Context, class retention.Class, run Run, brake Brake) (bool, error) {
	if len(brake.Clock()) > 0 {
		return false, nil
	}
	withdrawn, err := Make(ctx, p.Records, class, run.PolicyHash, run.Cutoff, ByWithdrawal)
	if err != nil || withdrawn.Due() > mostCounted {
		return false, err
	}
	counted, err := Count(ctx, p.Records, p.Holds, class, run.Cutoff, ByWithdrawal)
	brake.Going = sum(counted.Shards)
	return brake.Going > 0 && len(brake.Amount()) == 0, err
}

// mostCounted is how many due records a plan reads to see which are held. A larger
// plan halts without a look at the holds: a plan must end within its function's time.
const mostCounted = 2_000_000

// brake is the brake of a run, before anything is counted.
func (p Planner) brake(ctx context.Context, run Run) (Brake, error) {
	storeClock, err := p.StoreClock(ctx)
	if err != nil {
		return Brake{}, err
	}
	size, err := p.Records.Size(ctx, run.Class)
	if err != nil {
		return Brake{}, err
	}
	all, err := p.Runs.List(ctx, run.Class)
	if err != nil {
		return Brake{}, err
	}
	brake := Brake{Size: size, Now: p.Now(), StoreClock: storeClock, ScheduledFor: run.ScheduledFor}
	for _, before := range slices.SortedFunc(slices.Values(all), func(a, b Run) int { return b.EndedAt.Compare(a.EndedAt) }) {
		switch {
		case before.Audit:
			continue
		case before.Outcome == certificate.Completed && !before.UntilDone: // the nights of a backlog are no usual nights
			brake.Before = append(brake.Before, before.Counts.Deleted)
		}
		if brake.LastEnded.IsZero() {
			brake.LastEnded = before.EndedAt
		}
	}
	return brake, nil
}

// longestWork is how long after its start a run begins to delete pages. The state
// machine's time limit leaves hours for the account.
const longestWork = 17 * time.Hour

// Work is the work of every shard of a planned run, including shards without a
// due record: records stamped in the meantime are deleted as well. It is nil
// for a run that must not delete.
func (r Run) Work() []Work {
	if r.Next != NextDelete {
		return nil
	}
	shards := make([]Work, retention.Shards)
	for n := range shards {
		shards[n] = Work{
			Class: r.Class, Run: r.ID, Turn: r.Turn, Cutoff: r.Cutoff, Shard: retention.ShardName(n),
			Withdrawn: r.Withdrawn, PolicyHash: r.PolicyHash, Until: r.StartedAt.Add(longestWork),
		}
		if r.Shares != nil {
			shards[n].Limited, shards[n].Most = true, r.Shares[n]
		}
	}
	return shards
}
