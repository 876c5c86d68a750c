package purgetest

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// TestStores checks that stores keep the promises a purge relies on. Each part
// has new stores, with the class messaging.
func TestStores(t *testing.T, stores func(t *testing.T) Stores) {
	for name, test := range map[string]func(*suite){
		"a deletion rests on what was read":  (*suite).decidedOn,
		"a moved fence stops a deletion":     (*suite).fences,
		"a mark decides who deletes":         (*suite).marks,
		"a run deletes in its turn only":     (*suite).turns,
		"a marked record does not change":    (*suite).frozen,
		"an object belongs to one record":    (*suite).claims,
		"a claim goes with its record":       (*suite).claimsGo,
		"a held record does not change":      (*suite).freezes,
		"the newest event wins":              (*suite).versions,
		"a contact has one record":           (*suite).slots,
		"the record of a slot is evidence":   (*suite).evidence,
		"indexes are in order":               (*suite).indexes,
		"a scan reads each record once":      (*suite).scans,
		"what cannot be read is told":        (*suite).unreadable,
		"holds stand until lifted":           (*suite).holds,
		"the history of a hold grows":        (*suite).history,
		"a case holds a target for one kind": (*suite).kinds,
		"holds are restored":                 (*suite).restores,
		"a hold counts what it covers":       (*suite).covers,
		"one run of a class is active":       (*suite).locks,
		"certificates are one chain":         (*suite).chain,
		"a run keeps its first plan":         (*suite).runs,
		"the newest halted plan counts":      (*suite).plans,
	} {
		t.Run(name, func(t *testing.T) { test(&suite{t, stores(t)}) })
	}
}

type suite struct {
	*testing.T
	Stores
}

const class = retention.Messaging

var suiteStart = time.Date(2024, 11, 20, 8, 0, 0, 0, time.UTC) //nolint:gochecknoglobals // a constant

