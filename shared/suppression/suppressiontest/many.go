package suppressiontest

import (
	"errors"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

// request asks for an opt-out at a time before now.
func request(r suppression.Reason, before time.Duration, keys ...contact.Key) suppression.Request {
	return suppression.Request{
		Who:    contact.Known{Channel: contact.Email, Keys: keys},
		Change: suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: now.Add(-before), Source: suppression.SourceImport},
	}
}

func (l list) applyAll(requests []suppression.Request) []suppression.Result {
	l.t.Helper()
	results, err := l.ApplyAll(l.t.Context(), requests, now)
	if err != nil || len(results) != len(requests) {
		l.t.Fatalf("%d results, error %v", len(results), err)
	}
	return results
}

func effects(results []suppression.Result) []suppression.Effect {
	var all []suppression.Effect
	for _, r := range results {
		all = append(all, r.Outcome.Effect)
	}
	return all
}

// Some contacts are known, some are named several times, and there are more than
// one transaction takes.
func (l list) changesMany() {
	const contacts = 130
	l.apply([]contact.Key{Key(3)}, suppression.Unsubscribed, now.Add(-48*time.Hour))
	l.apply([]contact.Key{Key(4)}, suppression.Imported, now)
	l.release([]contact.Key{Key(5)}, suppression.Imported, now)
	var requests []suppression.Request
	want := slices.Repeat([]suppression.Effect{suppression.Added}, contacts)
	for n := range contacts {
		requests = append(requests, request(suppression.Imported, 24*time.Hour, Key(n)))
	}
	requests[6].Change.Action = suppression.Release
	want[4], want[5], want[6] = suppression.Renewed, suppression.NotedOnly, suppression.NotedOnly
	requests = append(requests, request(suppression.Imported, 24*time.Hour, Key(0)), request(suppression.Stop, 24*time.Hour, Key(0)), request(suppression.Imported, time.Hour, Key(0)))
	want = append(want, suppression.NoEffect, suppression.Added, suppression.Renewed)
	results := l.applyAll(requests)
	if diff := cmp.Diff(want, effects(results)); diff != "" {
		l.t.Errorf("effects (-want +got):\n%s", diff)
	}
	again := slices.Repeat([]suppression.Effect{suppression.NoEffect}, len(requests))
	if diff := cmp.Diff(again, effects(l.applyAll(requests))); diff != "" {
		l.t.Errorf("again (-want +got):\n%s", diff)
	}
	for n := range contacts {
		item := l.under(Key(n))
		history, err := l.History(l.t.Context(), Key(n))
		if err != nil || len(history) == 0 || ledger.Verify(history, item.Head) != nil {
			l.t.Errorf("contact %d: %d entries, error %v, or a broken chain", n, len(history), err)
		}
		if n >= 7 && len(history) != 1 {
			l.t.Errorf("contact %d has %d entries", n, len(history))
		}
		if n >= 7 {
			if diff := cmp.Diff(results[n].Outcome.Item, item); diff != "" {
				l.t.Errorf("contact %d (-answered +stored):\n%s", n, diff)
			}
		}
	}
}

// The contacts have several keys, or are known by an older key alone.
func (l list) takesOverMany() {
	l.apply(onlyOldest(), suppression.Stop, now)
	l.apply(after(), suppression.Objection, now)
	results := l.applyAll([]suppression.Request{
		request(suppression.Imported, time.Hour, k1), request(suppression.Imported, 4*time.Hour, after()...),
		request(suppression.Imported, time.Hour, Key(10), Key(11)), request(suppression.Imported, 4*time.Hour, Key(11)),
	})
	for n, r := range results {
		if r.Err != nil || r.Outcome.Effect != suppression.Added && r.Outcome.Effect != suppression.Renewed {
			l.t.Errorf("request %d: %q, error %v", n, r.Outcome.Effect, r.Err)
		}
	}
	again := l.applyAll([]suppression.Request{request(suppression.Imported, time.Hour, k1)})
	if o := again[0].Outcome; o.Effect != suppression.NoEffect || o.Item.Key != k2 {
		l.t.Errorf("again: %q, on the item of %s", o.Effect, o.Item.Key)
	}
	if marks := l.under(k2).Marks["acme"]; len(marks) != 3 || !marks[suppression.Imported].First.Equal(now.Add(-4*time.Hour)) {
		l.t.Errorf("the marks are %+v", marks)
	}
	l.verify()
}

func (l list) changesOthers() {
	l.apply(onlyOldest(), suppression.Stop, now)
	l.Spoil(k1)
	results := l.applyAll([]suppression.Request{request(suppression.Imported, 0, k1), request(suppression.Imported, 0, k2)})
	if !errors.Is(results[0].Err, suppression.ErrUnreadable) || results[0].Outcome.Effect != suppression.NoEffect || results[1].Err != nil || l.sends(k2) {
		l.t.Errorf("the results are %+v", results)
	}
}

func (l list) refusesWrongAmongMany() {
	requests := []suppression.Request{request(suppression.Imported, 0, k1), request("no-such-reason", 0, k2)}
	if results, err := l.ApplyAll(l.t.Context(), requests, now); !errors.Is(err, suppression.ErrChange) || results != nil {
		l.t.Errorf("%d results, error %v", len(results), err)
	}
}
