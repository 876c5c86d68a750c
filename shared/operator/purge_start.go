package operator

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// ErrHalted means that the brake stopped a purge before its first deletion.
var ErrHalted = errors.New("the brake halted the purge: nothing was deleted, but for withdrawn records")

// ErrScheduled means that a purge of the class is scheduled for this time already.
var ErrScheduled = errors.New("a purge of this class is scheduled for this time already")

// Executions starts and watches the state machines that purge, one for each
// class. The name of an execution is the id of its run.
type Executions interface {
	// Start starts a purge. approved is the hash of the plan whose approval the
	// purge carries out; empty for none.
	Start(ctx context.Context, class, startedBy, approved string) (run string, err error)
	State(ctx context.Context, class, run string) (Execution, error)
}

// Execution is how an execution stands. An execution that is not known (any
// more) has no Status.
type Execution struct {
	Running bool
	Status  string // as Step Functions names it
	Error   string // of a failure
}

// Schedule is a purge that starts later, once.
type Schedule struct {
	Class    string    `json:"class"`
	At       time.Time `json:"at"`
	Schedule string    `json:"schedule"`
}

// SchedulePurge schedules one purge of a class.
func (o *Operator) SchedulePurge(ctx context.Context, name string, at time.Time) (*Schedule, error) {
	if !at.After(o.Now()) {
		return nil, Mistakef("--at: must be in the future; leave it out to start now")
	}
	class, _, err := o.Class(ctx, name)
	if err != nil {
		return nil, err
	}
	at = at.UTC().Truncate(time.Second)
	by, err := o.Principal(ctx)
	if err != nil {
		return nil, err
	}
	schedule, err := o.Schedule(ctx, class.Name, at, by)
	if err != nil {
		return nil, err
	}
	return &Schedule{Class: class.Name, At: at, Schedule: schedule}, nil
}

// ErrMayNotStart means that the principal has no right to start a purge.
var ErrMayNotStart = errors.New("you may not start a purge: an operator must")

// StartPurge starts a purge of a class. A halted plan that somebody approved is what
// the purge carries out.
func (o *Operator) StartPurge(ctx context.Context, name string) (*Purge, error) {
	class, _, err := o.Class(ctx, name)
	if err != nil {
		return nil, err
	}
	by, err := o.Principal(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := o.Runs.Halted(ctx, class.Name)
	if err != nil && !errors.Is(err, purge.ErrNoPlan) {
		return nil, err
	}
	var approved string
	if plan.ApprovedBy != "" && !plan.UntilDone && !plan.TooOld(o.Now()) {
		approved = plan.PlanHash
	}
	return o.start(ctx, class, by, approved)
}

var planHash = regexp.MustCompile(`^[0-9a-f]{4,64}$`)

// CheckPlanHash returns nil, or a Mistake where the text is no hash of a plan and no
// beginning of one.
func CheckPlanHash(text string) error {
	if !planHash.MatchString(text) {
		return Mistakef("a plan's hash has 64 characters of 0-9a-f, of which at least four are needed; `stille purge show` names the halted plan")
	}
	return nil
}

// Approved is a plan that was approved.
type Approved struct {
	Class    string `json:"class"`
	PlanHash string `json:"planHash"`
	By       string `json:"by"`
	Purge    *Purge `json:"-"` // nil where the approver may not start it: an operator must
}

// ApprovePlan approves the halted plan of this hash and starts its purge, where the
// principal may. Until done, the approval covers the later runs of the class too,
// until the plan's records are gone.
func (o *Operator) ApprovePlan(ctx context.Context, hash string, untilDone bool) (*Approved, error) {
	if err := CheckPlanHash(hash); err != nil {
		return nil, err
	}
	class, plan, err := o.haltedPlan(ctx, hash)
	if err != nil {
		return nil, err
	}
	hash = plan.PlanHash
	by, err := o.Principal(ctx)
	if err != nil {
		return nil, err
	}
	err = plan.MayApprove(by, o.Now())
	if errors.Is(err, purge.ErrPlanTooOld) {
		return nil, fmt.Errorf("%w; `stille purge run %s` makes a new plan", err, class.Name)
	}
	if err != nil {
		return nil, err
	}
	approval := purge.Approval{PlanHash: hash, By: by, At: o.Now(), UntilDone: untilDone}
	if err := o.Runs.Approve(ctx, class.Name, approval); err != nil {
		return nil, err
	}
	answer := &Approved{Class: class.Name, PlanHash: hash, By: by}
	answer.Purge, err = o.start(ctx, class, by, hash)
	if err != nil && !errors.Is(err, ErrMayNotStart) {
		return nil, err
	}
	return answer, nil
}

// haltedPlan finds a plan among the halted plans of all classes. The hash may be
// shortened while it names one plan alone.
func (o *Operator) haltedPlan(ctx context.Context, hash string) (retention.Class, purge.HaltedPlan, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return retention.Class{}, purge.HaltedPlan{}, err
	}
	var in retention.Class
	var found purge.HaltedPlan
	for _, class := range policy.Classes {
		plan, err := o.Runs.Halted(ctx, class.Name)
		switch {
		case errors.Is(err, purge.ErrNoPlan):
		case err != nil || plan.PlanHash == hash:
			return class, plan, err
		case !strings.HasPrefix(plan.PlanHash, hash):
		case found.PlanHash != "":
			return class, plan, Mistakef("the hashes of several halted plans begin so: type more of it; `stille purge show` names them")
		default:
			in, found = class, plan
		}
	}
	if found.PlanHash != "" {
		return in, found, nil
	}
	return retention.Class{}, purge.HaltedPlan{}, fmt.Errorf("%w: a later run may have refreshed the plan; `stille purge show` names the halted plans", purge.ErrNoPlan)
}

