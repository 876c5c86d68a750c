package suppressiontest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

// Store is a suppression list with its ledger.
type Store interface {
	Apply(ctx context.Context, who contact.Known, c suppression.Change, now time.Time) (suppression.Outcome, error)
	ApplyAll(ctx context.Context, requests []suppression.Request, now time.Time) ([]suppression.Result, error)
	Get(ctx context.Context, keys []contact.Key) (suppression.Item, error)
	Lookup(ctx context.Context, contacts [][]contact.Key) ([]suppression.Found, error)
	Under(ctx context.Context, key contact.Key) (suppression.Item, error)
	History(ctx context.Context, key contact.Key) ([]ledger.Entry, error)
}

// Opened is an empty store, and a function that makes the item under a key
// unreadable.
type Opened struct {
	Store
	Spoil func(contact.Key)
}

// Suite runs the tests that every store must pass. open returns an empty store.
func Suite(t *testing.T, open func(*testing.T) Opened) {
	for _, test := range []struct {
		name string
		run  func(list)
	}{
		{"an opt-out is stored with its entry", list.storesItemAndEntry},
		{"a repetition writes nothing", list.ignoresRepetition},
		{"a repetition is kept without an entry", list.keepsRepetition},
		{"simultaneous repetitions are kept", list.keepsRepetitionsAtOnce},
		{"a wrong change writes nothing", list.refusesWrongChange},
		{"simultaneous changes keep the chain", list.keepsChain},
		{"a lookup answers in order", list.answersInOrder},
		{"many changes are made in order", list.changesMany},
		{"many changes take over older keys", list.takesOverMany},
		{"an unreadable item stops no other change", list.changesOthers},
		{"a wrong change among many is an error", list.refusesWrongAmongMany},
		{"the newest key takes over older keys", list.takesOver},
		{"a known change still takes over", list.takesOverWithoutEffect},
		{"an item names the other live keys", list.namesLiveKeys},
		{"a release lifts an older key's opt-out", list.liftsUnderOlderKey},
		{"an older key reaches the newest item", list.reachesNewestItem},
		{"a merged item stays merged", list.staysMerged},
		{"an unreadable older item refuses no opt-out", list.passesUnreadable},
		{"an unreadable item is an error", list.reportsUnreadable},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(list{open(t), t}) })
	}
}

// now is the time of the suite's calls.
var now = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// The keys of one contact, the newest last.
const (
	k1 contact.Key = "000000000000000000000000000000000000000000000001"
	k2 contact.Key = "000000000000000000000000000000000000000000000002"
	k3 contact.Key = "000000000000000000000000000000000000000000000003"
)

// The keys that containers with different key sets know of the contact.
func onlyOldest() []contact.Key { return []contact.Key{k1} }
func before() []contact.Key     { return []contact.Key{k1, k2} } // the newer key is live, and not the newest yet
func after() []contact.Key      { return []contact.Key{k2, k1} }
func allThree() []contact.Key   { return []contact.Key{k3, k2, k1} }

// Key returns the n-th of many keys.
func Key(n int) contact.Key { return contact.Key(fmt.Sprintf("%048d", n)) }

// list is a store, and what the suite asks of it.
type list struct {
	Opened
	t *testing.T
}

func (l list) apply(keys []contact.Key, r suppression.Reason, at time.Time) suppression.Outcome {
	l.t.Helper()
	return l.change(keys, suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: at, Source: suppression.SourceTool})
}

func (l list) release(keys []contact.Key, r suppression.Reason, at time.Time) suppression.Outcome {
	l.t.Helper()
	return l.change(keys, suppression.Change{Action: suppression.Release, Scope: "acme", Reason: r, At: at, Source: suppression.SourceTool})
}

func (l list) change(keys []contact.Key, c suppression.Change) suppression.Outcome {
	l.t.Helper()
	outcome, err := l.Apply(l.t.Context(), contact.Known{Channel: contact.Email, Keys: keys}, c, now)
	if err != nil {
		l.t.Fatal(err)
	}
	return outcome
}

func (l list) under(key contact.Key) suppression.Item {
	l.t.Helper()
	item, err := l.Under(l.t.Context(), key)
	if err != nil {
		l.t.Fatal(err)
	}
	return item
}

