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

func (l list) takesOver() {
	l.apply(onlyOldest(), suppression.Stop, now.Add(-time.Hour))
	l.apply([]contact.Key{k2}, suppression.Objection, now.Add(-time.Minute))
	marks := l.under(k1).Marks
	outcome := l.apply(allThree(), suppression.Unsubscribed, now)
	if outcome.Effect != suppression.Added || outcome.Item.Key != k3 {
		l.t.Errorf("effect %q on %s", outcome.Effect, outcome.Item.Key)
	}
	if diff := cmp.Diff(outcome.Item, l.under(k3)); diff != "" {
		l.t.Errorf("item (-returned +stored):\n%s", diff)
	}
	if got := l.under(k3); len(got.Marks["acme"]) != 3 || !slices.Equal(got.Former, []contact.Key{k2, k1}) {
		l.t.Errorf("%d marks, former keys %v", len(got.Marks["acme"]), got.Former)
	}
	if old := l.under(k1); old.MergedInto != k3 || old.Version != 1 || cmp.Diff(marks, old.Marks) != "" {
		l.t.Errorf("the older item is %+v", old)
	}
	want := map[contact.Key][]ledger.Action{
		k1: {ledger.Suppressed}, k2: {ledger.Suppressed}, k3: {ledger.Rekeyed, ledger.Rekeyed, ledger.Suppressed},
	}
	if diff := cmp.Diff(want, l.verify()); diff != "" {
		l.t.Errorf("histories (-want +got):\n%s", diff)
	}
}

func (l list) takesOverWithoutEffect() {
	l.apply(onlyOldest(), suppression.Stop, now)
	for range 2 {
		if outcome := l.apply(after(), suppression.Stop, now); outcome.Effect != suppression.NoEffect || outcome.Item.Version != 1 {
			l.t.Errorf("effect %q, version %d", outcome.Effect, outcome.Item.Version)
		}
	}
	if diff := cmp.Diff([]ledger.Action{ledger.Rekeyed}, l.verify()[k2]); diff != "" {
		l.t.Errorf("history (-want +got):\n%s", diff)
	}
}

func (l list) namesLiveKeys() {
	l.apply(allThree(), suppression.Stop, now)
	if got := l.under(k3).Former; !slices.Equal(got, []contact.Key{k2, k1}) {
		l.t.Errorf("former keys %v", got)
	}
	if diff := cmp.Diff([]ledger.Action{ledger.Suppressed}, l.verify()[k3]); diff != "" {
		l.t.Errorf("history (-want +got):\n%s", diff)
	}
}

func (l list) liftsUnderOlderKey() {
	l.apply(onlyOldest(), suppression.Stop, now.Add(-time.Hour))
	if outcome := l.release(after(), suppression.Stop, now); outcome.Effect != suppression.Lifted {
		l.t.Errorf("effect %q", outcome.Effect)
	}
	for _, keys := range [][]contact.Key{onlyOldest(), {k2}, before(), after(), allThree()} {
		if !l.sends(keys...) {
			l.t.Errorf("with keys %v the contact is still suppressed", keys)
		}
	}
}

func (l list) reachesNewestItem() {
	l.apply(onlyOldest(), suppression.Stop, now.Add(-time.Hour))
	l.release(after(), suppression.Stop, now.Add(-time.Minute))
	l.release(allThree(), suppression.Stop, now.Add(-time.Second)) // now the newest item is two steps away
	for n, keys := range [][]contact.Key{onlyOldest(), before(), after()} {
		outcome := l.apply(keys, suppression.Objection, now.Add(time.Duration(n-5)*time.Millisecond))
		if outcome.Item.Key != k3 {
			l.t.Errorf("with keys %v the change went to %s", keys, outcome.Item.Key)
		}
		if l.sends(keys...) {
			l.t.Errorf("with keys %v the opt-out is not found", keys)
		}
	}
	if outcome := l.release(onlyOldest(), suppression.Objection, now); outcome.Effect != suppression.Lifted || !l.sends(k3) {
		l.t.Errorf("a release through the oldest key: effect %q", outcome.Effect)
	}
	if outcome := l.release(onlyOldest(), suppression.Objection, now.Add(-time.Hour)); outcome.Effect != suppression.NoEffect || outcome.Item.Key != k3 {
		l.t.Errorf("a release without effect: %q on %s", outcome.Effect, outcome.Item.Key)
	}
	l.verify()
}

// While the newest key changes, containers disagree about which key is the
// newest.
func (l list) staysMerged() {
	l.apply(after(), suppression.Stop, now)
	if got := l.apply(before(), suppression.Objection, now).Item.Key; got != k1 {
		l.t.Fatalf("the change went to %s", got)
	}
	for _, step := range []struct {
		keys []contact.Key
		want contact.Key
	}{{after(), k1}, {allThree(), k3}, {after(), k3}, {before(), k3}} {
		if got := l.apply(step.keys, suppression.Objection, now).Item; got.Key != step.want || len(got.Marks["acme"]) != 2 {
			l.t.Errorf("with keys %v the change went to %s, with %d marks", step.keys, got.Key, len(got.Marks["acme"]))
		}
		if l.sends(step.keys...) {
			l.t.Errorf("with keys %v the contact is sent to", step.keys)
		}
	}
	l.verify()
}

func (l list) passesUnreadable() {
	l.apply(onlyOldest(), suppression.Stop, now)
	l.Spoil(k1)
	if outcome := l.apply(after(), suppression.Unsubscribed, now); outcome.Effect != suppression.Added {
		l.t.Errorf("effect %q", outcome.Effect)
	}
	if l.sends(k2) {
		l.t.Error("the opt-out was not stored")
	}
	l.release(after(), suppression.Unsubscribed, now)
	found, err := l.Lookup(l.t.Context(), [][]contact.Key{after(), {k3}})
	if err != nil || !errors.Is(found[0].Err, suppression.ErrUnreadable) || found[1].Err != nil {
		l.t.Errorf("error %v, found %v, want ErrUnreadable for the first only", err, found)
	}
}

func (l list) reportsUnreadable() {
	l.apply(onlyOldest(), suppression.Stop, now)
	l.Spoil(k1)
	if _, err := l.Get(l.t.Context(), onlyOldest()); !errors.Is(err, suppression.ErrUnreadable) {
		l.t.Errorf("Get: error %v, want ErrUnreadable", err)
	}
	if _, err := l.Under(l.t.Context(), k1); !errors.Is(err, suppression.ErrUnreadable) {
		l.t.Errorf("Under: error %v, want ErrUnreadable", err)
	}
	c := suppression.Change{Action: suppression.Release, Scope: "acme", Reason: suppression.Stop, At: now, Source: suppression.SourceTool}
	if _, err := l.Apply(l.t.Context(), contact.Known{Channel: contact.Email, Keys: onlyOldest()}, c, now); !errors.Is(err, suppression.ErrUnreadable) {
		l.t.Errorf("Apply: error %v, want ErrUnreadable", err)
	}
	for _, contacts := range [][][]contact.Key{{onlyOldest()}, {onlyOldest(), {k3}}} {
		found, err := l.Lookup(l.t.Context(), contacts)
		if err != nil || !errors.Is(found[0].Err, suppression.ErrUnreadable) {
			l.t.Errorf("Lookup of %d: error %v, found %v, want ErrUnreadable", len(contacts), err, found[0].Err)
		}
	}
}
