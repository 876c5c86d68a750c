package eventbus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/aws/eventbus"
)

var errDown = errors.New("the bus is down")

// client takes events, and refuses some of each request.
type client struct {
	entries  []types.PutEventsRequestEntry
	requests []int // number of events in each request
	refuses  int32
	err      error
}

func (c *client) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	c.entries, c.requests = append(c.entries, in.Entries...), append(c.requests, len(in.Entries))
	return &eventbridge.PutEventsOutput{FailedEntryCount: c.refuses}, c.err
}

func TestAnEventSaysWhatHappenedAndWhen(t *testing.T) {
	var c client
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	err := eventbus.NewBus(&c, "stille").Put(t.Context(), eventbus.Event{Type: "ContactSuppressed", At: at, Detail: map[string]string{"key": "k"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []types.PutEventsRequestEntry{{
		EventBusName: aws.String("stille"), Source: aws.String("stille"), DetailType: aws.String("ContactSuppressed"),
		Time: &at, Detail: aws.String(`{"key":"k"}`),
	}}
	if diff := cmp.Diff(want, c.entries, cmpopts.IgnoreUnexported(types.PutEventsRequestEntry{})); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestEventsAreSentInSmallRequests(t *testing.T) {
	for n, want := range map[int][]int{0: nil, 10: {10}, 11: {10, 1}, 25: {10, 10, 5}} {
		var c client
		if err := eventbus.NewBus(&c, "stille").Put(t.Context(), make([]eventbus.Event, n)...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.requests); diff != "" {
			t.Errorf("%d events (-want +got):\n%s", n, diff)
		}
	}
}

func TestARefusedEventIsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		client client
		want   error
	}{
		"one of them refused": {client{refuses: 1}, eventbus.ErrRefused},
		"the bus fails":       {client{err: errDown}, errDown},
	} {
		t.Run(name, func(t *testing.T) {
			if err := eventbus.NewBus(&test.client, "stille").Put(t.Context(), eventbus.Event{}); !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
	var c client
	if err := eventbus.NewBus(&c, "stille").Put(t.Context(), eventbus.Event{Detail: make(chan int)}); err == nil || c.requests != nil {
		t.Errorf("a detail that is no JSON: error %v, %d requests", err, len(c.requests))
	}
}
