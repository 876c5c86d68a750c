package suppression_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/suppression"
)

func (r *rows) replay(t *rapid.T, key contact.Key) suppression.Item {
	item, err := suppression.Replay(r.entries[key], func(former contact.Key) ([]ledger.Entry, error) { return r.entries[former], nil })
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func TestAReplayGivesTheStoredItem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := newRows()
		for _, c := range rapid.SliceOfN(rapid.Custom(anyChange), 0, 12).Draw(t, "changes") {
			rows.apply(t, anyKey(t), c)
			for range rapid.IntRange(0, 2).Draw(t, "merges") {
				rows.merge(anyKey(t), anyKey(t))
			}
		}
		for key, want := range rows.items {
			if want.Version == 0 {
				continue
			}
			want.MergedInto = "" // no separate entry tells of it
			if diff := cmp.Diff(want, rows.replay(t, key), cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s (-written +replayed):\n%s", key, diff)
			}
		}
	})
}

// TestAReplayKnowsWhatARestoreForgot restores the item to an older state while
// changes go on, as they do at once: the store lets each follow the newest
// entry of the ledger.
func TestAReplayKnowsWhatARestoreForgot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := rapid.SliceOfN(rapid.Custom(anyChange), 0, 6).Draw(t, "before the backup")
		lost := rapid.SliceOfN(rapid.Custom(anyChange), 1, 6).Draw(t, "after it")
		since := rapid.SliceOfN(rapid.Custom(anyChange), 0, 6).Draw(t, "since it was restored")

		backup, _ := applyAll(t, before)
		whole, entries := applyAll(t, append(before, lost...))
		restored := backup
		for _, c := range since {
			restored.Version, restored.Head = whole.Version, whole.Head
			outcome, err := suppression.Apply(restored, c, "since", later)
			if err != nil {
				t.Fatal(err)
			}
			if restored = outcome.Item; outcome.Entry != nil {
				entries = append(entries, *outcome.Entry)
				whole.Version, whole.Head = restored.Version, restored.Head
			}
		}
		if err := ledger.Verify(entries, whole.Head); err != nil {
			t.Fatal(err)
		}
		replayed, err := suppression.Replay(entries, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := applyAll(t, append(append(before, lost...), since...))
		if diff := cmp.Diff(sends(want), sends(replayed)); diff != "" {
			t.Fatalf("(-had nothing been lost +replayed):\n%s", diff)
		}
	})
}

func TestAReplayRefusesATieToNothing(t *testing.T) {
	older, _ := item(t, "older", suppress(suppression.Stop, monday, suppression.SourceTool))
	_, tie := suppression.TakeOver(suppression.Item{Key: "newest", Channel: contact.Email}, older, "tie", friday)
	_, err := suppression.Replay([]ledger.Entry{tie}, func(contact.Key) ([]ledger.Entry, error) { return nil, nil })
	if !errors.Is(err, ledger.ErrBroken) {
		t.Errorf("error %v, want a broken chain", err)
	}
	down := errors.New("the ledger cannot be read")
	if _, err := suppression.Replay([]ledger.Entry{tie}, func(contact.Key) ([]ledger.Entry, error) { return nil, down }); !errors.Is(err, down) {
		t.Errorf("error %v, want the ledger's", err)
	}
}

func TestAReplayTakesOverTheOlderItemThen(t *testing.T) {
	older, entries := item(t, "older", suppress(suppression.Stop, monday, suppression.SourceTool))
	_, tie := suppression.TakeOver(suppression.Item{Key: "newest", Channel: contact.Email}, older, "tie", friday)
	further, err := suppression.Apply(older, suppress(suppression.Objection, tuesday, suppression.SourceTool), "further", later)
	if err != nil {
		t.Fatal(err)
	}
	entries = append(entries, *further.Entry)
	got, err := suppression.Replay([]ledger.Entry{tie}, func(contact.Key) ([]ledger.Entry, error) { return entries, nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(older.Marks, got.Marks); diff != "" {
		t.Errorf("marks (-the older key's then +replayed):\n%s", diff)
	}
}
