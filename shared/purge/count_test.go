package purge_test

import (
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

	got, err := purge.Count(t.Context(), h.Records, h.Holds, h.class, cutoff)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, n := range got.Shards {
		left += n
	}
	if diff := cmp.Diff([]int{7, 3, 4}, []int{got.Due, got.Held, left}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Overdue() != 4 {
		t.Errorf("%d are overdue", got.Overdue())
	}
	earlier, err := purge.Count(t.Context(), h.Records, h.Holds, h.class, due.Add(-time.Hour))
	if err != nil || earlier.Due+earlier.Held != 0 {
		t.Errorf("before anything was due: %+v, error %v", earlier, err)
	}
}
