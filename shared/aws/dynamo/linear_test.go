//go:build store

package dynamo_test

import (
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// seedGiven repeats the clients' operations of a test's seed. Their order
// depends on the machine.
var seedGiven = flag.Uint64("history.seed", 0, "what clients do in the tests of histories; 0: something else each time")

const (
	histories = 8 // of each test
	clients   = 4
	steps     = 6 // of each client, while the live keys stay the same
)

func seed() uint64 {
	if *seedGiven != 0 {
		return *seedGiven
	}
	return rand.Uint64()
}

// client is one of several concurrent clients of a contact, each with its way
// of reading and writing.
type client struct {
	*history
	list   *dynamo.Suppressions
	id     int
	random *rand.Rand
	step   int
	last   suppression.Change
}

func (h *history) clients(list *dynamo.Suppressions, seed uint64) []*client {
	all := make([]*client, clients)
	for id := range all {
		all[id] = &client{history: h, list: list, id: id, random: rand.New(rand.NewPCG(seed, uint64(id)))}
	}
	return all
}

// next is an opt-out or a release: somewhat older or newer than the last
// change, at the same instant as another client's, or a repetition of the last.
func (c *client) next() suppression.Change {
	c.step++
	if c.last.Action != "" && c.random.IntN(6) == 0 {
		return c.last
	}
	c.last = suppression.Change{
		Action: []suppression.Action{suppression.Suppress, suppression.Suppress, suppression.Release}[c.random.IntN(3)],
		Scope:  []scope.Scope{"acme", "acme/newsletter", "globex"}[c.random.IntN(3)],
		Reason: []suppression.Reason{suppression.Unsubscribed, suppression.Stop}[c.random.IntN(2)],
		At:     now.Add(time.Duration(c.step+c.random.IntN(5)-60) * time.Minute),
		Source: suppression.SourceTool,
	}
	return c.last
}

// work makes n operations on the contact, each with one of these sets of keys.
func (c *client) work(n int, ways ...[]contact.Key) {
	for range n {
		keys := ways[c.random.IntN(len(ways))]
		if c.random.IntN(5) < 2 {
			if err := c.check(c.list, c.id, c.random.IntN(3), keys); err != nil && !c.unsure {
				c.Error(err)
			}
			continue
		}
		c.apply(c.list, c.id, keys, c.next())
	}
}

// atOnce runs do for n histories concurrently.
func atOnce(histories int, do func(n int)) {
	var working sync.WaitGroup
	for n := range histories {
		working.Go(func() { do(n) })
	}
	working.Wait()
}

// each runs do for every client concurrently, and waits.
func each(all []*client, do func(*client)) {
	var working sync.WaitGroup
	for _, c := range all {
		working.Go(func() { do(c) })
	}
	working.Wait()
}

func TestConcurrentCallsAreLinearizable(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	_, db = dynamotest.NewNetwork(t, db, 0, 0)
	list, first := dynamo.NewSuppressions(db, stack), seed()
	atOnce(histories, func(n int) {
		h, seed := newHistory(t), first+uint64(n)
		each(h.clients(list, seed), func(c *client) { c.work(2*steps, []contact.Key{key(n)}) })
		h.verify(seed)
	})
}

// The contact keys are rotated twice. Each time some containers already know
// the newer key and others do not, then some write under it and others do not
// yet; and an opt-out comes out of a queue, with the only key of the time when
// it was queued.
func TestAKeyRotationKeepsCallsLinearizable(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	_, db = dynamotest.NewNetwork(t, db, 0, 0)
	list, first := dynamo.NewSuppressions(db, stack), seed()
	var merged atomic.Int32
	atOnce(histories, func(n int) {
		h, seed := newHistory(t), first+uint64(n)
		keys := []contact.Key{key(10 * n), key(10*n + 1), key(10*n + 2)}
		h.whileKeysAreRotated(h.clients(list, seed), keys)
		h.verify(seed)
		if i, err := list.Under(t.Context(), keys[0]); err == nil && i.MergedInto != "" {
			merged.Add(1)
		}
	})
	if merged.Load() == 0 {
		t.Error("nothing was ever merged: this shows nothing")
	}
}

// whileKeysAreRotated lets clients work on a contact from the time when only
// the oldest of its three keys is known until the newest is the primary key
// everywhere.
func (h *history) whileKeysAreRotated(all []*client, keys []contact.Key) {
	old, newer, newest := keys[0], keys[1], keys[2]
	h.apply(all[0].list, 0, keys[:1], all[0].next())
	for n, live := range [][2][]contact.Key{
		{{old}, {old, newer}},
		{{old, newer}, {newer, old}},
		{{newer, old}, {newer, newest, old}},
		{{newer, newest, old}, {newest, newer, old}},
		{{newest, newer, old}, {newest, newer, old}},
	} {
		each(all, func(c *client) {
			c.work(steps/2, live[0], live[1])
			if c.id == n {
				waited := c.next()
				waited.Action = suppression.Suppress
				h.apply(c.list, c.id, keys[:1], waited)
			}
			// The function that propagates a ledger entry reads by the entry's
			// key alone.
			if err := h.check(c.list, c.id, n%3, keys[:1]); err != nil && !h.unsure {
				h.Error(err)
			}
		})
	}
}