// must ends the test on an error.
func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) expect(what string, want, got any) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (s *suite) expectError(what string, want, got error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func consent(id string) retention.Record {
	return retention.Record{ID: id, Subject: "subject-1", Scope: "acme", Basis: retention.Consent, OccurredAt: suiteStart, Start: suiteStart}
}

func anyone(retention.Record) error { return nil }

func (s *suite) put(r retention.Record) retention.Stored {
	s.Helper()
	_, err := s.Records.Put(s.Context(), class, r, anyone)
	s.must(err)
	return s.get(r.ID)
}

func (s *suite) get(id string) retention.Stored {
	s.Helper()
	stored, err := s.Records.Get(s.Context(), class, id)
	s.must(err)
	return stored
}

// under are the conditions of a page before the first turn of the class.
func under(run string, epoch int64) purge.Conditions {
	return purge.Conditions{Class: class, Run: run, Shard: "00", Epoch: epoch}
}

func (s *suite) delete(run string, epoch int64, records ...retention.Stored) (purge.Deletion, error) {
	return s.Deleter.DeleteUnderFence(s.Context(), under(run, epoch), records)
}

func (s *suite) hold(targets ...retention.Target) []retention.Target {
	s.Helper()
	var placed []retention.Hold
	for _, target := range targets {
		placed = append(placed, retention.Hold{Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: target, SetAt: suiteStart})
	}
	met, err := s.Holds.Set(s.Context(), []string{class}, placed)
	s.must(err)
	return met.TooLate
}

// decidedOn changes one attribute after the other between the read and the
// deletion.
func (s *suite) decidedOn() {
	at := retention.Sort(suiteStart)
	whole := map[string]any{
		names.AttrID: "sub-1", names.AttrSubject: "subject-1", names.AttrScope: "acme", names.AttrBasis: "consent", names.AttrOccurredAt: at,
		names.AttrFirstAt: at, names.AttrRetentionStart: at, names.AttrStartAsOf: at, names.AttrWithdrawnAt: at, names.AttrPurgingBy: "run-0",
	}
	for name := range whole {
		if name == names.AttrID {
			continue
		}
		for what, change := range map[string]func(map[string]any){
			"changed": func(i map[string]any) { i[name] = "other" }, "removed": func(i map[string]any) { delete(i, name) },
		} {
			s.Plant(s, class, whole)
			read := s.get("sub-1")
			meanwhile := maps.Clone(whole)
			change(meanwhile)
			s.Plant(s, class, meanwhile)
			done, err := s.delete("run-1", 0, read)
			s.must(err)
			s.expect(name+" "+what, purge.Deletion{Changed: []string{"sub-1"}}, done)
		}
	}
	plain := maps.Clone(whole)
	delete(plain, names.AttrPurgingBy)
	s.Plant(s, class, plain)
	read := s.get("sub-1")
	plain[names.AttrData], plain[names.AttrLastActivityAt], plain[names.AttrRetentionSort] = "other", "other", "other"
	s.Plant(s, class, plain)
	done, err := s.delete("run-1", 0, read)
	s.must(err)
	s.expect("what a deletion does not rest on", purge.Deletion{Deleted: []string{"sub-1"}}, done)
	done, err = s.delete("run-1", 0, read)
	s.must(err)
	s.expect("deleted twice", purge.Deletion{Gone: []string{"sub-1"}}, done)
}

func (s *suite) fences() {
	record := s.put(consent("sub-1"))
	s.hold(retention.RecordTarget(class, "other"))
	_, err := s.delete("run-1", 0, record)
	s.expectError("behind a fence that moved", purge.ErrFenceMoved, err)
	s.get("sub-1")
	fenced, err := s.Holds.Fenced(s.Context(), "3f")
	s.must(err)
	s.expect("under the fence", purge.Fenced{Epoch: 1, Held: purge.HeldTargets{retention.RecordTarget(class, "other"): true}}, fenced)
	done, err := s.delete("run-1", 1, record)
	s.must(err)
	s.expect("at the fence's epoch", purge.Deletion{Deleted: []string{"sub-1"}}, done)
}

func letter(id string) retention.Record {
	r := consent(id)
	r.Objects = []string{"s3://letters/" + id}
	return r
}

func (s *suite) marks() {
	plain, marked := s.put(consent("plain")), s.put(letter("letter"))
	done, err := s.delete("run-1", 0, plain, marked)
	s.must(err)
	s.expect("a page", purge.Deletion{Deleted: []string{"plain"}, Marked: []string{"letter"}}, done)
	s.expect("the mark", "run-1", s.get("letter").PurgingBy)

	taken := s.get("letter")
	taken.Purging, taken.Purged = []string{"a", "b"}, 3
	done, err = s.delete("run-2", 0, taken)
	s.must(err)
	s.expect("the next run takes it over", purge.Deletion{Marked: []string{"letter"}}, done)
	s.expect("the versions of its objects", []any{taken.Purging, taken.Purged}, []any{s.get("letter").Purging, s.get("letter").Purged})
	done, err = s.Deleter.DeleteMarked(s.Context(), under("run-1", 0), []retention.Stored{marked})
	s.must(err)
	s.expect("a run whose mark is gone", purge.Deletion{Changed: []string{"letter"}}, done)
	for _, want := range []purge.Deletion{{Deleted: []string{"letter"}}, {Gone: []string{"letter"}}} {
		done, err = s.Deleter.DeleteMarked(s.Context(), under("run-2", 0), []retention.Stored{taken})
		s.must(err)
		s.expect("the run whose mark stands", want, done)
	}
}

func (s *suite) frozen() {
	_, err := s.delete("run-1", 0, s.put(letter("letter")))
	s.must(err)
	_, err = s.Records.Put(s.Context(), class, letter("letter"), anyone)
	s.expectError("stored over", retention.ErrBeingPurged, err)
	err = s.Records.End(s.Context(), class, "letter", func(r retention.Record) (retention.Record, error) {
		r.Start = time.Time{}
		return r, nil
	})
	s.expectError("ended", retention.ErrBeingPurged, err)
	marked := s.get("letter")
	done, err := s.Records.Withdraw(s.Context(), class, marked, suiteStart)
	s.must(err)
	s.expect("withdrawn", []any{true, ""}, []any{done, s.get("letter").WithdrawnSort})
	mine := []retention.Target{retention.RecordTarget(class, "letter")}
	s.expect("a hold on the record is too late", mine, s.hold(mine...))
	s.expect("a hold on its subject is too late", mine, s.hold(retention.SubjectTarget("subject-1")))
}

func (s *suite) versions() {
	first := s.put(consent("sub-1"))
	older := consent("sub-1")
	older.OccurredAt = suiteStart.Add(-time.Second)
	outcome, err := s.Records.Put(s.Context(), class, older, anyone)
	s.must(err)
	s.expect("an older event", false, outcome.Stored)
	refused := errors.New("refused")
	_, err = s.Records.Put(s.Context(), class, consent("sub-1"), func(retention.Record) error { return refused })
	s.expectError("without permission", refused, err)

	at := suiteStart.Add(time.Hour)
	done, err := s.Records.Withdraw(s.Context(), class, first, at)
	s.must(err)
	s.expect("withdrawn", true, done && s.get("sub-1").WithdrawnAs(at))
	done, err = s.Records.Withdraw(s.Context(), class, first, at)
	s.must(err)
	s.expect("decided on an older reading", false, done)
	s.must(s.Records.Stamp(s.Context(), class, first, retention.Sort(at)))
	s.expect("stamped on an older reading", "", s.get("sub-1").Sort)
	s.expect("a repetition keeps the withdrawal", true, s.put(consent("sub-1")).WithdrawnAs(at))
	newer := consent("sub-1")
	newer.OccurredAt = at.Add(time.Second)
	s.expect("a newer consent ends it", "", s.put(newer).WithdrawnSort)

	s.must(s.Records.Stamp(s.Context(), class, s.get("sub-1"), ""))
	stamped := s.get("sub-1")
	s.expect("a stamp", []string{"", retention.Sort(newer.OccurredAt), stamped.Record.Shard()}, []string{stamped.Sort, stamped.ActiveSort, stamped.Shard})
	_, err = s.Records.Get(s.Context(), class, "sub-2")
	s.expectError("no record", retention.ErrNoRecord, err)
}

func (s *suite) slots() {
	only := func(id string, keys ...contact.Key) string {
		s.Helper()
		_, err := s.Records.Put(s.Context(), class, consent(id), anyone, append([]contact.Key{"subject-1"}, keys...)...)
		var duplicate retention.DuplicateError
		if errors.As(err, &duplicate) {
			return duplicate.ID
		}
		s.must(err)
		return ""
	}
	s.expect("the first", "", only("sub-1"))
	s.expect("the first again", "", only("sub-1"))
	s.expect("a second", "sub-1", only("sub-2"))
	s.Remove(s, class, "sub-1")
	s.expect("after the first is gone", "", only("sub-2"))
	s.Plant(s, class, map[string]any{names.AttrID: "planted", names.AttrSubject: "subject-1", names.AttrScope: "acme"})
	var duplicate retention.DuplicateError
	if _, err := s.Records.Claim(s.Context(), class, s.get("planted")); !errors.As(err, &duplicate) || duplicate.ID != "sub-2" {
		s.Errorf("claimed beside another record: error %v", err)
	}
	s.must(s.Records.Leave(s.Context(), class, "sub-2"))
	slot, err := s.Records.Slot(s.Context(), class, "subject-1", "acme")
	s.must(err)
	s.expect("a record that is there keeps its slot", "sub-2", slot)
	s.Remove(s, class, "sub-2")
	s.must(s.Records.Leave(s.Context(), class, "sub-2"))
	for _, want := range []bool{true, false} {
		if done, err := s.Records.Claim(s.Context(), class, s.get("planted")); err != nil || done != want {
			s.Errorf("claimed: %v, error %v; want %v", done, err, want)
		}
	}
	slot, err = s.Records.Slot(s.Context(), class, "subject-1", "acme")
	s.must(err)
	s.expect("a record of another service claims it", "planted", slot)
}

func (s *suite) indexes() {
	for id, sort := range map[string]string{"c": "2024-01-01T00:00:00Z", "b": "2024-01-02T00:00:00Z", "a": "2024-01-02T00:00:00Z", "d": "2024-01-03T00:00:00Z"} {
		s.Plant(s, class, map[string]any{names.AttrID: id, names.AttrRetentionSort: sort, names.AttrRetentionShard: "07", names.AttrWithdrawnAt: sort})
	}
	s.Plant(s, class, map[string]any{names.AttrID: "elsewhere", names.AttrRetentionSort: "2024-01-01T00:00:00Z", names.AttrRetentionShard: "08"})
	for _, by := range []purge.Index{purge.ByStart, purge.ByWithdrawal} {
		before := time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC)
		var all []purge.Due
		for entry, err := range s.Records.DueBefore(s.Context(), class, by, "07", before, purge.Due{}, 2) {
			s.must(err)
			all = append(all, entry)
		}
		ids := make([]string, len(all))
		for n, entry := range all {
			ids[n] = entry.ID
		}
		slices.Sort(ids)
		s.expect(string(by), []string{"a", "b", "c"}, ids)
		s.expect("the oldest first", true, len(all) == 3 && all[0].ID == "c" && slices.IsSortedFunc(all, func(a, b purge.Due) int { return strings.Compare(a.Sort, b.Sort) }))
		for entry, err := range s.Records.DueBefore(s.Context(), class, by, "07", before, all[1], 2) {
			s.must(err)
			s.expect("after an entry", all[2], entry)
		}
	}
}

