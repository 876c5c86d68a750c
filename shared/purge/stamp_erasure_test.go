package purge_test

import (
	"context"
	"testing"
	"time"

	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
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

// conversation is a record of the contact, as its latest version.
type conversation struct {
	*testing.T
	purgetest.Stores
	stamper purge.Stamper
	class   string
	changes [][2]retention.Stored // what the stream has still to tell: before and after
}

func newConversation(t *testing.T, class string) *conversation {
	stores := engine.New(t, class)
	return &conversation{T: t, Stores: stores, class: class, stamper: purge.Stamper{
		Records: stores.Records, List: erased{}, Holds: stores.Holds, Now: func() time.Time { return cutoff },
	}}
}

func (c *conversation) get() retention.Stored {
	stored, err := c.Stores.Records.Get(c.Context(), c.class, "conv-1")
	if err != nil && stored.ID != "" {
		c.Fatal(err)
	}
	return stored
}

// stored stores a version by the tools' API.
func (c *conversation) stored(subject contact.Key, occurred time.Time) {
	c.Helper()
	before := c.get()
	version := retention.Record{ID: "conv-1", Subject: subject, Scope: "acme", OccurredAt: occurred}
	if _, err := c.Stores.Records.Put(c.Context(), c.class, version, func(retention.Record) error { return nil }); err != nil {
		c.Fatal(err)
	}
	c.changes = append(c.changes, [2]retention.Stored{before, c.get()})
}

// written replaces the item, as another service does.
func (c *conversation) written(subject contact.Key, occurred time.Time) {
	c.Helper()
	before := c.get()
	c.Plant(c, c.class, map[string]any{
		names.AttrID: "conv-1", names.AttrSubject: string(subject), names.AttrScope: "acme", names.AttrOccurredAt: occurred.Format(time.RFC3339Nano),
	})
	c.changes = append(c.changes, [2]retention.Stored{before, c.get()})
}

// told lets the stream tell its changes, and those that the stamps themselves make.
func (c *conversation) told() {
	c.Helper()
	for len(c.changes) > 0 {
		change, before := c.changes[0], c.get()
		if _, err := c.stamper.Stamp(c.Context(), c.class, change[0], change[1]); err != nil {
			c.Fatal(err)
		}
		c.changes = c.changes[1:]
		if after := c.get(); !after.FirstAt.Equal(before.FirstAt) || after.Sort != before.Sort || after.ActiveSort != before.ActiveSort || after.Shard != before.Shard {
			c.changes = append(c.changes, [2]retention.Stored{before, after})
		}
	}
}

func TestAnErasureOutlivesEveryLaterVersion(t *testing.T) {
	earlier, later, latest := cutoff.Add(-time.Hour), cutoff.Add(time.Minute), cutoff.Add(2*time.Minute)
	for name, test := range map[string]struct {
		class     string
		write     func(c *conversation)
		withdrawn bool
	}{
		"one upsert": {write: func(c *conversation) { c.stored(subject(1), earlier); c.stored(subject(1), later) }, withdrawn: true},
		"two upserts before the stream tells": {
			write: func(c *conversation) {
				c.stored(subject(1), earlier)
				c.stored(subject(1), later)
				c.stored(subject(1), latest)
			}, withdrawn: true,
		},
		"two direct writes before the stream tells": {
			write: func(c *conversation) {
				c.written(subject(1), earlier)
				c.written(subject(1), later)
				c.written(subject(1), latest)
			}, withdrawn: true,
		},
		"an upsert, then a direct write": {
			write: func(c *conversation) {
				c.stored(subject(1), earlier)
				c.stored(subject(1), later)
				c.written(subject(1), latest)
			}, withdrawn: true,
		},
		"a direct write, then an upsert": {
			write: func(c *conversation) {
				c.written(subject(1), earlier)
				c.written(subject(1), later)
				c.stored(subject(1), latest)
			}, withdrawn: true,
		},
		"a new conversation": {write: func(c *conversation) { c.stored(subject(1), later); c.stored(subject(1), latest) }},
		"another contact's conversation": {
			write: func(c *conversation) {
				c.stored(subject(2), earlier)
				c.stored(subject(1), later)
				c.stored(subject(1), latest)
			},
		},
		"newer consent over the older one": {
			class: retention.Messaging, write: func(c *conversation) { c.stored(subject(1), earlier); c.stored(subject(1), later) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			class := "communication"
			if test.class != "" {
				class = test.class
			}
			c := newConversation(t, class)
			test.write(c)
			c.told()
			if got := c.get(); got.WithdrawnAs(cutoff) != test.withdrawn {
				t.Errorf("withdrawn %q, first known from %v", got.WithdrawnSort, got.FirstAt)
			}
		})
	}
}

func TestARestoredVersionRemembersItsFirstEvent(t *testing.T) {
	c := newConversation(t, "communication")
	c.stored(subject(1), cutoff.Add(-time.Hour)) // the backup is from before the erasure
	c.stored(subject(1), cutoff.Add(time.Minute))
	if _, _, err := c.stamper.Mend(t.Context(), c.class, c.get()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.stamper.Mend(t.Context(), c.class, c.get()); err != nil {
		t.Fatal(err)
	}
	if !c.get().WithdrawnAs(cutoff) {
		t.Error("the upsert took the record out of the erasure's reach")
	}
}
