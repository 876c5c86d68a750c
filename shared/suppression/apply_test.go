package suppression_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/scope"
	"stille/shared/suppression"
)

var later = friday.AddDate(0, 1, 0)

func suppress(r suppression.Reason, at time.Time, source suppression.Source) suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: at, Source: source}
}

func release(r suppression.Reason, at time.Time) suppression.Change {
	return suppression.Change{Action: suppression.Release, Scope: "acme", Reason: r, At: at, Source: suppression.SourceTool}
}

func undo(at time.Time) suppression.Change {
	return suppression.Change{Action: suppression.Undo, Scope: "acme", Reason: suppression.Unsubscribed, At: at, Source: suppression.SourceLink}
}

func TestApply(t *testing.T) {
	const (
		link = suppression.SourceLink
		tool = suppression.SourceTool
	)
	for _, test := range []struct {
		name    string
		changes []suppression.Change
		effects []suppression.Effect
		send    bool
	}{
		{"an opt-out suppresses", []suppression.Change{suppress(suppression.Unsubscribed, monday, link)}, []suppression.Effect{suppression.Added}, false},
		{"the same again changes nothing", []suppression.Change{suppress(suppression.Stop, monday, tool), suppress(suppression.Stop, monday, tool)}, []suppression.Effect{suppression.Added, suppression.NoEffect}, false},
		{"an older opt-out makes the silence older", []suppression.Change{suppress(suppression.Stop, tuesday, tool), suppress(suppression.Stop, monday, tool)}, []suppression.Effect{suppression.Added, suppression.Renewed}, false},
		{"a click repeated within the hour changes nothing", []suppression.Change{suppress(suppression.Stop, monday, link), suppress(suppression.Stop, monday.Add(time.Hour), link)}, []suppression.Effect{suppression.Added, suppression.NoEffect}, false},
		{"another source within the hour is recorded", []suppression.Change{suppress(suppression.Stop, monday, link), suppress(suppression.Stop, monday.Add(time.Second), tool)}, []suppression.Effect{suppression.Added, suppression.Renewed}, false},
		{"a newer release lifts", []suppression.Change{suppress(suppression.Stop, monday, tool), release(suppression.Stop, tuesday)}, []suppression.Effect{suppression.Added, suppression.Lifted}, true},
		{"a release in the same instant does not", []suppression.Change{suppress(suppression.Stop, monday, tool), release(suppression.Stop, monday)}, []suppression.Effect{suppression.Added, suppression.OlderThanMark}, false},
		{"an older release does not", []suppression.Change{suppress(suppression.Stop, tuesday, tool), release(suppression.Stop, monday)}, []suppression.Effect{suppression.Added, suppression.OlderThanMark}, false},
		{"a late opt-out older than the release is only noted", []suppression.Change{release(suppression.Stop, tuesday), suppress(suppression.Stop, monday, tool)}, []suppression.Effect{suppression.NotedOnly, suppression.NotedOnly}, true},
		{"a late opt-out in the instant of the release suppresses", []suppression.Change{release(suppression.Stop, tuesday), suppress(suppression.Stop, tuesday, tool)}, []suppression.Effect{suppression.NotedOnly, suppression.Added}, false},
		{"a new opt-out after a release suppresses again", []suppression.Change{suppress(suppression.Stop, monday, tool), release(suppression.Stop, tuesday), suppress(suppression.Stop, friday, tool)}, []suppression.Effect{suppression.Added, suppression.Lifted, suppression.Added}, false},
		{"lifting one reason leaves the other", []suppression.Change{suppress(suppression.HardBounce, monday, tool), suppress(suppression.Unsubscribed, monday, tool), release(suppression.Unsubscribed, tuesday)}, []suppression.Effect{suppression.Added, suppression.Added, suppression.Lifted}, false},
		{"an undo within a day lifts what a link did", []suppression.Change{suppress(suppression.Unsubscribed, monday, link), undo(tuesday)}, []suppression.Effect{suppression.Added, suppression.Lifted}, true},
		{"an undo a second later than a day does not", []suppression.Change{suppress(suppression.Unsubscribed, monday, link), undo(tuesday.Add(time.Second))}, []suppression.Effect{suppression.Added, suppression.NotUndoable}, false},
		{"a new click does not make an old opt-out undoable", []suppression.Change{suppress(suppression.Unsubscribed, monday, link), suppress(suppression.Unsubscribed, friday, link), undo(friday.Add(time.Minute))}, []suppression.Effect{suppression.Added, suppression.Renewed, suppression.NotUndoable}, false},
		{"an undo does not lift what a tool did", []suppression.Change{suppress(suppression.Unsubscribed, monday, tool), undo(monday.Add(time.Hour))}, []suppression.Effect{suppression.Added, suppression.NotUndoable}, false},
		{"a click on top of a tool's opt-out does not make it undoable", []suppression.Change{suppress(suppression.Unsubscribed, monday, tool), suppress(suppression.Unsubscribed, tuesday, link), undo(tuesday.Add(time.Hour))}, []suppression.Effect{suppression.Added, suppression.Renewed, suppression.NotUndoable}, false},
		{"an undo of nothing is only noted", []suppression.Change{undo(monday)}, []suppression.Effect{suppression.NotedOnly}, true},
		{"an undo lifts a click that arrives later", []suppression.Change{undo(tuesday), suppress(suppression.Unsubscribed, monday, link)}, []suppression.Effect{suppression.NotedOnly, suppression.NotedOnly}, true},
		{"an undo lifts nothing that a tool tells later", []suppression.Change{suppress(suppression.Unsubscribed, tuesday, link), undo(tuesday.Add(time.Hour)), suppress(suppression.Unsubscribed, monday, tool)}, []suppression.Effect{suppression.Added, suppression.Lifted, suppression.Added}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var item suppression.Item
			var effects []suppression.Effect
			for _, c := range test.changes {
				outcome, err := suppression.Apply(item, c, "id", later)
				if err != nil {
					t.Fatal(err)
				}
				item = outcome.Item
				effects = append(effects, outcome.Effect)
			}
			if diff := cmp.Diff(test.effects, effects); diff != "" {
				t.Errorf("effects (-want +got):\n%s", diff)
			}
			if got := suppression.Decide(item, suppression.Marketing, "acme"); got.Send != test.send {
				t.Errorf("send = %v, want %v", got.Send, test.send)
			}
		})
	}
}

