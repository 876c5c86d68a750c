package suppression_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

// anyWord draws an opt-out or an undo. The hours lie further apart than a
// repetition may; an arrival in another order is a late message or a slow clock.
func anyWord(t *rapid.T) suppression.Change {
	c := undo(monday.Add(time.Duration(2*rapid.IntRange(0, 30).Draw(t, "hour")) * time.Hour))
	sources := []suppression.Source{
		"undo", "undo", "undo through", suppression.SourceLink, suppression.SourceLink, suppression.SourceOneClick,
		suppression.Through("globex"), suppression.Through("globex"), suppression.Through("initech"),
		"tool:crm", "import:old", suppression.SourceSMS,
	}
	switch source := rapid.SampledFrom(sources).Draw(t, "source"); source {
	case "undo":
	case "undo through":
		c.Source = suppression.Through("globex")
	default:
		c.Action, c.Source = suppression.Suppress, source
	}
	return c
}

func anyWords(t *rapid.T, label string) []suppression.Change {
	return rapid.SliceOfN(rapid.Custom(anyWord), 0, 9).Draw(t, label)
}

// stands is what the order of arrival must not change.
type stands struct {
	Silent      bool
	First, Last time.Time
	Source      suppression.Source
	Undoable    bool // by an undo an hour after the newest event
}

func standingOf(t *rapid.T, item suppression.Item) stands {
	m := item.Marks["acme"][suppression.Unsubscribed]
	if !m.Active() {
		return stands{Last: m.Last}
	}
	outcome, err := suppression.Apply(item, undo(m.Last.Add(time.Hour)), "undo", later)
	if err != nil {
		t.Fatal(err)
	}
	return stands{true, m.First, m.Last, m.Source, outcome.Effect == suppression.Lifted}
}

func fromLink(s suppression.Source) bool { return s.FromLink() }

// plainly is the rule in its plainest form: every word in the order in which it
// was said, as a person would tell it.
func plainly(words []suppression.Change) stands {
	words = slices.Clone(words)
	slices.SortStableFunc(words, func(a, b suppression.Change) int {
		if by := a.At.Compare(b.At); by != 0 || a.Action == b.Action {
			return by
		}
		if a.Action == suppression.Undo {
			return -1
		}
		return 1
	})
	var s stands
	told, others := false, false // through a source that is no link, or not the link of globex
	globex := suppression.Through("globex")
	for _, w := range words {
		switch {
		case w.Action == suppression.Undo:
			if s.Silent && !told && w.At.Sub(s.First) <= 24*time.Hour && (w.Source != globex || !others) {
				s = stands{Last: s.Last}
			}
			continue
		case !s.Silent:
			s.Silent, s.First, told, others = true, w.At, false, false
		}
		told, others = told || !fromLink(w.Source), others || w.Source != globex
		s.Last = w.At
	}
	s.Undoable = s.Silent && !told && s.Last.Add(time.Hour).Sub(s.First) <= 24*time.Hour
	return s
}

func TestAnyOrderOfWordsLeavesOneSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := anyWords(t, "words")
		one, _ := applyAll(t, words)
		other, _ := applyAll(t, rapid.Permutation(words).Draw(t, "shuffled"))
		got := standingOf(t, one)
		if diff := cmp.Diff(got, standingOf(t, other)); diff != "" && !sameInstantSources(words) {
			t.Fatalf("(-one order +another):\n%s", diff)
		}
		if diff := cmp.Diff(plainly(words), got, cmpopts.IgnoreFields(stands{}, "Source")); diff != "" {
			t.Fatalf("(-as told plainly +applied):\n%s", diff)
		}
		if got.Silent && fromLink(got.Source) == toldIn(words, got) {
			t.Fatalf("source %s of words %v", got.Source, words)
		}
	})
}

// toldIn tells whether another source than a link said something in the silence.
func toldIn(words []suppression.Change, s stands) bool {
	return slices.ContainsFunc(words, func(w suppression.Change) bool {
		return w.Action == suppression.Suppress && !fromLink(w.Source) && !w.At.Before(s.First)
	})
}

// sameInstantSources tells whether two clicks, which are one word, lie in the same
// instant.
func sameInstantSources(words []suppression.Change) bool {
	for i, a := range words {
		for _, b := range words[:i] {
			if a.At.Equal(b.At) && a.Source != b.Source && fromLink(a.Source) && fromLink(b.Source) && a.Action == b.Action {
				return true
			}
		}
	}
	return false
}

