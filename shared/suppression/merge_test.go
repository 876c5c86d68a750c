package suppression_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/scope"
	"stille/shared/suppression"
)

func TestMergeKnowsWhatAnyOfTheKeysKnows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(anyChange), 0, 8).Draw(t, "changes")
		var here, there []suppression.Change
		for _, c := range changes {
			if rapid.Bool().Draw(t, "here") {
				here = append(here, c)
			} else {
				there = append(there, c)
			}
		}
		whole, _ := applyAll(t, changes)
		a, _ := applyAll(t, here)
		b, _ := applyAll(t, there)
		for _, in := range []scope.Scope{"", "acme", "globex"} {
			want := suppression.Decide(whole, suppression.Marketing, in).Send
			if got := suppression.Decide(suppression.Merge(a, b), suppression.Marketing, in).Send; got != want {
				t.Fatalf("in %q: send %v from two items, %v from one", in, got, want)
			}
		}
	})
}

// rows are what lies in the table under the keys of one contact.
type rows struct {
	items   map[contact.Key]suppression.Item
	entries map[contact.Key][]ledger.Entry
	ids     int
}

var liveKeys = []contact.Key{"newest", "older", "oldest"}

func newRows() *rows {
	r := &rows{items: map[contact.Key]suppression.Item{}, entries: map[contact.Key][]ledger.Entry{}}
	for _, key := range liveKeys {
		r.items[key] = suppression.Item{Key: key, Channel: contact.Email}
	}
	return r
}

// root is the item that changes of the contact with this key go to.
func (r *rows) root(key contact.Key) suppression.Item {
	for r.items[key].MergedInto != "" {
		key = r.items[key].MergedInto
	}
	return r.items[key]
}

func (r *rows) id() string {
	r.ids++
	return fmt.Sprint(r.ids)
}

func (r *rows) put(i suppression.Item, e ledger.Entry) {
	r.items[i.Key] = i
	r.entries[i.Key] = append(r.entries[i.Key], e)
}

func (r *rows) apply(t *rapid.T, key contact.Key, c suppression.Change) {
	outcome, err := suppression.Apply(r.root(key), c, r.id(), later)
	if err != nil {
		t.Fatal(err)
	}
	if outcome.Entry != nil {
		r.put(outcome.Item, *outcome.Entry)
	}
}

// merge lets the one key's item take over the other's, as the store would:
// only items that are there, and that none has taken over.
func (r *rows) merge(into, from contact.Key) {
	older, newer := r.items[from], r.root(into)
	if older.Version == 0 || older.MergedInto != "" || older.Key == newer.Key {
		return
	}
	r.put(suppression.TakeOver(newer, older, r.id(), later))
	older.MergedInto = newer.Key
	r.items[from] = older
}

func (r *rows) all() suppression.Item {
	return suppression.Merge(r.items["newest"], r.items["older"], r.items["oldest"])
}

func anyKey(t *rapid.T) contact.Key { return rapid.SampledFrom(liveKeys).Draw(t, "key") }

// sends is what is decided for every purpose and scope there is.
func sends(item suppression.Item) map[string]bool {
	all := map[string]bool{}
	for _, purpose := range []suppression.Purpose{suppression.Marketing, suppression.Transactional} {
		for _, in := range []scope.Scope{"", "acme", "acme/newsletter", "globex", "*"} {
			all[fmt.Sprintf("%s in %q", purpose, in)] = suppression.Decide(item, purpose, in).Send
		}
	}
	return all
}

func TestMergedKeysDecideAsOneItem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		changes := rapid.SliceOfN(rapid.Custom(anyChange), 0, 12).Draw(t, "changes")
		one, _ := applyAll(t, changes)
		rows := newRows()
		for _, c := range changes {
			rows.apply(t, anyKey(t), c)
			for range rapid.IntRange(0, 2).Draw(t, "merges") {
				rows.merge(anyKey(t), anyKey(t))
			}
		}
		if diff := cmp.Diff(sends(one), sends(rows.all())); diff != "" {
			t.Fatalf("from several rows (-one item +several):\n%s", diff)
		}
		rows.merge("newest", "older")
		rows.merge("newest", "oldest")
		rows.merge("newest", "older") // where the newest went into the oldest before
		last := rows.root("newest")
		if diff := cmp.Diff(sends(one), sends(last)); diff != "" {
			t.Fatalf("from the row that took over the others (-one item +that):\n%s", diff)
		}
		for key, item := range rows.items {
			if err := ledger.Verify(rows.entries[key], item.Head); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
		}
	})
}

// TestAReaderBetweenTakingsOverSeesTheSame reads each row at another moment,
// while nothing happens but that rows take over others.
func TestAReaderBetweenTakingsOverSeesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := newRows()
		for _, c := range rapid.SliceOfN(rapid.Custom(anyChange), 1, 8).Draw(t, "changes") {
			rows.apply(t, anyKey(t), c)
		}
		want := sends(rows.all())
		var read []suppression.Item
		for _, key := range rapid.Permutation(liveKeys).Draw(t, "reads") {
			read = append(read, rows.items[key])
			rows.merge(anyKey(t), anyKey(t))
		}
		if diff := cmp.Diff(want, sends(suppression.Merge(read...))); diff != "" {
			t.Fatalf("(-before +what the reader found):\n%s", diff)
		}
	})
}