func (s *suite) scans() {
	want := map[string]int{}
	for n := range 30 {
		id := retention.ShardName(n)
		s.Plant(s, class, map[string]any{names.AttrID: id})
		want[id] = 1
	}
	s.Plant(s, class, map[string]any{names.AttrID: "unreadable", names.AttrOccurredAt: "long ago"})
	want["unreadable"] = 1
	got := map[string]int{}
	for n := range 4 {
		for after, more := "", true; more; more = after != "" {
			page, err := s.Records.Scan(s.Context(), class, purge.Segment{Number: n, Of: 4}, after, 3)
			s.must(err)
			for _, id := range page.Unreadable {
				got[id]++
			}
			for _, record := range page.Records {
				got[record.ID]++
			}
			after = page.Last
		}
	}
	s.expect("how often each was read", want, got)
}

func (s *suite) unreadable() {
	s.Plant(s, class, map[string]any{names.AttrID: "bad", names.AttrRetentionStart: "soon"})
	s.Plant(s, class, map[string]any{names.AttrID: "empty", names.AttrOccurredAt: ""})
	s.put(consent("good"))
	there, unreadable, err := s.Records.Load(s.Context(), class, []string{"bad", "empty", "good", "none"})
	s.must(err)
	s.expect("read", []string{"good"}, slices.Collect(maps.Keys(there)))
	s.expect("not read", []string{"bad", "empty"}, slices.Sorted(maps.Keys(unreadable)))
	_, err = s.Records.Get(s.Context(), class, "bad")
	s.expectError("one", retention.ErrUnreadable, err)
}
