package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"stille/shared/operator"
)

type queueCommands struct {
	List  queueList  `cmd:"" help:"The queues, what waits in them, and the command for dead letters."`
	Retry queueRetry `cmd:"" help:"Move the messages of a dead-letter queue back to where they came from."`
}

type queueList struct{}

func (queueList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ListQueues(ctx)
	return show(s, answer, err, func(w io.Writer, all *operator.QueueList) {
		waiting, dead := 0, 0
		for _, q := range all.Queues {
			if q.Dead {
				dead += q.Messages
			} else {
				waiting += q.Messages
			}
		}
		fmt.Fprintf(w, "%d dead letters, %d messages on their way\n", dead, waiting)
		t := newTable(w, "QUEUE", "MESSAGES", "OLDEST", "TO RETRY")
		for _, q := range all.Queues {
			t.row(q.Name, q.Messages, oldest(q), q.Retry)
		}
		t.end()
	})
}

// oldest is the age of a queue's oldest message, where it is known.
func oldest(q operator.Queue) string {
	if q.OldestSeconds == nil {
		return ""
	}
	return (time.Duration(*q.OldestSeconds) * time.Second).String()
}

type queueRetry struct {
	Queue string `arg:"" help:"The dead-letter queue, by its name in the list."`
}

func (q queueRetry) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.RetryQueue(ctx, q.Queue)
	return show(s, answer, err, func(w io.Writer, done *operator.QueueRetry) {
		fmt.Fprintf(w, "moved: %d messages from %s to %s\n", done.Moved, done.Queue, done.To)
		next(w, "stille queues list")
	})
}