// A release lifts what stands when it comes, and what is older.
func TestAReleaseCountsAgainstOlderWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, since := anyWords(t, "before"), anyWords(t, "since")
		consent := release(suppression.Unsubscribed, monday.Add(time.Duration(rapid.IntRange(0, 62).Draw(t, "consent"))*time.Hour))
		all := func(before, since []suppression.Change) []suppression.Change {
			return slices.Concat(before, []suppression.Change{consent}, since)
		}
		one, _ := applyAll(t, all(before, since))
		other, _ := applyAll(t, all(rapid.Permutation(before).Draw(t, "before, shuffled"), rapid.Permutation(since).Draw(t, "since, shuffled")))
		a, b := standingOf(t, one), standingOf(t, other)
		if diff := cmp.Diff(a, b, cmpopts.IgnoreFields(stands{}, "Source")); diff != "" || fromLink(a.Source) != fromLink(b.Source) {
			t.Fatalf("(-one order +another):\n%s", diff)
		}
		if held, _ := applyAll(t, before); !standingOf(t, held).Silent || !consent.At.After(standingOf(t, held).Last) {
			return
		}
		newer := slices.DeleteFunc(slices.Clone(since), func(c suppression.Change) bool { return c.At.Before(consent.At) })
		if want := plainly(newer); want.Silent != a.Silent || want.First != a.First || want.Undoable != a.Undoable {
			t.Fatalf("%+v, want %+v", a, want)
		}
	})
}

// STOP and START within minutes, in any order of arrival: the newest counts.
func TestTheNewestOfQuickRepliesCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var newest [2]time.Time // of STOP and START
		changes := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) suppression.Change {
			c := suppress(suppression.Stop, monday.Add(time.Duration(10*rapid.IntRange(0, 30).Draw(t, "minute"))*time.Minute), suppression.SourceSMS)
			if rapid.Bool().Draw(t, "start") {
				c.Action = suppression.Release
			}
			return c
		}), 1, 9).Draw(t, "changes")
		for _, c := range changes {
			n := 0
			if c.Action == suppression.Release {
				n = 1
			}
			if c.At.After(newest[n]) {
				newest[n] = c.At
			}
		}
		item, _ := applyAll(t, changes)
		m := item.Marks["acme"][suppression.Stop]
		if want := !newest[0].IsZero() && !newest[1].After(newest[0]); m.Active() != want {
			t.Fatalf("silent is not %v: %+v", want, m)
		}
	})
}

func TestEveryWordIsInTheLedger(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := anyWords(t, "words")
		item, entries := applyAll(t, words)
		for _, w := range words {
			if !slices.ContainsFunc(entries, func(e ledger.Entry) bool {
				same := e.Source == string(w.Source) || fromLink(suppression.Source(e.Source)) && fromLink(w.Source)
				return same && e.At.Equal(w.At) && (e.Asked == string(suppression.Undo)) == (w.Action == suppression.Undo)
			}) {
				t.Fatalf("no entry tells of %+v", w)
			}
		}
		replayed, err := suppression.Replay(entries, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(item.Marks, replayed.Marks, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("marks (-applied +replayed):\n%s", diff)
		}
		if err := ledger.Verify(entries, item.Head); err != nil {
			t.Fatal(err)
		}
	})
}

// Two keys of one contact hear different words.
func TestMergedMarksHearEveryWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := anyWords(t, "words")
		here := rapid.IntRange(0, len(words)).Draw(t, "here")
		a, _ := applyAll(t, words[:here])
		b, _ := applyAll(t, words[here:])
		want := plainly(words)
		for _, merged := range []suppression.Item{suppression.Merge(a, b), suppression.Merge(b, a), suppression.Merge(a, b, a)} {
			if diff := cmp.Diff(want, standingOf(t, merged), cmpopts.IgnoreFields(stands{}, "Source")); diff != "" {
				t.Fatalf("(-one item +merged):\n%s", diff)
			}
		}
	})
}

