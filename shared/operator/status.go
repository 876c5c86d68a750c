package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// Table is how a table is.
type Table struct {
	Name  string `json:"table"`
	State string `json:"state"` // as DynamoDB names it; MISSING for a table that does not exist
	Items int    `json:"items"` // as DynamoDB last counted them, about every six hours
	OK    bool   `json:"-"`     // the table can be read and written
}

// Queues tells what is in the stack's queues.
type Queues interface {
	All(ctx context.Context) ([]Queue, error)
	// AddAges sets OldestSeconds where it is known.
	AddAges(ctx context.Context, queues []Queue, now time.Time) error
	// Move moves messages from one queue to another, at most from.Messages, and
	// returns how many it moved, also after an error.
	Move(ctx context.Context, from, to Queue) (int, error)
}

// Queue is one queue of the stack.
type Queue struct {
	Name          string `json:"queue"`
	Messages      int    `json:"messages"` // approximate
	Dead          bool   `json:"aside"`    // a dead-letter queue: an operator must look at every message
	URL           string `json:"url"`
	Retry         string `json:"retry,omitempty"`         // of a dead-letter queue: the command for its messages
	OldestSeconds *int   `json:"oldestSeconds,omitempty"` // age of the oldest message; absent if CloudWatch does not know it
}

// PrimaryKey is the key of a set that everything new is written or made with.
type PrimaryKey struct {
	Set     string    `json:"set"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Days    int       `json:"ageDays"`
	Next    string    `json:"next,omitempty"` // the command that is due for the set
}

// Status is how a stack stands.
type Status struct {
	At      time.Time     `json:"at"`
	Where   string        `json:"where"`
	Tables  []Table       `json:"tables"`
	Queues  []Queue       `json:"queues"`
	Keys    []PrimaryKey  `json:"keys"`
	Classes []ClassStatus `json:"classes"`
	Next    string        `json:"next,omitempty"` // the command to type; empty if there is nothing to do
	Because string        `json:"because,omitempty"`
	Unknown []error       `json:"-"` // what could not be found out
}

// ClassStatus is how a class stands.
type ClassStatus struct {
	Class        string           `json:"class"`
	Last         *Run             `json:"last,omitempty"` // the last run that was certified
	NextPurge    time.Time        `json:"nextPurge"`
	Overdue      int              `json:"overdue"`
	OverdueHeld  int              `json:"overdueHeld"` // would be overdue, and a hold keeps them
	Lost         int              `json:"lost"`        // are not where a purge finds them, of at most 10,000 that were looked at
	Halted       *HaltedPlan      `json:"waiting,omitempty"`
	NotCertified []UncertifiedRun `json:"notCertified,omitempty"`
}

// UncertifiedRun is a run that has no certificate yet. A run that is not running
// was killed.
type UncertifiedRun struct {
	Run       string    `json:"run"`
	StartedAt time.Time `json:"startedAt"`
	Running   bool      `json:"running"`
}

// HaltedPlan is a plan that the brake halted.
type HaltedPlan struct {
	purge.HaltedPlan
	TooOld bool `json:"tooOld"` // to be approved
}

// Status reads how everything stands. It changes nothing.
func (o *Operator) Status(ctx context.Context) (*Status, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return nil, err
	}
	now := o.Now()
	s := &Status{At: now.UTC(), Where: o.Where}
	if s.Tables, err = o.Tables(ctx, ClassNames(policy)); err != nil {
		return nil, err
	}
	if s.Queues, err = o.queues(ctx); err != nil {
		return nil, err
	}
	if err := o.Queues.AddAges(ctx, s.Queues, now); err != nil {
		s.Unknown = append(s.Unknown, fmt.Errorf("how long messages wait is not known: %w", err))
	}
	if s.Keys, err = o.PrimaryKeys(ctx, now); err != nil {
		s.Unknown = append(s.Unknown, fmt.Errorf("the keys' ages are not known: %w", err))
	}
	if !s.missesTable() {
		for _, class := range policy.Classes {
			one, err := o.classStatus(ctx, class, now)
			if err != nil {
				return nil, err
			}
			s.Classes = append(s.Classes, one)
		}
	}
	s.Next, s.Because = s.advice()
	return s, nil
}

func (s *Status) missesTable() bool {
	return slices.ContainsFunc(s.Tables, func(t Table) bool { return !t.OK })
}

func (o *Operator) classStatus(ctx context.Context, class retention.Class, now time.Time) (ClassStatus, error) {
	c := ClassStatus{Class: class.Name, NextPurge: class.NextPurge(now)}
	if err := o.addRuns(ctx, &c); err != nil {
		return c, err
	}
	counted, err := purge.CountOverdue(ctx, o.Records, o.Holds, class, now)
	if err != nil {
		return c, err
	}
	c.Overdue, c.OverdueHeld = counted.Overdue(), counted.Held
	if c.Lost, err = purge.CountLost(ctx, o.Records, class, now.String(), time.Second, now); err != nil {
		return c, err
	}
	plan, err := o.Runs.Halted(ctx, class.Name)
	if errors.Is(err, purge.ErrNoPlan) {
		return c, nil
	}
	c.Halted = &HaltedPlan{plan, plan.TooOld(now)}
	return c, err
}

// addRuns adds the last certified purge, and the purges without a certificate.
func (o *Operator) addRuns(ctx context.Context, c *ClassStatus) error {
	runs, err := o.Runs.List(ctx, c.Class)
	if err != nil {
		return err
	}
	runs = slices.DeleteFunc(runs, func(r purge.Run) bool { return r.Audit })
	slices.SortFunc(runs, func(a, b purge.Run) int { return b.StartedAt.Compare(a.StartedAt) })
	for _, run := range runs {
		if run.Certified() {
			if c.Last == nil || run.EndedAt.After(c.Last.EndedAt) {
				c.Last = newRun(run)
			}
			continue
		}
		state, err := o.Executions.State(ctx, run.Class, run.ID)
		if err != nil {
			return fmt.Errorf("looking at the purge: %w", err)
		}
		c.NotCertified = append(c.NotCertified, UncertifiedRun{run.ID, run.StartedAt, state.Running})
	}
	return nil
}

// advice is the next command to type and why, the most urgent first.
func (s *Status) advice() (command, because string) {
	if s.missesTable() {
		return "make deploy", "a table is missing, or not ready"
	}
	for urgency := range urgencies {
		for _, class := range s.Classes {
			if found, command, because := class.advice(); found == urgency {
				return command, class.Class + ": " + because
			}
		}
	}
	for _, queue := range s.Queues {
		if queue.Dead && queue.Messages > 0 {
			return "stille queues list", "a message is in the dead-letter queue " + queue.Name + ": RUNBOOK.md says what to do about it"
		}
	}
	for _, key := range s.Keys {
		if key.Next != "" {
			return key.Next, key.Set + ": it is due"
		}
	}
	return "", ""
}

// urgencies is how many degrees of urgency there are.
const urgencies = 4

// advice is the most urgent command for a class and why, and how urgent it is: 0
// is the most urgent, urgencies means that there is nothing to do.
func (c ClassStatus) advice() (urgency int, command, because string) {
	switch {
	case c.hasUncertified(false):
		return 0, "stille purge run " + c.Class, "a purge was killed; the next purge certifies it, and goes on"
	case c.Halted != nil && c.Halted.TooOld && !c.Halted.UntilDone:
		return 1, "stille purge run " + c.Class, "the halted plan is too old to be approved"
	case c.Halted != nil && !c.Halted.UntilDone:
		return 1, "stille purge approve " + c.Halted.PlanHash, "the brake halted a purge; look at its reasons, and approve the plan if it is right"
	case c.Last != nil && c.Last.Outcome != certificate.Completed && !c.hasUncertified(true):
		return 2, "stille purge show " + c.Last.ID, "the last purge ended as " + string(c.Last.Outcome)
	case c.Lost > 0:
		return 3, "stille mend " + c.Class, "records lost their place, and no purge finds them"
	case c.Overdue > 0:
		return 3, "stille purge plan " + c.Class, "records are overdue"
	}
	return urgencies, "", ""
}

func (c ClassStatus) hasUncertified(running bool) bool {
	return slices.ContainsFunc(c.NotCertified, func(r UncertifiedRun) bool { return r.Running == running })
}