func TestRepetitionsAreCountedUntilTheNextEntry(t *testing.T) {
	var item suppression.Item
	for n, want := range []int64{0, 1, 2, 0} {
		c := suppress(suppression.Stop, monday.Add(time.Duration(n)*time.Minute), suppression.SourceTool)
		if n == 3 {
			c.Source = suppression.SourceOperator
		}
		outcome, err := suppression.Apply(item, c, fmt.Sprint(n), later)
		if item = outcome.Item; err != nil || item.Touched != want {
			t.Errorf("change %d: touched %d times, want %d, error %v", n, item.Touched, want, err)
		}
	}
}

func TestSilenceIsFoundByItsLink(t *testing.T) {
	var item suppression.Item
	for id, c := range []suppression.Change{
		{Action: suppression.Suppress, Scope: "globex", Reason: suppression.Unsubscribed, At: monday, Source: suppression.Through("acme")},
		{Action: suppression.Suppress, Scope: "tine", Reason: suppression.Unsubscribed, At: monday, Source: suppression.Through("globex")},
		{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Unsubscribed, At: monday, Source: suppression.SourceLink},
	} {
		outcome, err := suppression.Apply(item, c, fmt.Sprint(id), later)
		if item = outcome.Item; err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]scope.Scope{"globex"}, item.StoppedThrough("acme")); diff != "" {
		t.Errorf("stopped through the link of acme (-want +got):\n%s", diff)
	}
}

func TestAChangeThatIsWrongIsRefused(t *testing.T) {
	for name, c := range map[string]suppression.Change{
		"unknown reason":   suppress("no-such-reason", monday, suppression.SourceTool),
		"in the future":    suppress(suppression.Stop, later.Add(time.Nanosecond), suppression.SourceTool),
		"before 1970":      suppress(suppression.Stop, time.Time{}, suppression.SourceTool),
		"without scope":    {Action: suppression.Suppress, Reason: suppression.Stop, At: monday},
		"unknown action":   {Action: "forget", Scope: "acme", Reason: suppression.Stop, At: monday},
		"without anything": {},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := suppression.Apply(suppression.Item{}, c, "id", later); !errors.Is(err, suppression.ErrChange) {
				t.Errorf("error %v, want ErrChange", err)
			}
		})
	}
}

// anyChange draws events from few instants, so that ties are common. Clicks lie
// further apart than a repetition may.
func anyChange(t *rapid.T) suppression.Change {
	c := suppression.Change{
		Action: rapid.SampledFrom([]suppression.Action{suppression.Suppress, suppression.Release}).Draw(t, "action"),
		Scope:  rapid.SampledFrom([]scope.Scope{"acme", "acme/newsletter", "globex", "*"}).Draw(t, "scope"),
		Reason: rapid.SampledFrom([]suppression.Reason{suppression.Unsubscribed, suppression.Stop, suppression.HardBounce}).Draw(t, "reason"),
		At:     monday.Add(time.Duration(2*rapid.IntRange(0, 2).Draw(t, "hour")) * time.Hour),
		Source: rapid.SampledFrom([]suppression.Source{suppression.SourceLink, suppression.SourceTool}).Draw(t, "source"),
	}
	if c.Source == suppression.SourceTool {
		c.At = c.At.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "minute")) * time.Minute)
	}
	return c
}

