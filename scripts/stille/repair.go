package main

// The commands that repair a stack, and that rehearse a repair.

import (
	"context"
	"errors"

	"stille/shared/operator"
	"stille/shared/operator/files"
)

type replay struct {
	Repair bool    `xor:"what" help:"Write what the list lacks; without it, only look."`
	Events instant `xor:"what" placeholder:"SINCE" help:"Send the events since this time again, and withdraw records; the list stays as it is."`
	Rate   uint32  `placeholder:"N" help:"With --events: at most N entries a second."`
}

// Validate refuses a rate of nothing.
func (r replay) Validate() error {
	if r.Rate > 0 && r.Events.IsZero() {
		return errors.New("--rate: say --events SINCE as well")
	}
	return nil
}

// Run goes through the whole ledger.
func (r replay) Run(ctx context.Context, s *session, o *operator.Operator) error {
	if !r.Events.IsZero() {
		shown := s.progress()
		sent, err := files.ReplayEvents(ctx, o, s.folder, r.Events.Time, int(r.Rate), s.sleep, func(entries int) { shown.at(entries, 0, "entries sent") })
		shown.end()
		return show(s, "replay --events", sent, err)
	}
	replayed, err := o.Replay(ctx, r.Repair)
	if replayed != nil {
		for _, fault := range replayed.Faults {
			s.say("%v", fault)
		}
	}
	return show(s, "replay", replayed, err)
}

type mend struct {
	Class string `arg:"" help:"The retention class."`
	Rate  uint32 `placeholder:"N" help:"Repair at most N records a second; without it, as fast as the table takes them."`
}

func (m mend) Run(ctx context.Context, s *session, o *operator.Operator) error {
	shown := s.progress()
	answer, err := files.Mend(ctx, o, s.folder, m.Class, int(m.Rate), s.sleep, func(records int) { shown.at(records, 0, "records read") })
	shown.end()
	return show(s, "mend", answer, err)
}

type drills struct {
	Restore drillRestore `cmd:"" help:"Restore a class's table beside the stack, repair it and compare it."`
}

type drillRestore struct {
	Class string `arg:"" help:"The retention class."`
	Out   string `default:"." placeholder:"DIR" help:"Folder to put the folder with the certificate of the drill into; it is made if it does not exist."`
}

func (d drillRestore) Run(ctx context.Context, s *session, o *operator.Operator) error {
	drilled, err := o.DrillRestore(ctx, d.Class)
	if drilled == nil {
		return err
	}
	if err := files.WriteDrill(d.Out, drilled); err != nil {
		return err
	}
	return show(s, "drill restore", drilled, err)
}

type queueCommands struct {
	List  queueList  `cmd:"" help:"The queues, what waits in them, and the command for dead letters."`
	Retry queueRetry `cmd:"" help:"Move the messages of a dead-letter queue back to where they came from."`
}

type queueList struct{}

func (queueList) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ListQueues(ctx)
	return show(s, "queues list", answer, err)
}

type queueRetry struct {
	Queue string `arg:"" help:"The dead-letter queue, by its name in the list."`
}

func (q queueRetry) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.RetryQueue(ctx, q.Queue)
	return show(s, "queues retry", answer, err)
}