// sends tells whether marketing may go to the contact, by Get and by Lookup.
func (l list) sends(keys ...contact.Key) bool {
	l.t.Helper()
	item, err := l.Get(l.t.Context(), keys)
	if err != nil {
		l.t.Fatal(err)
	}
	found, err := l.Lookup(l.t.Context(), [][]contact.Key{keys, {Key(99)}})
	if err != nil || found[0].Err != nil {
		l.t.Fatal(err, found[0].Err)
	}
	one, other := suppression.Decide(item, suppression.Marketing, "acme"), suppression.Decide(found[0].Item, suppression.Marketing, "acme")
	if diff := cmp.Diff(one, other); diff != "" {
		l.t.Errorf("asked alone and among others (-alone +others):\n%s", diff)
	}
	return one.Send
}

// verify checks the chain under every key and the tie of every taking-over, and
// returns the actions under each key.
func (l list) verify() map[contact.Key][]ledger.Action {
	l.t.Helper()
	chains, told := map[contact.Key][]ledger.Entry{}, map[contact.Key][]ledger.Action{}
	for _, key := range allThree() {
		entries, err := l.History(l.t.Context(), key)
		if err != nil {
			l.t.Fatal(err)
		}
		if err := ledger.Verify(entries, l.under(key).Head); err != nil {
			l.t.Errorf("key %s: %v", key, err)
		}
		for _, e := range entries {
			told[key] = append(told[key], e.Action)
		}
		chains[key] = entries
	}
	for key, entries := range chains {
		for _, e := range entries {
			if e.Action != ledger.Rekeyed {
				continue
			}
			if err := e.VerifyTie(chains[e.Former]); err != nil || l.under(e.Former).MergedInto != key {
				l.t.Errorf("key %s took over %s, which went to %s: %v", key, e.Former, l.under(e.Former).MergedInto, err)
			}
		}
	}
	return told
}

func (l list) storesItemAndEntry() {
	outcome := l.change(onlyOldest(), suppression.Change{
		Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed,
		At: now.Add(-time.Hour + 123456789), Source: suppression.SourceOneClick, Note: "ticket-1",
	})
	if outcome.Effect != suppression.Added || outcome.Entry == nil {
		l.t.Fatalf("effect %q, entry %v", outcome.Effect, outcome.Entry)
	}
	got, err := l.Get(l.t.Context(), onlyOldest())
	if diff := cmp.Diff(outcome.Item, got); diff != "" || err != nil {
		l.t.Errorf("error %v; item (-written +read):\n%s", err, diff)
	}
	history, err := l.History(l.t.Context(), k1)
	if diff := cmp.Diff([]ledger.Entry{*outcome.Entry}, history); diff != "" || err != nil {
		l.t.Errorf("error %v; history (-written +read):\n%s", err, diff)
	}
	if err := ledger.Verify(history, got.Head); err != nil {
		l.t.Error(err)
	}
}

func (l list) ignoresRepetition() {
	for n, want := range []suppression.Effect{suppression.Added, suppression.NoEffect, suppression.NoEffect} {
		if got := l.apply(onlyOldest(), suppression.Stop, now); got.Effect != want || got.Item.Version != 1 {
			l.t.Errorf("time %d: effect %q, version %d", n, got.Effect, got.Item.Version)
		}
	}
	l.verify()
}

// A consent from between two opt-outs finds the newer, under every key.
func (l list) keepsRepetition() {
	for n, minutes := range []int{60, 20, 30} {
		if outcome := l.apply(onlyOldest(), suppression.Stop, now.Add(-time.Duration(minutes)*time.Minute)); (outcome.Entry != nil) != (n == 0) {
			l.t.Errorf("opt-out %d: entry %v", n, outcome.Entry)
		}
	}
	if outcome := l.release(after(), suppression.Stop, now.Add(-25*time.Minute)); outcome.Effect != suppression.OlderThanMark {
		l.t.Errorf("effect %q", outcome.Effect)
	}
	l.apply(after(), suppression.Stop, now.Add(-10*time.Minute))
	if outcome := l.release(allThree(), suppression.Stop, now.Add(-15*time.Minute)); outcome.Effect != suppression.OlderThanMark {
		l.t.Errorf("effect %q", outcome.Effect)
	}
	entries := 0
	for _, told := range l.verify() {
		entries += len(told)
	}
	if mark := l.under(k3).Marks["acme"][suppression.Stop]; entries != 3 || !mark.First.Equal(now.Add(-time.Hour)) || !mark.Last.Equal(now.Add(-10*time.Minute)) {
		l.t.Errorf("%d entries, want the first opt-out and two mergers; the mark is %+v", entries, mark)
	}
}