func applyAll(t *rapid.T, changes []suppression.Change) (suppression.Item, []ledger.Entry) {
	item := suppression.Item{Key: contact.Key("key"), Channel: contact.Email}
	var entries []ledger.Entry
	for i, c := range changes {
		outcome, err := suppression.Apply(item, c, fmt.Sprint(i), later)
		if err != nil {
			t.Fatal(err)
		}
		if outcome.Entry != nil {
			entries = append(entries, *outcome.Entry)
		}
		item = outcome.Item
	}
	return item, entries
}

func TestTheOrderOfArrivalDecidesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(anyChange), 0, 12).Draw(t, "changes")
		first, _ := applyAll(t, changes)
		second, _ := applyAll(t, rapid.Permutation(changes).Draw(t, "shuffled"))
		for _, in := range []scope.Scope{"", "acme", "acme/newsletter", "globex", "*"} {
			for _, purpose := range []suppression.Purpose{suppression.Marketing, suppression.Transactional} {
				a, b := suppression.Decide(first, purpose, in), suppression.Decide(second, purpose, in)
				if a.Send != b.Send {
					t.Fatalf("%s in %q: send %v in one order, %v in another", purpose, in, a.Send, b.Send)
				}
			}
		}
	})
}

// TestOnlyANewerReleaseEndsTheSilence holds Apply against the rule in its
// plainest form: a reason stands unless its newest release is newer than its
// newest opt-out.
func TestOnlyANewerReleaseEndsTheSilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(anyChange), 0, 12).Draw(t, "changes")
		item, _ := applyAll(t, changes)
		silent := false
		for _, s := range []scope.Scope{"acme", "*"} {
			for _, r := range []suppression.Reason{suppression.Unsubscribed, suppression.Stop, suppression.HardBounce} {
				var out, back time.Time
				for _, c := range changes {
					if c.Scope != s || c.Reason != r {
						continue
					}
					if c.Action == suppression.Suppress && c.At.After(out) {
						out = c.At
					}
					if c.Action == suppression.Release && c.At.After(back) {
						back = c.At
					}
				}
				silent = silent || !out.IsZero() && !back.After(out)
			}
		}
		if got := suppression.Decide(item, suppression.Marketing, "acme"); got.Send == silent {
			t.Fatalf("send = %v, though silence is %v", got.Send, silent)
		}
	})
}

func TestEveryChangeIsInTheChain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item, entries := applyAll(t, rapid.SliceOfN(rapid.Custom(anyChange), 0, 12).Draw(t, "changes"))
		if int(item.Version) != len(entries) {
			t.Fatalf("version %d after %d entries", item.Version, len(entries))
		}
		if err := ledger.Verify(entries, item.Head); err != nil {
			t.Fatal(err)
		}
	})
}

func TestForeseenItemIsTheAppliedOne(t *testing.T) {
	for name, c := range map[string]suppression.Change{
		"an opt-out of now beside a faster clock": suppress(suppression.Stop, later, suppression.SourceLink),
		"an older opt-out":                        suppress(suppression.Stop, tuesday, suppression.SourceLink),
		"a release":                               release(suppression.Stop, later),
	} {
		var item suppression.Item
		for id, before := range []suppression.Change{suppress(suppression.Stop, monday, suppression.SourceTool), release(suppression.Stop, later.Add(time.Second))} {
			outcome, err := suppression.Apply(item, before, fmt.Sprint(id), before.At)
			if err != nil {
				t.Fatal(err)
			}
			item = outcome.Item
		}
		foreseen, err := suppression.Foresee(item, c, later)
		outcome, applyErr := suppression.Apply(item, c, "last", later)
		if err != nil || applyErr != nil {
			t.Fatal(err, applyErr)
		}
		if diff := cmp.Diff(outcome.Item.Marks, foreseen.Marks); diff != "" {
			t.Errorf("%s (-applied +foreseen):\n%s", name, diff)
		}
	}
	if _, err := suppression.Foresee(suppression.Item{}, suppression.Change{}, later); !errors.Is(err, suppression.ErrChange) {
		t.Errorf("of no change: error %v, want ErrChange", err)
	}
}
