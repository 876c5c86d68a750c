package main

import (
	"strings"
	"testing"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/purge"
)

func TestAuditIsShownWithItsFindings(t *testing.T) {
	run := operator.Run{Counts: &certificate.Counts{}, Run: purge.Run{
		Class: "messaging", ID: "audit-1", Outcome: certificate.Completed, Certificate: "hash", Audit: true,
		Findings: map[string]int{"overdue": 3, "no-start": 0},
	}}
	for name, out := range map[string]string{
		"by itself":        textOf(t, "purge show RUN", run),
		"among the purges": textOf(t, "purge show", operator.RunList{Runs: []operator.Run{run}}),
	} {
		if !strings.Contains(out, "COMPLETED, audit") {
			t.Errorf("%s it is no audit:\n%s", name, out)
		}
		if found := strings.Contains(out, "found    0 no-start\nfound    3 overdue\n"); found != (name == "by itself") {
			t.Errorf("%s: findings shown: %v\n%s", name, found, out)
		}
	}
	run.Audit, run.Findings = false, nil
	if out := textOf(t, "purge show RUN", run); strings.Contains(out, ", audit") || strings.Contains(out, "found") {
		t.Errorf("a purge is shown as an audit:\n%s", out)
	}
}