func (l list) keepsRepetitionsAtOnce() {
	l.apply(onlyOldest(), suppression.Stop, now.Add(-time.Hour))
	var all sync.WaitGroup
	for n := range 5 {
		all.Go(func() {
			c := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Stop, At: now.Add(-time.Duration(n) * time.Minute), Source: suppression.SourceTool}
			if n == 0 { // another change of the item
				c.Reason = suppression.Objection
			}
			if _, err := l.Apply(l.t.Context(), contact.Known{Channel: contact.Email, Keys: onlyOldest()}, c, now); err != nil {
				l.t.Error(err)
			}
		})
	}
	all.Wait()
	if marks := l.under(k1).Marks["acme"]; len(marks) != 2 || !marks[suppression.Stop].Last.Equal(now.Add(-time.Minute)) {
		l.t.Errorf("the marks are %+v", marks)
	}
	l.verify()
}

func (l list) refusesWrongChange() {
	c := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: "no-such-reason", At: now}
	if _, err := l.Apply(l.t.Context(), contact.Known{Channel: contact.Email, Keys: onlyOldest()}, c, now); !errors.Is(err, suppression.ErrChange) {
		l.t.Errorf("error %v, want ErrChange", err)
	}
	if got := l.under(k1); got.Version != 0 || got.Key != k1 {
		l.t.Errorf("stored %+v", got)
	}
	if entries, err := l.History(l.t.Context(), k1); len(entries) != 0 || err != nil {
		l.t.Errorf("%d entries, error %v", len(entries), err)
	}
}

func (l list) keepsChain() {
	reasons := []suppression.Reason{suppression.Unsubscribed, suppression.Stop, suppression.Complaint, suppression.Objection}
	var wg sync.WaitGroup
	for n, r := range reasons {
		wg.Go(func() {
			c := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: now.Add(-time.Duration(n) * time.Minute), Source: suppression.SourceTool}
			if _, err := l.Apply(l.t.Context(), contact.Known{Channel: contact.Email, Keys: onlyOldest()}, c, now); err != nil {
				l.t.Errorf("%s: %v", r, err)
			}
		})
	}
	wg.Wait()
	if got := l.under(k1); len(got.Marks["acme"]) != len(reasons) {
		l.t.Errorf("%d reasons are stored", len(got.Marks["acme"]))
	}
	if got := l.verify()[k1]; len(got) != len(reasons) {
		l.t.Errorf("entries: %v", got)
	}
}

func (l list) answersInOrder() {
	const suppressed = 150 // over one batch
	for n := range suppressed {
		l.apply([]contact.Key{Key(2 * n)}, suppression.Stop, now)
	}
	contacts := make([][]contact.Key, 0, 2*suppressed+2)
	for n := range 2 * suppressed {
		contacts = append(contacts, []contact.Key{Key(n)})
	}
	contacts = append(contacts, nil, []contact.Key{Key(100001), Key(0)}) // a contact without keys; a contact known under its older key
	found, err := l.Lookup(l.t.Context(), contacts)
	if err != nil || len(found) != len(contacts) {
		l.t.Fatalf("%d answers, error %v", len(found), err)
	}
	for n, f := range found {
		blocked := n < 2*suppressed && n%2 == 0 || n == 2*suppressed+1
		if d := suppression.Decide(f.Item, suppression.Marketing, "acme"); f.Err != nil || d.Send == blocked {
			l.t.Errorf("contact %d: send %v, error %v", n, d.Send, f.Err)
		}
	}
}
