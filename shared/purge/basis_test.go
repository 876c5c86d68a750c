package purge_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"stille/shared/aws/dynamo/dynamotest/engine"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// customs is a person and the records of what the person agreed to, in a world in
// which every scope requires a basis.
type customs struct {
	*house
	oracle
	random  *rand.Rand
	oslo    *time.Location
	now     time.Time
	keys    []contact.Key // newest first
	pending []func()      // what the streams have still to deliver
	sends   int           // yeses after a no
}

// hour is the grain of the test: an opt-out that repeats another within the hour is
// the same opt-out.
const hour = 2 * time.Hour

func newCustoms(t *testing.T, seed uint64) *customs {
	h := newHouse(t)
	return &customs{
		house: h, oracle: oracle{yeses: map[string]yes{}}, random: rand.New(rand.NewPCG(seed, 0)), oslo: h.class.Location(),
		now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), keys: []contact.Key{"key-0"},
	}
}

func choose[T any](c *customs, from ...T) T { return from[c.random.IntN(len(from))] }

func (c *customs) anyScope() string { return choose(c, "acme", "acme/newsletter", "globex", "*") }

// earlier is now or up to three days ago.
func (c *customs) earlier() time.Time {
	return c.now.Add(-hour * time.Duration(choose(c, 0, 0, 0, 1, 2, 12, 36)))
}

func (c *customs) who() contact.Known { return contact.Known{Channel: contact.Email, Keys: c.keys} }

// agree stores a record under the id of its scope. The newest event wins.
func (c *customs) agree(customer bool, event, start time.Time) {
	in := choose(c, "acme", "acme/newsletter", "globex")
	r := retention.Record{
		ID: "yes-" + scope.Scope(in).Topic() + string(scope.Scope(in).Brand()), Subject: c.keys[0], Former: c.keys[1:], Scope: scope.Scope(in),
		Basis: retention.Consent, OccurredAt: event, Start: start,
	}
	given := start
	if customer {
		r.Basis, given = retention.Customer, event
	}
	outcome, err := c.Records.Put(c.t.Context(), c.class.Name, r, func(retention.Record) error { return nil }, c.keys...)
	if err != nil {
		c.t.Fatal(err)
	}
	if outcome.Stored {
		c.yeses[r.ID] = yes{Scope: in, Given: given, Start: start, Customer: customer}
	}
	c.pending = append(c.pending, func() { c.stamp(r.ID) })
}

