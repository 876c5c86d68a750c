package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/stepfunctions"
	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

type status struct{}

// Help says what it reads.
func (status) Help() string {
	return `Reads the tables, the queues, the ages of the keys and what is overdue, and ends with the next command to type. It changes nothing. RUNBOOK.md says what to do about each finding.`
}

type statusAnswer struct {
	At      time.Time       `json:"at"`
	Where   string          `json:"where"`
	Tables  []dynamo.Table  `json:"tables"`
	Queues  []queueAnswer   `json:"queues"`
	Keys    []primaryAnswer `json:"keys"` // the primary ones
	Classes []classAnswer   `json:"classes"`
	Next    string          `json:"next,omitempty"` // the command to type; empty where there is nothing to do
	Because string          `json:"because,omitempty"`
}

// classAnswer is how a class stands.
type classAnswer struct {
	Class        string             `json:"class"`
	Last         *runAnswer         `json:"last,omitempty"` // that was certified
	NextPurge    time.Time          `json:"nextPurge"`
	Overdue      int                `json:"overdue"`
	OverdueHeld  int                `json:"overdueHeld"` // due for as long, and kept by a hold
	Waiting      *waitingAnswer     `json:"waiting,omitempty"`
	NotCertified []unfinishedAnswer `json:"notCertified,omitempty"`
}

// unfinishedAnswer is a run that has no certificate yet.
type unfinishedAnswer struct {
	Run       string    `json:"run"`
	StartedAt time.Time `json:"startedAt"`
	Running   bool      `json:"running"` // else it was killed
}

// waitingAnswer is a plan that the brake halted.
type waitingAnswer struct {
	PlanHash   string    `json:"planHash"`
	Run        string    `json:"run"`
	HaltedAt   time.Time `json:"haltedAt"`
	Reasons    []string  `json:"reasons"`
	ApprovedBy string    `json:"approvedBy,omitempty"`
	TooOld     bool      `json:"tooOld"` // to be approved
}

// Run reads how everything stands.
func (status) Run(ctx context.Context, s *session) error {
	policy, err := s.policy(ctx)
	if err != nil {
		return err
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	answer := statusAnswer{At: s.now().UTC(), Where: sys.where}
	names := make([]string, len(policy.Classes))
	for i, class := range policy.Classes {
		names[i] = class.Name
	}
	if answer.Tables, err = sys.tables.All(ctx, names); err != nil {
		return err
	}
	if answer.Queues, err = sys.waitingMessages(ctx); err != nil {
		return err
	}
	// Without these it is still worth reading.
	if err := sys.addAges(ctx, answer.Queues, s.now()); err != nil {
		s.say("how long messages wait is not known: %v", err)
	}
	if answer.Keys, err = primaryKeys(ctx, s); err != nil {
		s.say("the keys' ages are not known: %v", err)
	}
	if !answer.missesTable() {
		for _, class := range policy.Classes {
			one, err := standOf(ctx, sys, class, s.now())
			if err != nil {
				return err
			}
			answer.Classes = append(answer.Classes, one)
		}
	}
	answer.Next, answer.Because = answer.advice()
	return s.show(answer)
}

// running tells whether a run's execution goes on.
func (s *system) running(ctx context.Context, run purge.Run) (bool, error) {
	machine, err := s.output(ctx, names.OutputPurge(run.Class))
	if err != nil {
		return false, err
	}
	return stepfunctions.New(s.executions).Running(ctx, machine, run.ID)
}

func (a statusAnswer) missesTable() bool {
	return slices.ContainsFunc(a.Tables, func(t dynamo.Table) bool { return !t.OK() })
}

func standOf(ctx context.Context, sys *system, class retention.Class, now time.Time) (classAnswer, error) {
	answer := classAnswer{Class: class.Name, NextPurge: class.NextPurge(now)}
	runs, err := sys.runs.List(ctx, class.Name)
	if err != nil {
		return answer, err
	}
	runs = slices.DeleteFunc(runs, func(r purge.Run) bool { return r.Audit })
	slices.SortFunc(runs, func(a, b purge.Run) int { return b.StartedAt.Compare(a.StartedAt) })
	for _, run := range runs {
		if run.Certified() {
			if answer.Last == nil || run.EndedAt.After(answer.Last.EndedAt) {
				last := told(run)
				answer.Last = &last
			}
			continue
		}
		running, err := sys.running(ctx, run)
		if err != nil {
			return answer, err
		}
		answer.NotCertified = append(answer.NotCertified, unfinishedAnswer{run.ID, run.StartedAt, running})
	}
	counted, err := purge.Count(ctx, sys.records, sys.holds, class, now.Add(-retention.OverdueAfter))
	if err != nil {
		return answer, err
	}
	answer.Overdue, answer.OverdueHeld = counted.Overdue(), counted.Held
	plan, err := sys.runs.Waiting(ctx, class.Name)
	if errors.Is(err, purge.ErrNoPlan) {
		return answer, nil
	}
	answer.Waiting = &waitingAnswer{
		PlanHash: plan.PlanHash, Run: plan.Run, HaltedAt: plan.HaltedAt, Reasons: plan.Reasons, ApprovedBy: plan.ApprovedBy,
		TooOld: plan.TooOld(now),
	}
	return answer, err
}

// advice is the next command to type and why, the most urgent first.
func (a statusAnswer) advice() (command, because string) {
	if a.missesTable() {
		return "make deploy", "a table is not there, or not ready"
	}
	for _, rule := range []func(classAnswer) (command, because string){killed, waits, ended, behind} {
		for _, class := range a.Classes {
			if command, because := rule(class); command != "" {
				return command, class.Class + ": " + because
			}
		}
	}
	for _, queue := range a.Queues {
		if queue.Aside && queue.Messages > 0 {
			return "aws sqs receive-message --queue-url " + queue.URL, "a message was put aside in " + queue.Name + ": RUNBOOK.md says what to do about it"
		}
	}
	for _, key := range a.Keys {
		if key.Next != "" {
			return key.Next, key.Set + ": it is due"
		}
	}
	return "", ""
}

func killed(c classAnswer) (command, because string) {
	if !slices.ContainsFunc(c.NotCertified, func(r unfinishedAnswer) bool { return !r.Running }) {
		return "", ""
	}
	return "stille purge run " + c.Class, "a purge was killed; the next one certifies it, and goes on"
}

func waits(c classAnswer) (command, because string) {
	switch {
	case c.Waiting == nil:
		return "", ""
	case c.Waiting.TooOld:
		return "stille purge run " + c.Class, "the plan that was halted is too old to be approved"
	}
	return "stille purge approve " + c.Waiting.PlanHash, "the brake halted a purge; approve its plan once you have looked and it is right"
}

func ended(c classAnswer) (command, because string) {
	goesOn := slices.ContainsFunc(c.NotCertified, func(r unfinishedAnswer) bool { return r.Running })
	if c.Last == nil || c.Last.Outcome == certificate.Completed || goesOn {
		return "", ""
	}
	return "stille purge show " + c.Last.Run, "the last purge ended as " + string(c.Last.Outcome)
}

func behind(c classAnswer) (command, because string) {
	if c.Overdue == 0 {
		return "", ""
	}
	return "stille purge plan " + c.Class, "records are overdue"
}
