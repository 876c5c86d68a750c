package main

import (
	"bytes"
	"strings"
	"testing"

	"stille/shared/certificate"
	"stille/shared/purge"
)

func TestAnAuditIsShownAsOneWithWhatItFound(t *testing.T) {
	run := purge.Run{
		Class: "messaging", ID: "audit-1", Outcome: certificate.Completed, Certificate: "hash", Audit: true,
		Findings: map[string]int{"overdue": 3, "no-start": 0},
	}
	for name, show := range map[string]func(*bytes.Buffer){
		"by itself":        func(b *bytes.Buffer) { told(run).text(b) },
		"among the purges": func(b *bytes.Buffer) { runsAnswer{[]runAnswer{told(run)}}.text(b) },
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
	told(run).text(&out)
	if strings.Contains(out.String(), ", audit") || strings.Contains(out.String(), "found") {
		t.Errorf("a purge is shown as an audit:\n%s", out.String())
	}
}