func (c *customs) stamp(id string) {
	stored, err := c.Records.Get(c.t.Context(), c.class.Name, id)
	if errors.Is(err, retention.ErrNoRecord) {
		return
	}
	stamper := purge.Stamper{Records: c.Records, List: c.List, Holds: c.Holds, Now: func() time.Time { return c.now }}
	if err == nil {
		_, err = stamper.Stamp(c.t.Context(), c.class.Name, retention.Stored{}, stored)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// end ends the service behind a record, or tells that it runs again.
func (c *customs) end(id string, running bool) {
	told := c.yeses[id]
	if !told.Customer {
		return
	}
	ending := retention.Ending{At: c.now, Running: running}
	err := c.Records.End(c.t.Context(), c.class.Name, id, func(r retention.Record) (retention.Record, error) { return c.class.End(r, ending) })
	if errors.Is(err, retention.ErrOlder) {
		return
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if told.Start = c.now; running {
		told.Start = time.Time{}
	}
	c.yeses[id] = told
}

func (c *customs) apply(change suppression.Change) {
	outcome, err := c.List.Apply(c.t.Context(), c.who(), change, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	if entry := outcome.Entry; entry != nil && suppression.Touches(*entry, c.class.Name) {
		c.pending = append(c.pending, func() { c.propagate(*entry) })
	}
}

// propagate brings every record in line with the list.
func (c *customs) propagate(entry ledger.Entry) {
	item, err := c.List.Get(c.t.Context(), c.keys)
	if err != nil {
		c.t.Fatal(err)
	}
	for id := range c.yeses {
		r, err := c.Records.Get(c.t.Context(), c.class.Name, id)
		if err != nil {
			c.t.Fatal(err)
		}
		kept := suppression.Kept{Class: c.class.Name, Scope: r.Scope, OccurredAt: r.ErasableAt(), WithdrawnAt: r.WithdrawnAt}
		if at, moves := suppression.Withdrawal(item, entry, kept); moves {
			if _, err := c.Records.Withdraw(c.t.Context(), c.class.Name, r, at); err != nil {
				c.t.Fatal(err)
			}
		}
	}
}

func (c *customs) optOut() {
	reasons := suppression.Reasons()
	n := no{At: c.earlier(), Scope: c.anyScope(), Reason: string(choose(c, append(reasons, suppression.Unsubscribed, suppression.Unsubscribed)...))}
	source := choose(c, suppression.SourceLink, suppression.SourceOneClick, suppression.SourceTool, suppression.SourceSMS)
	if source.FromLink() {
		n.At, n.Reason = c.now, string(suppression.Unsubscribed)
	}
	c.noes = append(c.noes, n)
	c.apply(suppression.Change{Action: suppression.Suppress, Scope: scope.Scope(n.Scope), Reason: suppression.Reason(n.Reason), At: n.At, Source: source})
}

func (c *customs) undo() {
	l := lift{At: c.now, Scope: c.anyScope(), Undo: true}
	c.lifts = append(c.lifts, l)
	c.apply(suppression.Change{Action: suppression.Undo, Scope: scope.Scope(l.Scope), Reason: suppression.Unsubscribed, At: l.At, Source: suppression.SourceLink})
}

func (c *customs) release() {
	l := lift{At: c.earlier(), Scope: c.anyScope()}
	c.lifts = append(c.lifts, l)
	item, err := c.List.Get(c.t.Context(), c.keys)
	if err != nil {
		c.t.Fatal(err)
	}
	consent := suppression.Consent{Scope: scope.Scope(l.Scope), At: l.At, Source: suppression.SourceOperator, Evidence: "form-17", Operator: c.random.IntN(2) == 0}
	for _, change := range consent.Lifts(item) {
		c.apply(change)
	}
}

// purge deletes what is due, and nothing that the oracle sees resting on a yes
// without a no.
func (c *customs) purge() {
	for id, told := range c.yeses {
		r, err := c.Records.Get(c.t.Context(), c.class.Name, id)
		if err != nil {
			c.t.Fatal(err)
		}
		if !c.class.Due(r.Record, c.now) {
			continue
		}
		if c.mustSend(told.Scope, c.now, c.oslo) && (told.Start.IsZero() || !isOver(told.Start, c.now, c.oslo)) {
			c.t.Errorf("%s: the live record in %s is due", c.now, told.Scope)
		}
		conditions := purge.Conditions{Class: c.class.Name, Run: "run-1", Shard: "00"}
		done, err := c.Deleter.DeleteUnderFence(c.t.Context(), conditions, []retention.Stored{r})
		if err != nil || len(done.Deleted) != 1 {
			c.t.Fatalf("%+v, error %v", done, err)
		}
		delete(c.yeses, id)
	}
}

func (c *customs) deliver() {
	c.random.Shuffle(len(c.pending), func(i, j int) { c.pending[i], c.pending[j] = c.pending[j], c.pending[i] })
	for _, late := range c.pending {
		late()
	}
	c.pending = nil
}

// pass lets time go by: an hour, days, or until about the end of a basis.
func (c *customs) pass() {
	c.now = c.now.Add(hour * time.Duration(choose(c, 1, 1, 12, 100)))
	if c.random.IntN(6) == 0 {
		c.now = c.now.AddDate(choose(c, 1, 2), 0, choose(c, -1, 0, 1))
	}
}

func (c *customs) step() {
	switch c.random.IntN(12) {
	case 0, 1, 2:
		at := c.earlier()
		c.agree(false, at, at)
	case 3:
		c.agree(false, c.now, c.now.Add(-hour*time.Duration(choose(c, 1, 36, 2000)))) // an old consent, told again
	case 4:
		c.agree(true, c.now, time.Time{})
	case 5:
		c.end(choose(c, "yes-acme", "yes-newsletteracme", "yes-globex"), c.random.IntN(2) == 0)
	case 6:
		c.optOut()
	case 7:
		c.undo()
	case 8, 9:
		c.release()
	case 10:
		c.purge()
	case 11:
		if c.deliver(); len(c.keys) < 3 {
			c.keys = append([]contact.Key{contact.Key(fmt.Sprint("key-", len(c.keys)))}, c.keys...)
		}
	}
	if c.random.IntN(2) == 0 {
		c.deliver()
	}
}

func (c *customs) check(in string, now time.Time) suppression.Verdict {
	policy := func(context.Context) (*retention.Policy, error) { return c.policy, nil }
	question := suppression.Question{Purpose: suppression.Marketing, Scope: scope.Scope(in), Basis: scope.Scope(in)}
	got, err := suppression.Checker{List: c.List, Records: c.Records, Policy: policy}.Check(c.t.Context(), [][]contact.Key{c.keys}, question, now)
	if err != nil {
		c.t.Fatal(err)
	}
	return got[0]
}

// judge holds a check in each scope against the oracle, now and about the end of
// the basis that the check names.
func (c *customs) judge() {
	for _, in := range []string{"acme", "acme/newsletter", "globex"} {
		v := c.check(in, c.now)
		if v.Send && !c.maySend(in, c.now, c.oslo) || !v.Send && c.mustSend(in, c.now, c.oslo) {
			c.t.Errorf("%s in %s: %+v; said %+v", c.now, in, v, c.oracle)
		}
		if v.Send && len(c.noes) > 0 {
			c.sends++
		}
		if !v.Send || v.BasisUntil == "" {
			continue
		}
		last, err := time.ParseInLocation(time.DateOnly, v.BasisUntil, c.oslo)
		if err != nil {
			c.t.Fatal(err)
		}
		after := time.Date(last.Year(), last.Month(), last.Day()+1, 0, 0, 0, 0, c.oslo)
		if c.check(in, after).Send || !c.check(in, after.Add(-1)).Send {
			c.t.Errorf("%s in %s: %+v does not end with the day", c.now, in, v)
		}
	}
}

func TestEveryYesRestsOnALiveBasis(t *testing.T) {
	rounds, steps, sends := 200, 40, 0
	if engine.Slow {
		rounds = 4
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			c := newCustoms(t, seed)
			for range steps {
				c.pass()
				c.step()
				c.judge()
			}
			sends += c.sends
		})
	}
	if sends < rounds {
		t.Errorf("%d yeses after a no: this shows too little", sends)
	}
}