// withoutWords compares what a check tells.
var withoutWords = cmpopts.IgnoreFields(suppression.Mark{}, "Words", "Consented")

func TestOneMarkOfTwo(t *testing.T) {
	const (
		link = suppression.SourceLink
		tool = suppression.SourceTool
	)
	hour := monday.Add(time.Hour)
	for _, test := range []struct {
		name string
		a, b suppression.Mark
		want suppression.Mark
	}{
		{"the newest event counts, and the silence began with the first",
			suppression.Mark{First: monday, Last: monday, Source: link}, suppression.Mark{First: tuesday, Last: tuesday, Source: link},
			suppression.Mark{First: monday, Last: tuesday, Source: link}},
		{"a click on top of what a tool said is still the tool's",
			suppression.Mark{First: monday, Last: monday, Source: tool}, suppression.Mark{First: hour, Last: hour, Source: link},
			suppression.Mark{First: monday, Last: hour, Source: tool}},
		{"what a tool said on top of a click is the tool's",
			suppression.Mark{First: monday, Last: monday, Source: link}, suppression.Mark{First: hour, Last: hour, Source: tool},
			suppression.Mark{First: monday, Last: hour, Source: tool}},
		{"of a click and a tool in the same instant it is the tool's",
			suppression.Mark{First: monday, Last: monday, Source: link}, suppression.Mark{First: monday, Last: monday, Source: tool},
			suppression.Mark{First: monday, Last: monday, Source: tool}},
		{"a silence that was lifted before the new one leaves it its start and source",
			suppression.Mark{First: monday, Last: monday, Source: tool, ReleasedAt: tuesday}, suppression.Mark{First: friday, Last: friday, Source: link},
			suppression.Mark{First: friday, Last: friday, Source: link, ReleasedAt: tuesday}},
		{"a release known to the one lifts the silence of the other",
			suppression.Mark{First: monday, Last: monday, Source: tool}, suppression.Mark{ReleasedAt: tuesday},
			suppression.Mark{First: monday, Last: monday, Source: tool, ReleasedAt: tuesday}},
		{"nothing on one side is the other side",
			suppression.Mark{First: monday, Last: tuesday, Source: link, ReleasedAt: monday}, suppression.Mark{},
			suppression.Mark{First: monday, Last: tuesday, Source: link, ReleasedAt: monday}},
	} {
		t.Run(test.name, func(t *testing.T) {
			item := func(m suppression.Mark) suppression.Item {
				return suppression.Item{Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{"acme": {suppression.Stop: m}}}
			}
			for order, items := range map[string][]suppression.Item{"": {item(test.a), item(test.b)}, "reversed ": {item(test.b), item(test.a)}} {
				if diff := cmp.Diff(test.want, suppression.Merge(items...).Marks["acme"][suppression.Stop], withoutWords); diff != "" {
					t.Errorf("%smark (-want +got):\n%s", order, diff)
				}
			}
		})
	}
}

func TestATakingOverTiesBothHistories(t *testing.T) {
	older, olderEntries := item(t, "older", suppress(suppression.Stop, monday, suppression.SourceTool))
	older.Former = []contact.Key{"oldest", "newest"}
	newer, entries := item(t, "newest", suppress(suppression.Unsubscribed, tuesday, suppression.SourceLink))
	united, entry := suppression.TakeOver(newer, older, "tie", friday)
	want := ledger.Entry{
		ID: "tie", Key: "newest", Channel: contact.Email, Version: 2, Action: ledger.Rekeyed, At: friday, RecordedAt: friday,
		Previous: newer.Head, Former: "older", FormerHead: older.Head,
	}
	if diff := cmp.Diff(want, entry); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	if err := ledger.Verify(append(entries, entry), united.Head); err != nil || united.Version != 2 {
		t.Errorf("version %d: %v", united.Version, err)
	}
	if err := entry.VerifyTie(olderEntries); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]contact.Key{"older", "oldest"}, united.Former); diff != "" {
		t.Errorf("former keys (-want +got):\n%s", diff)
	}
	if len(united.Marks["acme"]) != 2 || len(newer.Marks["acme"]) != 1 || len(older.Marks["acme"]) != 1 {
		t.Error("the marks are not united, or what they were united from has changed")
	}
}

// item is an item with one change, and its history.
func item(t *testing.T, key contact.Key, c suppression.Change) (suppression.Item, []ledger.Entry) {
	t.Helper()
	outcome, err := suppression.Apply(suppression.Item{Key: key, Channel: contact.Email}, c, string(key), later)
	if err != nil {
		t.Fatal(err)
	}
	return outcome.Item, []ledger.Entry{*outcome.Entry}
}
