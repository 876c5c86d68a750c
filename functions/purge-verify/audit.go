package main

import (
	"context"
	"errors"

	"stille/shared/aws/emf"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/evidence"
	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// auditParts is where an audit's calls left what they found.
type auditParts interface {
	Parts(ctx context.Context, class, run string) ([]purge.AuditPart, error)
}

// errNoAudit means that a run of this name is a purge.
var errNoAudit = errors.New("the run is no audit")

// auditEnded is the detail of an event.
type auditEnded struct {
	Class       string              `json:"class"`
	Run         string              `json:"run"`
	Outcome     certificate.Outcome `json:"outcome"`
	Counts      certificate.Counts  `json:"counts"`
	Findings    map[string]int      `json:"findings,omitempty"` // absent where the audit failed
	Certificate string              `json:"certificate"`
}

// audit ends an audit: it puts together what every segment's calls found, and
// certifies that. It is in no purge's way: it neither asks for the class's lock
// nor frees it.
func (h handler) audit(ctx context.Context, class retention.Class, req request) (response, error) {
	run, err := h.runs.Get(ctx, class.Name, req.Run)
	switch {
	case errors.Is(err, purge.ErrNoRun):
		run = purge.Run{
			Audit: true, Class: class.Name, ID: req.Run, StartedAt: req.StartedAt.UTC(), Cutoff: req.StartedAt.UTC(),
			PolicyHash: h.policy.Hash(), CodeVersion: h.certifier.CodeVersion,
		}
	case err != nil:
		return response{}, err
	case !run.Audit:
		return response{}, errNoAudit
	}
	if !run.Certified() {
		if run, err = h.certifyAudit(ctx, class, run, req.how(run)); err != nil {
			return response{}, err
		}
	}
	h.logAudit(ctx, run, req.Error)
	answer := response{Outcome: run.Outcome, Counts: run.Counts, Certificate: evidence.Prefix(run.Class, run.ID)}
	kind := names.AuditFailed
	if run.Outcome == certificate.Completed {
		kind = names.AuditCompleted
	}
	return answer, h.bus.Put(ctx, eventbus.Event{Type: kind, At: run.EndedAt, Detail: auditEnded{
		Class: run.Class, Run: run.ID, Outcome: run.Outcome, Counts: run.Counts, Findings: run.Findings, Certificate: answer.Certificate,
	}})
}

// certifyAudit stores the report, which the certificate names by its hash, and
// then the certificate. An audit that failed has no report.
func (h handler) certifyAudit(ctx context.Context, class retention.Class, run purge.Run, outcome certificate.Outcome) (purge.Run, error) {
	var account purge.Account
	if outcome == certificate.Completed {
		parts, err := h.parts.Parts(ctx, class.Name, run.ID)
		if err != nil {
			return run, err
		}
		report, err := purge.MakeReport(class.Name, run.ID, run.StartedAt, run.PolicyHash, parts)
		if err != nil {
			return run, err
		}
		encoded, err := report.Encode()
		if err != nil {
			return run, err
		}
		if err := h.certificates.StoreReport(ctx, class.Name, run.ID, encoded); err != nil {
			return run, err
		}
		run.PlanHash, account.Counts, run.Findings = certificate.Hash(encoded), report.Counts(), map[string]int{}
		for finding, all := range report.Findings {
			run.Findings[string(finding)] = all.Count
		}
	}
	if err := h.publishKey(ctx); err != nil {
		return run, err
	}
	return h.certifier.Certify(ctx, class, run, outcome, account, h.now())
}

// logAudit writes down how an audit ended. CloudWatch makes the metric that
// alarms out of the line.
func (h handler) logAudit(ctx context.Context, run purge.Run, failure string) {
	if run.Outcome != certificate.Completed {
		h.log.ErrorContext(ctx, "an audit did not complete", "class", run.Class, "run", run.ID, "error", failure)
		return
	}
	faults := 0
	for _, finding := range purge.Every() {
		if finding.Fault() {
			faults += run.Findings[string(finding)]
		}
	}
	h.log.InfoContext(ctx, "an audit completed", names.AttrClass, run.Class, "run", run.ID, "findings", run.Findings,
		names.MetricAuditFaults, faults, emf.Embedded(run.EndedAt, names.AttrClass, names.MetricAuditFaults))
}