// Purge is a purge that was started.
type Purge struct {
	Run     string
	Planned *purge.Run // nil until the run has a plan

	o         *Operator
	class     retention.Class
	last      Execution
	left      int
	countFrom time.Time // not earlier
}

func (o *Operator) start(ctx context.Context, class retention.Class, by, approved string) (*Purge, error) {
	run, err := o.Executions.Start(ctx, class.Name, by, approved)
	if err != nil {
		return nil, fmt.Errorf("starting a purge of %s: %w", class.Name, err)
	}
	return &Purge{Run: run, o: o, class: class}, nil
}

const (
	lookEvery = time.Second // at a run
	// countIdle is the pause between two counts, in durations of the first: watching
	// a purge must cost little beside the purge.
	countIdle = 10
)

// Wait returns once the purge is no longer running. It tells planned when there is
// a plan, and going whenever the purge still runs.
func (p *Purge) Wait(ctx context.Context, sleep func(context.Context, time.Duration) error, planned func(purge.Run), going func() error) error {
	for {
		known := p.Planned != nil
		running, err := p.look(ctx)
		if err != nil {
			return err
		}
		if p.Planned != nil && !known {
			planned(*p.Planned)
		}
		if !running {
			return nil
		}
		if err := going(); err != nil {
			return err
		}
		if err := sleep(ctx, lookEvery); err != nil {
			return fmt.Errorf("waiting for the purge: %w", err)
		}
	}
}

// look reports whether the purge is still running.
func (p *Purge) look(ctx context.Context) (running bool, err error) {
	if p.last, err = p.o.Executions.State(ctx, p.class.Name, p.Run); err != nil {
		return false, fmt.Errorf("looking at the purge: %w", err)
	}
	if p.Planned == nil {
		run, err := p.o.Runs.Get(ctx, p.class.Name, p.Run)
		if errors.Is(err, purge.ErrNoRun) {
			return p.last.Running, nil
		}
		if err != nil {
			return false, err
		}
		p.Planned = &run
	}
	return p.last.Running, nil
}

// Left returns how many of the planned records the index still showed at the last
// count, and counts again now and then. Held and failed records stay in the index,
// so a purge may end with some left.
func (p *Purge) Left(ctx context.Context) (int, error) {
	begun := p.o.Now()
	if begun.Before(p.countFrom) {
		return p.left, nil
	}
	plan, err := purge.Make(ctx, p.o.Records, p.class, p.Planned.PolicyHash, p.Planned.Cutoff)
	p.left = min(plan.Due(), p.Planned.Planned)
	p.countFrom = p.o.Now().Add(countIdle * p.o.Now().Sub(begun))
	return p.left, err
}

// Conclude tells how a purge ended that is no longer running. A run that did
// not complete comes with an error, which wraps ErrHalted if the brake halted it.
func (p *Purge) Conclude(ctx context.Context) (*Run, error) {
	run, err := p.o.Runs.Get(ctx, p.class.Name, p.Run)
	if err != nil && !errors.Is(err, purge.ErrNoRun) {
		return nil, err
	}
	if !run.Certified() {
		return nil, fmt.Errorf("the run %s ended as %s and without a certificate (%s): the functions' logs, %s*, say why",
			p.Run, p.last.Status, p.last.Error, names.Stack(p.o.Stack).LogGroups())
	}
	answer := newRun(run)
	switch run.Outcome {
	case certificate.Completed:
		return answer, nil
	case certificate.Halted:
		return answer, ErrHalted
	case certificate.Stopped, certificate.Failed:
	}
	return answer, fmt.Errorf("the purge ended as %s: what it did not delete is still there, and the next run takes it up: `stille purge run %s`",
		run.Outcome, run.Class)
}
