package purge_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// erased is a list on which every contact was erased at the cutoff.
type erased struct{}

func (erased) Get(context.Context, []contact.Key) (suppression.Item, error) {
	mark := suppression.Mark{First: cutoff, Last: cutoff, Source: suppression.SourceOperator}
	return suppression.Item{Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{scope.Everywhere: {suppression.Erasure: mark}}}, nil
}

func TestAnErasureOutlivesAnUpsertBeforeIt(t *testing.T) {
	version := func(subject contact.Key, occurred time.Time) retention.Stored {
		return retention.Stored{Record: retention.Record{ID: "conv-1", Subject: subject, Scope: "acme", OccurredAt: occurred}, ActiveSort: retention.Sort(occurred), Shard: "07"}
	}
	earlier, later := cutoff.Add(-time.Hour), cutoff.Add(time.Hour)
	for name, c := range map[string]struct {
		class     string
		before    retention.Stored
		withdrawn bool
	}{
		"the erased conversation":          {"communication", version(subject(1), earlier), true},
		"a new conversation":               {"communication", retention.Stored{}, false},
		"a conversation from afterwards":   {"communication", version(subject(1), later), false},
		"another contact's conversation":   {"communication", version(subject(2), earlier), false},
		"newer consent over the older one": {retention.Messaging, version(subject(1), earlier), false},
	} {
		t.Run(name, func(t *testing.T) {
			stores := stamped{done: true, current: retention.Stored{WithdrawnSort: retention.Sort(cutoff)}}
			stamper := purge.Stamper{Records: records{&stores}, List: erased{}, Now: func() time.Time { return cutoff }}
			if _, err := stamper.Stamp(t.Context(), c.class, c.before, version(subject(1), later)); err != nil {
				t.Fatal(err)
			}
			if got := slices.Contains(stores.calls, "withdraw "+retention.Sort(cutoff)); got != c.withdrawn || slices.Contains(stores.calls, "withdraw never") {
				t.Errorf("the calls are %v", stores.calls)
			}
		})
	}
}