// The storm of one link: a repetition moves nothing by more than an hour.
func TestRepeatedOptOutsStayWithinTheHour(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.SliceOfN(rapid.IntRange(0, 300), 1, 40).Draw(t, "minutes")
		var item suppression.Item
		writes := 0
		for _, n := range minutes {
			outcome, err := suppression.Apply(item, suppress(suppression.Unsubscribed, monday.Add(time.Duration(n)*time.Minute), suppression.SourceLink), "id", later)
			if err != nil {
				t.Fatal(err)
			}
			if item = outcome.Item; outcome.Entry != nil {
				writes++
			}
		}
		m := item.Marks["acme"][suppression.Unsubscribed]
		first, last := monday.Add(time.Duration(slices.Min(minutes))*time.Minute), monday.Add(time.Duration(slices.Max(minutes))*time.Minute)
		if m.First.Sub(first) > time.Hour || last.Sub(m.Last) > time.Hour || !m.Active() {
			t.Fatalf("the mark is %+v, want %v to %v", m, first, last)
		}
		if writes > 12 {
			t.Fatalf("%d writes", writes)
		}
	})
}

func TestAMarkNeverOutgrowsItsItem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item := suppression.Item{Key: contact.Key("key"), Channel: contact.Email}
		told := rapid.Bool().Draw(t, "told")
		for n := range 400 {
			at := monday.Add(time.Duration(n) * 2 * time.Hour)
			c := suppress(suppression.Unsubscribed, at, suppression.SourceLink)
			if n%2 == 1 {
				c = undo(at)
			}
			if told && n == 0 {
				c.Source = "tool:crm"
			}
			outcome, err := suppression.Apply(item, c, fmt.Sprint(n), at)
			if err != nil {
				t.Fatal(err)
			}
			item = outcome.Item
		}
		m := item.Marks["acme"][suppression.Unsubscribed]
		if len(m.Words) > 24 || m.Active() != told {
			t.Fatalf("%d words, active %v", len(m.Words), m.Active())
		}
		if told && (!m.First.Equal(monday) || m.Source != "tool:crm") {
			t.Fatalf("the silence of %v is from %s", m.First, m.Source)
		}
	})
}

// An opt-out older than a consent that lifted something changes nothing; a newer
// opt-out starts another silence.
func TestAToolTellsBeforeAndAfterAConsent(t *testing.T) {
	day := func(n int) time.Time { return later.AddDate(0, 0, -n) }
	var list suppressiontest.List
	tell := func(at time.Time) suppression.Outcome {
		t.Helper()
		outcome, err := list.Apply(t.Context(), somebody, suppress(suppression.Unsubscribed, at, "tool:crm"), later)
		if err != nil {
			t.Fatal(err)
		}
		return outcome
	}
	tell(day(10))
	refusal, _, err := suppression.Lift(t.Context(), &list, somebody, suppression.Consent{Scope: "acme", At: day(5)}, later)
	if refusal != "" || err != nil {
		t.Fatalf("refusal %q, error %v", refusal, err)
	}
	if got := tell(day(7)); got.Effect == suppression.Added || got.Item.Suppresses("acme") {
		t.Errorf("older than the consent: effect %q", got.Effect)
	}
	got := tell(day(3))
	if since := suppression.Decide(got.Item, suppression.Marketing, "acme").Since; got.Effect != suppression.Added || !since.Equal(day(3)) {
		t.Errorf("newer than the consent: effect %q, since %v", got.Effect, since)
	}
}

// Twenty minutes decide whether the undo was in time.
func TestAnEarlierClickBeatsAnUndo(t *testing.T) {
	at := func(d time.Duration) time.Time { return monday.Add(d) }
	link := func(d time.Duration) suppression.Change {
		return suppress(suppression.Unsubscribed, at(d), suppression.SourceLink)
	}
	var item suppression.Item
	for _, c := range []suppression.Change{link(30 * time.Minute), undo(at(24*time.Hour + 20*time.Minute)), link(40 * time.Hour), link(10 * time.Minute)} {
		outcome, err := suppression.Apply(item, c, "id", later)
		if err != nil {
			t.Fatal(err)
		}
		item = outcome.Item
	}
	if m := item.Marks["acme"][suppression.Unsubscribed]; !m.Active() || !m.First.Equal(at(10*time.Minute)) {
		t.Errorf("the mark is %+v", m)
	}
}

// A store refuses a mark without a time.
func TestAnUndoOfNothingLeavesItsTime(t *testing.T) {
	outcome, err := suppression.Apply(suppression.Item{}, undo(monday), "id", later)
	if m := outcome.Item.Marks["acme"][suppression.Unsubscribed]; err != nil || !m.ReleasedAt.Equal(monday) || m.Active() {
		t.Errorf("error %v, mark %+v", err, m)
	}
}
