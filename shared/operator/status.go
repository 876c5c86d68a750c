package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stille/shared/certificate"
	"stille/shared/names"
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
	Alarms  []Complaint   `json:"alarms,omitempty"` // those that ring, and that nobody hears them
	Next    string        `json:"next,omitempty"`   // the command to type; empty if there is nothing to do
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
	AuditFaults  int              `json:"auditFaults"` // have a fault that the last audit found, and that still stands
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
	if s.Alarms, err = o.alarms(ctx); err != nil {
		s.Unknown = append(s.Unknown, fmt.Errorf("which alarms ring is not known: %w", err))
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
	runs, err := o.Runs.List(ctx, class.Name)
	if err != nil {
		return c, err
	}
	if c.AuditFaults, err = o.auditFaults(ctx, class, runs); err != nil {
		return c, err
	}
	if err := o.addRuns(ctx, &c, runs); err != nil {
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

// auditFaults counts the records with a fault that the last audit among the runs found.
func (o *Operator) auditFaults(ctx context.Context, class retention.Class, runs []purge.Run) (int, error) {
	var last purge.Run
	for _, run := range runs {
		if run.Audit && run.EndedAt.After(last.EndedAt) && run.Findings != nil {
			last = run
		}
	}
	if last.Faults() == 0 {
		return 0, nil
	}
	files, err := o.Certificates(ctx)
	if err != nil {
		return 0, err
	}
	encoded, err := files.Report(ctx, class.Name, last.ID)
	if err != nil {
		return 0, fmt.Errorf("reading the report of the audit %s: %w", last.ID, err)
	}
	var report purge.Report
	if err := json.Unmarshal(encoded, &report); err != nil {
		return 0, fmt.Errorf("reading the report of the audit %s: %w", last.ID, err)
	}
	return purge.Auditor{Records: o.Records, List: o.Suppressions, Holds: o.Holds, Now: o.Now}.Standing(ctx, class, report)
}

// addRuns adds the last certified purge, and the purges without a certificate.
func (o *Operator) addRuns(ctx context.Context, c *ClassStatus, runs []purge.Run) error {
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
	if len(s.Alarms) > 0 {
		return "stille doctor", s.Alarms[0].Wrong
	}
	for _, key := range s.Keys {
		if key.Next != "" {
			return key.Next, "the key set " + key.Set + " has a step that is due"
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
	case c.AuditFaults > 0:
		return 3, "stille mend " + c.Class, "the last audit found records with faults that still stand"
	case c.Overdue > 0:
		return 3, "stille purge plan " + c.Class, "records are overdue"
	}
	return urgencies, "", ""
}

func (c ClassStatus) hasUncertified(running bool) bool {
	return slices.ContainsFunc(c.NotCertified, func(r UncertifiedRun) bool { return r.Running == running })
}

// QueueList is every queue of the stack.
type QueueList struct {
	Queues []Queue `json:"queues"`
}

// QueueRetry is what became of the messages of a dead-letter queue.
type QueueRetry struct {
	Queue string `json:"queue"`
	To    string `json:"to"` // the queue that feeds the function again
	Moved int    `json:"moved"`
}

// ListQueues lists the queues, each with the command for its dead letters.
func (o *Operator) ListQueues(ctx context.Context) (*QueueList, error) {
	all, err := o.queues(ctx)
	if err != nil {
		return nil, err
	}
	return &QueueList{Queues: all}, o.Queues.AddAges(ctx, all, o.Now())
}

// queues returns every queue with the command for its dead letters.
func (o *Operator) queues(ctx context.Context) ([]Queue, error) {
	all, err := o.Queues.All(ctx)
	for i := range all {
		all[i].Retry = retryOf(all[i], all)
	}
	return all, err
}

// RetryQueue moves the dead letters of a queue back to the queue that they came
// from. A message that was carried out before changes nothing.
func (o *Operator) RetryQueue(ctx context.Context, name string) (*QueueRetry, error) {
	all, err := o.queues(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(q Queue) bool { return q.Name == name })
	if i < 0 {
		return nil, Mistakef("there is no queue of this name: `stille queues list` shows them")
	}
	dead := all[i]
	to, found := originOf(dead, all)
	switch {
	case !dead.Dead:
		return nil, Mistakef("the messages of %s are on their way, and are retried without a command: `stille queues list` shows the dead-letter queues", name)
	case !found && dead.Retry != "":
		return nil, Mistakef("%s has no queue to go back to: type `%s` instead, once the cause is gone", name, dead.Retry)
	case !found:
		return nil, Mistakef("%s has no queue to go back to: write the record that each message names again; RUNBOOK.md says how", name)
	}
	moved, err := o.Queues.Move(ctx, dead, to)
	if err != nil {
		err = fmt.Errorf("%w; type `stille queues retry %s` again, nothing is lost or counted twice", err, name)
	}
	return &QueueRetry{Queue: name, To: to.Name, Moved: moved}, err
}

// originOf returns the queue whose dead letters a queue takes.
func originOf(dead Queue, all []Queue) (Queue, bool) {
	base, isDead := strings.CutSuffix(dead.Name, "-dead")
	i := slices.IndexFunc(all, func(q Queue) bool { return !q.Dead && (q.Name == base || q.Name == base+"-queue") })
	if !isDead || i < 0 {
		return Queue{}, false
	}
	return all[i], true
}

// retryOf is the command for the messages of a dead-letter queue, "" where a record
// must be written again.
func retryOf(q Queue, all []Queue) string {
	_, found := originOf(q, all)
	switch {
	case !q.Dead:
		return ""
	case found:
		return "stille queues retry " + q.Name
	case q.Name == "purge-missed":
		return "stille purge run CLASS"
	case q.Name == "rotation-missed":
		return "stille keys rotate link"
	case q.Name == names.QueueHookDead:
		return "stille add CHANNEL ADDRESS"
	}
	return ""
}
