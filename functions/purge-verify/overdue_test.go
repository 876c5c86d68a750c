package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

// The metric is a log line with the number of each class.
func TestEveryRunReportsOverdueRecords(t *testing.T) {
	for outcome, overdue := range map[certificate.Outcome]float64{
		certificate.Completed: 0, certificate.Halted: 2, certificate.Stopped: 2, certificate.Failed: 2,
	} {
		t.Run(string(outcome), func(t *testing.T) {
			w := newWorld(t)
			var out bytes.Buffer
			w.handler.log, w.publish = slog.New(slog.NewJSONHandler(&out, nil)), (&heard{}).Put
			if overdue > 0 {
				w.put(t, "sub-1") // due since the night before last
				w.put(t, "sub-2")
			}
			w.now = func() time.Time { return time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC) } // 28 hours after it fell due
			run := purge.Run{Class: retention.Messaging, ID: "run-1", Outcome: outcome, Certificate: "hash"}
			if _, err := w.stores.Runs.Start(t.Context(), run); err != nil {
				t.Fatal(err)
			}
			if _, err := w.verify(t.Context(), request{Class: run.Class, Ended: purge.Ended{Run: run.ID}}); err != nil {
				t.Fatal(err)
			}
			var got struct {
				Class          string `json:"class"`
				OverdueRecords float64
				Embedded       map[string]any `json:"_aws"`
			}
			line, _, _ := bytes.Cut(out.Bytes(), []byte("\n"))
			if err := json.Unmarshal(line, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{"messaging", overdue}, []any{got.Class, got.OverdueRecords}); diff != "" || got.Embedded == nil {
				t.Errorf("(-want +got)\n%s\n%s", diff, line)
			}
		})
	}
}

func TestADueRecordIsOverdueAfter26Hours(t *testing.T) {
	w := newWorld(t)
	w.put(t, "sub-1")
	due, _ := w.class.DueFrom(retention.Record{Start: time.Date(2024, 11, 20, 8, 0, 0, 0, time.UTC)})
	for late, want := range map[time.Duration]string{26*time.Hour - time.Second: `"OverdueRecords":0`, 26 * time.Hour: `"OverdueRecords":1`} {
		var log bytes.Buffer
		w.log, w.now = slog.New(slog.NewJSONHandler(&log, nil)), func() time.Time { return due.Add(late) }
		if err := w.countOverdue(t.Context(), w.class, 7); err != nil || !strings.Contains(log.String(), want) || !strings.Contains(log.String(), `"DeletedRecords":7`) {
			t.Errorf("%v late: error %v, log %s", late, err, &log)
		}
	}
	w.certifier.Records = w.stores.Intercept(func(string) error { return errDown }).Records
	if err := w.countOverdue(t.Context(), w.class, 7); !errors.Is(err, errDown) {
		t.Errorf("error %v", err)
	}
}
