package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/evidence"
	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// request is what the state machine passes in, after the deletion or after an
// error in any step.
type request struct {
	Class     string    `json:"class"`
	Run       string    `json:"run"`
	StartedAt time.Time `json:"startedAt"`
	Worked    []worked  `json:"worked"` // what became of each shard, where the deletion ran
	Failed    bool      `json:"failed"` // a step did
	Error     string    `json:"error"`  // the error's name, where Failed
	Audit     bool      `json:"audit"`  // the run is an audit, not a purge
}

// worked is how a shard's work ended. The others went on where one failed.
type worked struct {
	Failed  bool `json:"failed"`
	Stopped bool `json:"stopped"`
}

// response is how the run ended.
type response struct {
	Outcome     certificate.Outcome `json:"outcome"`
	Counts      certificate.Counts  `json:"counts"`
	Certificate string              `json:"certificate"` // prefix in the evidence bucket
}

// purgeEnded is the detail of an event.
type purgeEnded struct {
	Class       string              `json:"class"`
	Run         string              `json:"run"`
	Outcome     certificate.Outcome `json:"outcome"`
	Counts      certificate.Counts  `json:"counts"`
	PlanHash    string              `json:"planHash"`
	Reasons     []string            `json:"reasons,omitempty"` // why it did not delete, or not all
	Certificate string              `json:"certificate"`
}

// bus is where events go out.
type bus interface {
	Put(ctx context.Context, events ...eventbus.Event) error
}

// handler ends every run: it reads again what the run says it did, and
// certifies it. It deletes nothing.
type handler struct {
	// verifier returns what checks a run, once its keys could be read.
	verifier func(ctx context.Context) (purge.Verifier, error)
	// left counts what is due in a class at a cutoff and still there.
	left func(ctx context.Context, class retention.Class, cutoff time.Time) (purge.Counted, error)
	// idle finds what has been running in a class for too long at a time.
	idle         func(ctx context.Context, class retention.Class, now time.Time) (purge.Idle, error)
	certifier    purge.Certifier
	certificates *evidence.Certificates
	signer       *evidence.Signer
	runs         *dynamo.Runs
	parts        auditParts
	bus          bus
	policy       *retention.Policy
	log          *slog.Logger
	now          func() time.Time
}

func (h handler) verify(ctx context.Context, req request) (response, error) {
	class, ok := h.policy.Class(req.Class)
	if !ok {
		return response{}, retention.ErrUnknownClass
	}
	if req.Audit {
		return h.audit(ctx, class, req)
	}
	run, err := h.runs.Get(ctx, req.Class, req.Run)
	if errors.Is(err, purge.ErrNoRun) && req.Failed { // the plan itself failed
		run, err = purge.Run{Class: req.Class, ID: req.Run, StartedAt: req.StartedAt.UTC(), Cutoff: req.StartedAt.UTC(), PolicyHash: h.policy.Hash()}, nil
	}
	if err != nil {
		return response{}, err
	}
	if !run.Certified() {
		if run, err = h.certify(ctx, class, run, req.how(run)); err != nil {
			return response{}, err
		}
	}
	// Only now: the next run is to find this one's certificate.
	if err := h.runs.Unlock(ctx, class.Name, run.ID); err != nil {
		return response{}, err
	}
	if err := h.countOverdue(ctx, class); err != nil {
		return response{}, err
	}
	h.reportIdle(ctx, class)
	answer := response{Outcome: run.Outcome, Counts: run.Counts, Certificate: evidence.Prefix(run.Class, run.ID)}
	if run.Outcome != certificate.Completed {
		h.log.ErrorContext(ctx, "a purge did not complete", "class", run.Class, "run", run.ID, "outcome", run.Outcome,
			"reasons", run.Reasons, "error", req.Error)
	}
	return answer, h.bus.Put(ctx, eventbus.Event{Type: detailType(run.Outcome), At: run.EndedAt, Detail: purgeEnded{
		Class: run.Class, Run: run.ID, Outcome: run.Outcome, Counts: run.Counts, PlanHash: run.PlanHash, Reasons: run.Reasons,
		Certificate: answer.Certificate,
	}})
}

// how the run ended, as far as the steps before tell: completed only if the
// index says so, too.
func (r request) how(run purge.Run) certificate.Outcome {
	switch {
	case r.Failed || slices.ContainsFunc(r.Worked, func(w worked) bool { return w.Failed }):
		return certificate.Failed
	case run.Next == purge.NextHalt:
		return certificate.Halted
	case run.Next == purge.NextYield || slices.ContainsFunc(r.Worked, func(w worked) bool { return w.Stopped }):
		return certificate.Stopped
	}
	return certificate.Completed
}

func (h handler) certify(ctx context.Context, class retention.Class, run purge.Run, outcome certificate.Outcome) (purge.Run, error) {
	account, err := h.account(ctx, class, run, outcome)
	if err != nil {
		return run, err
	}
	if err := h.publishKey(ctx); err != nil {
		return run, err
	}
	return h.certifier.Certify(ctx, class, run, outcome, account, h.now())
}

// account is what the run did. Of a halted one that is what it planned. After
// a failure or a stop the manifest tells what was deleted all the same, and
// the index is not asked.
func (h handler) account(ctx context.Context, class retention.Class, run purge.Run, outcome certificate.Outcome) (purge.Account, error) {
	if outcome == certificate.Halted {
		return purge.Account{Counts: certificate.Counts{Due: run.Planned}}, nil
	}
	verifier, err := h.verifier(ctx)
	if err != nil {
		return purge.Account{}, err
	}
	account, err := verifier.Account(ctx, class, run.ID, run.Cutoff)
	if err != nil || outcome != certificate.Completed {
		return account, err
	}
	return verifier.Verify(ctx, class, run.Cutoff, account)
}

func (h handler) publishKey(ctx context.Context) error {
	key, err := h.signer.PublicKey(ctx)
	if err != nil {
		return err
	}
	if err := h.certificates.PublishKey(ctx, key); err != nil {
		return fmt.Errorf("publishing the public key: %w", err)
	}
	return nil
}

func detailType(o certificate.Outcome) string {
	switch o {
	case certificate.Completed:
		return names.PurgeCompleted
	case certificate.Halted:
		return names.PurgeHalted
	case certificate.Stopped:
		return names.PurgeStopped
	}
	return names.PurgeFailed
}
