package suppression_test

import (
	"testing"
	"time"

	"stille/shared/suppression"
)

func TestMarkKeepsTwentyFourWords(t *testing.T) {
	const kept = 24
	change := suppress(suppression.Unsubscribed, monday, suppression.SourceLink)
	now := monday.Add(1000 * time.Hour)
	var item suppression.Item
	for n := range kept + 1 {
		out, err := suppression.Apply(item, change, "id", now)
		if err != nil {
			t.Fatal(err)
		}
		item = out.Item
		words := len(item.Marks["acme"][suppression.Unsubscribed].Words)
		if want := min(n+1, kept); n > 0 && words != want {
			t.Errorf("after %d opt-outs the mark keeps %d words, want %d", n+1, words, want)
		}
		change = suppress(suppression.Unsubscribed, monday.Add(time.Duration(n+1)*2*time.Hour), suppression.SourceTool)
	}
}

func TestEntryTellsWhatUndosAndNotedEventsAsked(t *testing.T) {
	now := monday.Add(48 * time.Hour)
	var item suppression.Item
	for _, step := range []struct {
		name   string
		change suppression.Change
		asked  string
	}{
		{"an opt-out", suppress(suppression.Unsubscribed, monday, suppression.SourceLink), ""},
		{"its undo", undo(monday.Add(2 * time.Hour)), "undo"},
		{"an opt-out before the undo", suppress(suppression.Unsubscribed, monday.Add(-3*time.Hour), suppression.SourceLink), "suppress"},
		{"an opt-out by a tool", suppress(suppression.Unsubscribed, monday.Add(4*time.Hour), suppression.SourceTool), ""},
		{"a release", release(suppression.Unsubscribed, monday.Add(5*time.Hour)), ""},
	} {
		out, err := suppression.Apply(item, step.change, "id", now)
		if err != nil || out.Entry == nil {
			t.Fatalf("%s: %s, error %v", step.name, out.Effect, err)
		}
		if item = out.Item; out.Entry.Asked != step.asked {
			t.Errorf("%s, %s: the entry says %q, want %q", step.name, out.Effect, out.Entry.Asked, step.asked)
		}
	}
}

func TestPresentOptOutWinsOverAFasterClock(t *testing.T) {
	now := monday.Add(time.Hour)
	fast := now.Add(2 * time.Minute)
	var item suppression.Item
	for _, step := range []struct {
		change suppression.Change
		now    time.Time
	}{
		{suppress(suppression.Stop, monday, suppression.SourceTool), now},
		{release(suppression.Stop, fast), fast},
		{suppress(suppression.Stop, now, suppression.SourceTool), now},
	} {
		out, err := suppression.Apply(item, step.change, "id", step.now)
		if err != nil {
			t.Fatal(err)
		}
		item = out.Item
	}
	if !item.Marks["acme"][suppression.Stop].Active() {
		t.Error("a release by a faster clock outlives the opt-out of now")
	}
}
