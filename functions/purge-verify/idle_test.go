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
	"stille/shared/retention"
)

// faulty is a bus that keeps its events, and may fail.
type faulty struct {
	events []eventbus.Event
	err    error
}

func (h *faulty) Put(_ context.Context, events ...eventbus.Event) error {
	h.events = append(h.events, events...)
	return h.err
}

func TestTheOwnerHearsOfIdleRecords(t *testing.T) {
	down := errors.New("the service is down")
	for _, test := range []struct {
		name        string
		records     []string
		store, down error
		logged      string
	}{
		{"two records", []string{"conv-1", "conv-2"}, nil, nil, `"level":"WARN"`},
		{"none", nil, nil, nil, ""},
		{"the index fails", []string{"conv-1"}, down, nil, `"level":"ERROR"`},
		{"the bus fails", []string{"conv-1", "conv-2"}, nil, down, `"level":"ERROR"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			long := w.Now.AddDate(-1, 0, 0).Truncate(time.Second)
			for _, id := range test.records {
				w.stores.Plant(t, retention.Messaging, map[string]any{
					"id": id, "occurredAt": retention.Sort(long), "activeSort": retention.Sort(long), "retentionShard": retention.ShardName(0),
				})
			}
			w.certifier.Records = w.stores.Intercept(func(string) error { return test.store }).Records
			var log bytes.Buffer
			to := &faulty{err: test.down}
			w.publish, w.log = to.Put, slog.New(slog.NewJSONHandler(&log, nil))
			w.reportIdle(t.Context(), w.class)
			var want []eventbus.Event
			if len(test.records) > 0 && test.store == nil {
				want = []eventbus.Event{{Type: "RecordsIdle", At: w.Now, Detail: recordsIdle{
					Class: "messaging", Owner: w.class.Owner, Count: len(test.records), Oldest: long, IDs: test.records,
				}}}
			}
			if diff := cmp.Diff(want, to.events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if got := log.String(); !strings.Contains(got, test.logged) || (got == "") != (test.logged == "") || strings.Contains(got, "conv-1") {
				t.Errorf("log %s", got)
			}
		})
	}
}
