package purge_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/purge"
	"stille/shared/retention"
)

func TestDueAndHeldRecordsAreCounted(t *testing.T) {
	h := newHouse(t)
	for n, id := range []string{"due", "held by its subject", "held as a record", "held twice"} {
		h.put(retention.Record{ID: id, Subject: subject(n), Start: due})
	}
	h.put(retention.Record{ID: "withdrawn as well", Subject: subject(7), Start: due})
	h.withdraw("withdrawn as well", due)
	h.put(retention.Record{ID: "not due", Subject: subject(8), Start: notDue})
	h.put(retention.Record{ID: "not due and held", Subject: subject(9), Start: notDue})
	h.put(retention.Record{ID: "restarted", Subject: subject(10), Start: due})
	for _, target := range []retention.Target{
		retention.SubjectTarget(subject(1)), retention.RecordTarget(h.class.Name, "held as a record"),
		retention.SubjectTarget(subject(3)), retention.RecordTarget(h.class.Name, "held twice"),
		retention.RecordTarget(h.class.Name, "not due and held"),
	} {
		h.hold(target)
	}
	place := func(id string, more map[string]any) {
		item := map[string]any{
			"id": id, "subject": string(subject(1)), "retentionStart": retention.Sort(due),
			"retentionSort": retention.Sort(due), "retentionShard": retention.Shard(id),
		}
		for name, value := range more {
			item[name] = value
		}
		h.plant(item)
	}
	place("unreadable", map[string]any{"occurredAt": "long ago"})
	place("marked before its hold came", map[string]any{"purgingBy": "run-1"})
	place("restarted", map[string]any{"retentionStart": retention.Sort(notDue)}) // not stamped yet
	place("object elsewhere", map[string]any{"subject": string(subject(11)), "objects": []string{"s3://other/a"}})
	h.own("object elsewhere")
	place("object of nobody", map[string]any{"subject": string(subject(11)), "objects": []string{"s3://letters/b"}})
	place("object of another", map[string]any{"subject": string(subject(11)), "objects": []string{"s3://other/a"}}) // the object stays, the record goes

	got, err := purge.Count(t.Context(), h.Records, h.Holds, h.class, cutoff)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, n := range got.Shards {
		left += n
	}
	if diff := cmp.Diff([]int{10, 3, 4, 3}, []int{got.Due, got.Held, got.Failing, left}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Overdue() != 7 {
		t.Errorf("%d are overdue", got.Overdue())
	}
	earlier, err := purge.Count(t.Context(), h.Records, h.Holds, h.class, due.Add(-time.Hour))
	if err != nil || earlier.Due+earlier.Held != 0 {
		t.Errorf("before anything was due: %+v, error %v", earlier, err)
	}
}

// The class is far behind: the index is believed once a shard has a thousand.
func TestOverdueBacklogIsReadInPart(t *testing.T) {
	h := newHouse(t)
	const pages = 13
	for n := range pages - 1 {
		h.Plant(t, h.class.Name, startAt(due.Add(-time.Hour), dueItems(0, n))...)
	}
	h.Plant(t, h.class.Name, dueItems(0, pages-1)...)
	h.Plant(t, h.class.Name, startAt(due.Add(-2*time.Hour), dueItems(0, 0)[:1])...)
	h.hold(retention.RecordTarget(h.class.Name, "sub-00-00-00"), retention.RecordTarget(h.class.Name, "sub-00-12-98"))
	records := &loads{Records: h.Records}
	got, err := purge.CountOverdue(t.Context(), records, h.Holds, h.class, cutoff.Add(retention.OverdueAfter))
	if err != nil || got.Due != pages*purge.MaxDeletes || got.Held != 1 || got.Shards[0] != got.Due-1 || records.requests.Load() != 11 {
		t.Errorf("%d due, %d held, error %v; %d requests", got.Due, got.Held, err, records.requests.Load())
	}
	earlier, err := purge.CountOverdue(t.Context(), records, h.Holds, h.class, cutoff.Add(retention.OverdueAfter-48*time.Hour))
	if err != nil || earlier.Due != 0 {
		t.Errorf("two days before: %d due, error %v", earlier.Due, err)
	}
	all, err := purge.Count(t.Context(), h.Records, h.Holds, h.class, cutoff)
	if err != nil || all.Due != got.Due || all.Held != 2 {
		t.Errorf("counted whole: %d due, %d held, error %v", all.Due, all.Held, err)
	}
}

func TestRemainingRecordsAreListedUpToMost(t *testing.T) {
	h := newHouse(t)
	h.Plant(t, h.class.Name, dueItems(0, 0)...)
	h.Plant(t, h.class.Name, startAt(due.Add(-time.Hour), dueItems(0, 0)[:1])...)
	h.Plant(t, h.class.Name, dueItems(1, 0)...)
	h.hold(retention.RecordTarget(h.class.Name, "sub-00-00-00"))
	const due = 2 * purge.MaxDeletes
	for most, want := range map[int]int{0: 0, 1: 1, purge.MaxDeletes: purge.MaxDeletes, purge.MaxDeletes + 1: purge.MaxDeletes + 1, due: due, due + 1: due} {
		list, err := purge.ListRemaining(t.Context(), h.Records, h.Holds, h.class, cutoff, most)
		if err != nil || len(list) != want || want > 0 && list[0] != (purge.Remaining{ID: "sub-00-00-00", Why: purge.WhyHeld}) {
			t.Errorf("%d of up to %d are listed, error %v", len(list), most, err)
		}
	}
	broken := unloadable{h.Records}
	if list, err := purge.ListRemaining(t.Context(), broken, h.Holds, h.class, cutoff, due); !errors.Is(err, errDown) || list != nil {
		t.Errorf("%d are listed of records that cannot be read, error %v", len(list), err)
	}
}
