package main

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// left are the stored parts of an audit, or the error of reading them.
type left struct {
	parts []purge.AuditPart
	err   error
}

func (left) StorePart(context.Context, purge.AuditPart) error { return nil }

func (l left) Parts(context.Context, string, string) ([]purge.AuditPart, error) {
	return l.parts, l.err
}

// certified stores a certified audit, without S3 and KMS.
func (w *world) certified(t *testing.T, run purge.Run) {
	t.Helper()
	run.Class, run.ID, run.EndedAt, run.Certificate, run.Audit = retention.Messaging, "audit-1", w.Now, "hash", true
	if _, err := w.stores.Runs.Start(t.Context(), run); err != nil {
		t.Fatal(err)
	}
}

func TestAnAuditIsAnnouncedAndCounted(t *testing.T) {
	counts := certificate.Counts{Due: 5, Held: 2, Failed: 3}
	found := map[string]int{"no-start": 40, "absurd-start": 7, "unreadable": 1, "unstamped": 10, "not-withdrawn": 100, "overdue": 3, "overdue-held": 2}
	for name, c := range map[string]struct {
		run   purge.Run
		event string
		lines []map[string]any
	}{
		"completed": {
			purge.Run{Outcome: certificate.Completed, Counts: counts, Findings: found}, "AuditCompleted",
			[]map[string]any{{
				"level": "INFO", "msg": "an audit completed", "class": "messaging", "run": "audit-1", "AuditFaults": 114.0,
				"findings": map[string]any{"no-start": 40.0, "absurd-start": 7.0, "unreadable": 1.0, "unstamped": 10.0, "not-withdrawn": 100.0, "overdue": 3.0, "overdue-held": 2.0},
			}},
		},
		"failed": {
			purge.Run{Outcome: certificate.Failed}, "AuditFailed",
			[]map[string]any{{"level": "ERROR", "msg": "an audit did not complete", "class": "messaging", "run": "audit-1", "error": "States.Timeout"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			bus := &heard{}
			w.publish, w.certifier.Parts = bus.Put, left{err: errDown} // the certified audit does not read its parts again
			w.certified(t, c.run)
			if _, err := w.stores.Runs.Lock(t.Context(), retention.Messaging, "audit-1"); err != nil {
				t.Fatal(err)
			}
			req := request{Class: retention.Messaging, Ended: purge.Ended{Run: "audit-1", StartedAt: w.Now}, Audit: true, Error: "States.Timeout"}
			answer, err := w.verify(t.Context(), req)
			if err != nil || answer.Outcome != c.run.Outcome || answer.Counts != c.run.Counts {
				t.Errorf("%+v, error %v", answer, err)
			}
			want := auditEnded{
				Class: "messaging", Run: "audit-1", Outcome: c.run.Outcome, Counts: c.run.Counts, Findings: c.run.Findings,
				Certificate: "certificates/messaging/audit-1/",
			}
			if len(*bus) != 1 || (*bus)[0].Type != c.event || !(*bus)[0].At.Equal(w.Now) {
				t.Fatalf("events %+v", *bus)
			}
			if diff := cmp.Diff(want, (*bus)[0].Detail); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
			var line map[string]any
			if err := json.Unmarshal(w.Logs.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			if c.run.Outcome == certificate.Completed {
				metric := map[string]any{"Timestamp": float64(w.Now.UnixMilli()), "CloudWatchMetrics": []any{map[string]any{
					"Namespace": "stille", "Dimensions": []any{[]any{"stackName", "class"}}, "Metrics": []any{map[string]any{"Name": "AuditFaults", "Unit": "Count"}},
				}}}
				if diff := cmp.Diff(metric, line["_aws"]); diff != "" {
					t.Errorf("metric (-want +got):\n%s", diff)
				}
			}
			delete(line, "_aws")
			delete(line, "time")
			if diff := cmp.Diff(c.lines, []map[string]any{line}); diff != "" {
				t.Errorf("line (-want +got):\n%s", diff)
			}
			// An active purge of the same name must continue.
			if lock, err := w.stores.Runs.Lock(t.Context(), retention.Messaging, "run-2"); err != nil || lock.Holder != "audit-1" {
				t.Errorf("the audit freed the class's lock for %s, error %v", lock.Holder, err)
			}
			w.NoLeak(t, nil)
		})
	}
}

func TestIncompleteAuditIsNotCertified(t *testing.T) {
	done := purge.AuditPart{AuditWork: purge.AuditWork{Of: 1, Done: true}}
	for name, c := range map[string]struct {
		run   string
		parts left
		err   error
	}{
		"its parts cannot be read":       {"audit-1", left{err: errDown}, errDown},
		"it has none":                    {"audit-1", left{}, purge.ErrUnscanned},
		"its parts follow other rules":   {"audit-1", left{parts: []purge.AuditPart{done}}, purge.ErrOtherPolicy},
		"the run of its name is a purge": {"run-1", left{}, purge.ErrNoAudit},
	} {
		w := newWorld(t)
		w.certifier.Parts = c.parts
		if _, err := w.stores.Runs.Start(t.Context(), purge.Run{Class: retention.Messaging, ID: "run-1"}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.verify(t.Context(), request{Class: retention.Messaging, Ended: purge.Ended{Run: c.run}, Audit: true}); !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", name, err, c.err)
		}
		if _, err := w.stores.Runs.Get(t.Context(), retention.Messaging, "audit-1"); !errors.Is(err, purge.ErrNoRun) {
			t.Errorf("%s: it is a run: error %v", name, err)
		}
	}
}
