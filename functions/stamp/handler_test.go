package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// written lists the handler's writes, as "class/id sort".
type written []string

func (w *written) Stamp(_ context.Context, class string, record retention.Stored, sort string) error {
	*w = append(*w, class+"/"+record.ID+" "+sort)
	return nil
}

func (w *written) Get(context.Context, string, string) (retention.Stored, error) {
	return retention.Stored{}, retention.ErrNoRecord
}

func (w *written) Withdraw(_ context.Context, class string, record retention.Stored, _ time.Time) (bool, error) {
	*w = append(*w, class+"/"+record.ID+" withdrawn")
	return true, nil
}

func (w *written) Remember(_ context.Context, class string, record retention.Stored, _ time.Time) (bool, error) {
	*w = append(*w, class+"/"+record.ID+" remembered")
	return true, nil
}

func (w *written) Claim(context.Context, string, retention.Stored) (bool, error) { return true, nil }

func (w *written) ClaimObjects(context.Context, string, retention.Stored, retention.Record) (bool, error) {
	return false, nil
}

func (w *written) Leave(_ context.Context, class, id string) error {
	*w = append(*w, class+"/"+id+" left")
	return nil
}

// nobody is a list without suppressions.
type nobody struct{ err error }

func (n nobody) Get(context.Context, []contact.Key) (suppression.Item, error) {
	return suppression.Item{}, n.err
}

// unheld is the holds of a stack that has none.
type unheld struct{}

func (unheld) Held(context.Context, []retention.Target) (purge.HeldTargets, error) { return nil, nil }

func newHandler(stack names.Stack, list purge.Subjects, to purge.StampedRecords) handler {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	return handler{
		stack: stack, stamper: purge.Stamper{Records: to, List: list, Holds: unheld{}, Now: func() time.Time { return now }}, log: slog.New(slog.DiscardHandler),
	}
}

func load(t *testing.T, name string) events.DynamoDBEvent {
	t.Helper()
	var batch events.DynamoDBEvent
	apitest.New(t).Event(t, name, &batch, "CONTACT_KEY", "kari-by-email")
	return batch
}

func TestEventsOfStampAreTaken(t *testing.T) {
	want := map[string]written{
		"stamp.stored.json": {"messaging/sub-81 2024-11-20T08:00:00Z"}, "stamp.stamped.json": nil, "stamp.purged.json": {"messaging/sub-81 left"},
	}
	for _, name := range apitest.Events(t, "stamp") {
		t.Run(name, func(t *testing.T) {
			var got written
			if err := apitest.Deliver(t, newHandler("stille", nobody{}, &got).handle, load(t, name)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[name], got); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
		})
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("events that are not there: %v", want)
	}
}

func TestForeignTableIsRefused(t *testing.T) {
	var got written
	err := apitest.Deliver(t, newHandler("another", nobody{}, &got).handle, load(t, "stamp.stored.json"))
	if !errors.Is(err, apitest.ErrRetried) || got != nil {
		t.Errorf("error %v, written %v", err, got)
	}
}

func TestAListThatFailsBringsTheBatchAgain(t *testing.T) {
	down := errors.New("the store is down")
	var got written
	if err := apitest.Deliver(t, newHandler("stille", nobody{down}, &got).handle, load(t, "stamp.stored.json")); !errors.Is(err, apitest.ErrRetried) {
		t.Errorf("error %v", err)
	}
}
