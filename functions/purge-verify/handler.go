package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"stille/shared/announce"
	"stille/shared/certificate"
	"stille/shared/dynamo"
	"stille/shared/evidence"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/schema"
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
}

// worked is how a shard's work ended. The others went on where one failed.
type worked struct {
	Failed bool `json:"failed"`
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
	Certificate string              `json:"certificate"`
}

// bus is where events go out.
type bus interface {
	Put(ctx context.Context, events ...announce.Event) error
}

// handler ends every run: it reads again what the run says it did, and
// certifies it. It deletes nothing.
type handler struct {
	// verifier returns what checks a run, once its keys could be read.
	verifier     func(ctx context.Context) (purge.Verifier, error)
	certifier    purge.Certifier
	certificates *evidence.Certificates
	signer       *evidence.Signer
	runs         *dynamo.Runs
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
	run, err := h.runs.Get(ctx, req.Class, req.Run)
	if errors.Is(err, dynamo.ErrNoRun) && req.Failed { // the plan itself failed
		run, err = dynamo.Run{Class: req.Class, ID: req.Run, StartedAt: req.StartedAt.UTC(), Cutoff: req.StartedAt.UTC(), PolicyHash: h.policy.Hash()}, nil
	}
	if err != nil {
		return response{}, err
	}
	if !run.Certified() {
		failed := req.Failed || slices.ContainsFunc(req.Worked, func(w worked) bool { return w.Failed })
		if run, err = h.certify(ctx, class, run, failed); err != nil {
			return response{}, err
		}
	}
	answer := response{Outcome: run.Outcome, Counts: run.Counts, Certificate: evidence.Prefix(run.Class, run.ID)}
	if run.Outcome != certificate.Completed {
		h.log.ErrorContext(ctx, "a purge failed", "class", run.Class, "run", run.ID, "error", req.Error)
	}
	return answer, h.bus.Put(ctx, announce.Event{Type: detailType(run.Outcome), At: run.EndedAt, Detail: purgeEnded{
		Class: run.Class, Run: run.ID, Outcome: run.Outcome, Counts: run.Counts, Certificate: answer.Certificate,
	}})
}

func (h handler) certify(ctx context.Context, class retention.Class, run dynamo.Run, failed bool) (dynamo.Run, error) {
	outcome, account, err := h.account(ctx, class, run, failed)
	if err != nil {
		return run, err
	}
	if err := h.publishKey(ctx); err != nil {
		return run, err
	}
	return h.certifier.Certify(ctx, class, run, outcome, account, h.now())
}

// account says how the run ended and what it did. After a failure the
// manifest tells what was deleted all the same, and the index is not asked.
func (h handler) account(ctx context.Context, class retention.Class, run dynamo.Run, failed bool) (certificate.Outcome, purge.Account, error) {
	verifier, err := h.verifier(ctx)
	if err != nil {
		return "", purge.Account{}, err
	}
	account, err := verifier.Account(ctx, class, run.ID, run.Cutoff)
	if failed || err != nil {
		return certificate.Failed, account, err
	}
	account, err = verifier.Verify(ctx, class, run.Cutoff, account)
	return certificate.Completed, account, err
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
	if o == certificate.Completed {
		return schema.PurgeCompleted
	}
	return schema.PurgeFailed
}
