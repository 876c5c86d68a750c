package main

import (
	"bytes"
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
	for name, show := range map[string]func(*bytes.Buffer){
		"by itself":        func(b *bytes.Buffer) { runText(b, &run) },
		"among the purges": func(b *bytes.Buffer) { runListText(b, &operator.RunList{Runs: []operator.Run{run}}) },
	} {
		var out bytes.Buffer
		show(&out)
		if !strings.Contains(out.String(), "COMPLETED, audit") {
			t.Errorf("%s it is no audit:\n%s", name, out.String())
		}
		if found := strings.Contains(out.String(), "found    0 no-start\nfound    3 overdue\n"); found != (name == "by itself") {
			t.Errorf("%s: findings shown: %v\n%s", name, found, out.String())
		}
	}
	run.Audit, run.Findings = false, nil
	var out bytes.Buffer
	runText(&out, &run)
	if strings.Contains(out.String(), ", audit") || strings.Contains(out.String(), "found") {
		t.Errorf("a purge is shown as an audit:\n%s", out.String())
	}
}
