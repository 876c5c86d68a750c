package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/eventbus"
	"stille/shared/purge"
	"stille/shared/retention"
)

// faulty is a bus that keeps what was put on it, and may fail.
type faulty struct {
	events []eventbus.Event
	err    error
}

func (h *faulty) Put(_ context.Context, events ...eventbus.Event) error {
	h.events = append(h.events, events...)
	return h.err
}

func TestTheOwnerHearsOfWhatIsIdle(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	down := errors.New("the service is down")
	some := purge.Idle{Count: 2, Oldest: now.Add(-time.Hour), IDs: []string{"conv-1"}}
	said := []eventbus.Event{{Type: "RecordsIdle", At: now, Detail: recordsIdle{
		Class: "communication", Owner: "customer service", Count: 2, Oldest: some.Oldest, IDs: some.IDs,
	}}}
	for _, test := range []struct {
		name      string
		idle      purge.Idle
		err, down error
		events    []eventbus.Event
		logged    string
	}{
		{"two records", some, nil, nil, said, `"level":"WARN"`},
		{"none", purge.Idle{}, nil, nil, nil, ""},
		{"the index does not answer", purge.Idle{}, down, nil, nil, `"level":"ERROR"`},
		{"the bus does not", some, nil, down, said, `"level":"ERROR"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			var log bytes.Buffer
			to := &faulty{err: test.down}
			h := handler{
				idle: func(_ context.Context, class retention.Class, at time.Time) (purge.Idle, error) {
					if class.Name != "communication" || !at.Equal(now) {
						t.Errorf("asked about %s at %v", class.Name, at)
					}
					return test.idle, test.err
				},
				bus: to, log: slog.New(slog.NewJSONHandler(&log, nil)), now: func() time.Time { return now },
			}
			h.reportIdle(t.Context(), retention.Class{Name: "communication", Owner: "customer service"})
			if diff := cmp.Diff(test.events, to.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if got := log.String(); !strings.Contains(got, test.logged) || (got == "") != (test.logged == "") || strings.Contains(got, "conv-1") {
				t.Errorf("log %s", got)
			}
		})
	}
}
