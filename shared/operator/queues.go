package operator

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"stille/shared/names"
)

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
