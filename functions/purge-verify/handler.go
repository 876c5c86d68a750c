package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"stille/shared/aws/emf"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/evidence"
	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// request is the input from the state machine, after the deletion or after an
// error in any step.
type request struct {
	purge.Ended
	Class string `json:"class"`
	Error string `json:"error"` // the error's name, if Failed
	Audit bool   `json:"audit"` // the run is an audit, not a purge
}

// response is how the run ended.
type response struct {
	Outcome     certificate.Outcome `json:"outcome"`
	Counts      certificate.Counts  `json:"counts"`
	Certificate string              `json:"certificate"` // prefix in the evidence bucket
}

// handler ends every run: it certifies the run, announces how it ended, and
// reports the overdue and the idle records of its class.
type handler struct {
	certifier purge.Certifier
	holds     purge.Holds
	publish   func(ctx context.Context, events ...eventbus.Event) error
	policy    *retention.Policy
	log       *slog.Logger
	now       func() time.Time
}

func (h handler) verify(ctx context.Context, req request) (response, error) {
	class, ok := h.policy.Class(req.Class)
	if !ok {
		return response{}, retention.ErrUnknownClass
	}
	certifier := h.certifier
	certifier.PolicyHash = class.Hash()
	if req.Audit {
		run, err := certifier.Audit(ctx, class, req.Ended)
		if err != nil {
			return response{}, err
		}
		h.logAudit(ctx, run, req.Error)
		return h.announce(ctx, run)
	}
	run, err := certifier.Purge(ctx, class, req.Ended)
	if err != nil {
		return response{}, err
	}
	if err := h.countOverdue(ctx, class, run.Counts.Deleted); err != nil {
		return response{}, err
	}
	h.reportIdle(ctx, class)
	h.countLost(ctx, class, run.ID)
	if run.Outcome != certificate.Completed {
		h.log.ErrorContext(ctx, "a purge did not complete", "class", run.Class, "run", run.ID, "outcome", run.Outcome,
			"reasons", run.Reasons, "error", req.Error)
	}
	return h.announce(ctx, run)
}

// purgeEnded is the detail of an event.
type purgeEnded struct {
	Class       string              `json:"class"`
	Run         string              `json:"run"`
	Outcome     certificate.Outcome `json:"outcome"`
	Counts      certificate.Counts  `json:"counts"`
	PlanHash    string              `json:"planHash"`
	Reasons     []string            `json:"reasons,omitempty"` // why it did not delete everything
	Certificate string              `json:"certificate"`
}

// auditEnded is the detail of an event.
type auditEnded struct {
	Class       string              `json:"class"`
	Run         string              `json:"run"`
	Outcome     certificate.Outcome `json:"outcome"`
	Counts      certificate.Counts  `json:"counts"`
	Findings    map[string]int      `json:"findings,omitempty"` // absent where the audit failed
	Certificate string              `json:"certificate"`
}

// announce puts the end of a run on the bus and returns the answer.
func (h handler) announce(ctx context.Context, run purge.Run) (response, error) {
	prefix := evidence.Prefix(run.Class, run.ID)
	event := eventbus.Event{Type: detailType(run), At: run.EndedAt, Detail: purgeEnded{
		Class: run.Class, Run: run.ID, Outcome: run.Outcome, Counts: run.Counts, PlanHash: run.PlanHash, Reasons: run.Reasons, Certificate: prefix,
	}}
	if run.Audit {
		event.Detail = auditEnded{Class: run.Class, Run: run.ID, Outcome: run.Outcome, Counts: run.Counts, Findings: run.Findings, Certificate: prefix}
	}
	return response{Outcome: run.Outcome, Counts: run.Counts, Certificate: prefix}, h.publish(ctx, event)
}

func detailType(run purge.Run) string {
	switch {
	case run.Audit && run.Outcome == certificate.Completed:
		return names.AuditCompleted
	case run.Audit:
		return names.AuditFailed
	case run.Outcome == certificate.Completed:
		return names.PurgeCompleted
	case run.Outcome == certificate.Halted:
		return names.PurgeHalted
	case run.Outcome == certificate.Stopped:
		return names.PurgeStopped
	}
	return names.PurgeFailed
}

// countOverdue logs the number of overdue records of the class and what the run
// deleted, for every outcome. CloudWatch makes the metric behind the alarm from the log
// line. A held record does not count as overdue.
func (h handler) countOverdue(ctx context.Context, class retention.Class, deleted int) error {
	at := h.now()
	left, err := purge.CountOverdue(ctx, h.certifier.Records, h.holds, class, at)
	if err != nil {
		return fmt.Errorf("after the certificate: %w", err)
	}
	h.log.InfoContext(ctx, "what is overdue after a purge", names.AttrClass, class.Name,
		names.MetricOverdue, left.Overdue(), names.MetricHeld, left.Held, names.MetricDeleted, deleted,
		emf.Embedded(at, names.AttrClass, names.MetricOverdue, names.MetricHeld, names.MetricDeleted))
	return nil
}

// countLost logs the number of records that no purge of the class finds; the
// metric and its alarm are the audits'. A count that fails does not fail the run:
// the next purge counts again.
func (h handler) countLost(ctx context.Context, class retention.Class, run string) {
	at := h.now()
	lost, err := purge.CountLost(ctx, h.certifier.Records, class, run, h.certifier.Pause, at)
	if err != nil {
		h.log.ErrorContext(ctx, "what lost its place was not counted", "class", class.Name, "error", err)
		return
	}
	h.log.InfoContext(ctx, "what lost its place", names.AttrClass, class.Name, names.MetricAuditFaults, lost,
		emf.Embedded(at, names.AttrClass, names.MetricAuditFaults))
}

// logAudit logs how an audit ended. CloudWatch makes the metric behind the
// alarm from the log line.
func (h handler) logAudit(ctx context.Context, run purge.Run, failure string) {
	if run.Outcome != certificate.Completed {
		h.log.ErrorContext(ctx, "an audit did not complete", "class", run.Class, "run", run.ID, "error", failure)
		return
	}
	h.log.InfoContext(ctx, "an audit completed", names.AttrClass, run.Class, "run", run.ID, "findings", run.Findings,
		names.MetricAuditFaults, run.Faults(), emf.Embedded(run.EndedAt, names.AttrClass, names.MetricAuditFaults))
}

// recordsIdle is the detail of an event.
type recordsIdle struct {
	Class  string    `json:"class"`
	Owner  string    `json:"owner"` // must say whether the records ended
	Count  int       `json:"count"`
	Oldest time.Time `json:"oldest,omitzero"` // last activity of the record that has been idle longest
	IDs    []string  `json:"ids"`             // of some of the records
}

// reportIdle tells the class's owner, after each purge, which records have been
// running without activity for too long. A failed report does not fail the run:
// the next purge reports again.
func (h handler) reportIdle(ctx context.Context, class retention.Class) {
	now := h.now()
	idle, err := purge.FindIdle(ctx, h.certifier.Records, class, now)
	if err == nil && idle.Count > 0 {
		h.log.WarnContext(ctx, "records are idle", "class", class.Name, "owner", class.Owner, "count", idle.Count, "oldest", idle.Oldest)
		err = h.publish(ctx, eventbus.Event{Type: names.RecordsIdle, At: now, Detail: recordsIdle{
			Class: class.Name, Owner: class.Owner, Count: idle.Count, Oldest: idle.Oldest, IDs: idle.IDs,
		}})
	}
	if err != nil {
		h.log.ErrorContext(ctx, "what is idle was not reported", "class", class.Name, "error", err)
	}
}
