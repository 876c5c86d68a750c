package purge_test

import (
	"maps"
	"testing"
	"time"

	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestObjectGoesOnlyWithItsRecord(t *testing.T) {
	h := newHouse(t)
	h.letter("theirs", "held")
	h.hold(retention.RecordTarget(retention.Messaging, "theirs"))
	h.letter("mine", "a", "dropped")
	newer := retention.Record{ID: "mine", Subject: subject(1), Start: due, OccurredAt: due.Add(time.Second), Objects: []string{"s3://letters/a"}}
	h.put(newer)
	stamp := retention.Sort(due)
	h.plant(map[string]any{
		"id": "thief", "subject": string(subject(1)), "scope": "globex", "occurredAt": stamp, "retentionStart": stamp, "retentionSort": stamp,
		"retentionShard": retention.Shard(string(subject(1))), "objects": []string{"s3://letters/held"}, "claimed": []string{"s3://letters/held"},
	})
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 3, Deleted: 2, Held: 1}, "theirs")
	h.expectObjects(map[string]int{"held": 2})
}

func TestUnclaimedObjectKeepsItsRecord(t *testing.T) {
	h := newHouse(t)
	h.letters.Put(t, "a")
	stamp := retention.Sort(due)
	h.plant(map[string]any{
		"id": "sub-1", "subject": string(subject(1)), "occurredAt": stamp, "retentionStart": stamp, "retentionSort": stamp,
		"retentionShard": retention.Shard(string(subject(1))), "objects": []string{"s3://letters/a"},
	})
	if err := h.run(h.Stores, "run-1"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-1", certificate.Counts{Due: 1, Failed: 1}, "sub-1")
	h.expectObjects(map[string]int{"a": 1})
	h.own("sub-1")
	if err := h.run(h.Stores, "run-2"); err != nil {
		t.Fatal(err)
	}
	h.expect("run-2", certificate.Counts{Due: 1, Deleted: 1})
	h.expectObjects(map[string]int{})
}

// The claims of a record go with the record: without them it may be gone, too.
func TestRecordWithoutClaimsIsReadAgain(t *testing.T) {
	stamp := retention.Sort(due)
	unclaimed := map[string]any{
		"id": "sub-1", "subject": string(subject(1)), "occurredAt": stamp, "retentionStart": stamp, "retentionSort": stamp,
		"retentionShard": retention.Shard(string(subject(1))), "objects": []string{"s3://letters/a"},
	}
	for name, c := range map[string]struct {
		meanwhile func(*house)
		want      purge.Outcome
	}{
		"it is there": {func(*house) {}, purge.Failed},
		"it cannot be read": {func(h *house) {
			unreadable := maps.Clone(unclaimed)
			unreadable["occurredAt"] = "long ago"
			h.plant(unreadable)
		}, purge.Failed},
		"it is gone": {func(h *house) { h.Remove(h.t, h.class.Name, "sub-1") }, purge.Gone},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.plant(unclaimed)
			meanwhile := before(h.Stores, "BatchGetItem", 2, func() error { c.meanwhile(h); return nil })
			work := purge.Work{Class: h.class.Name, Run: "run-1", Cutoff: cutoff, Shard: retention.Shard(string(subject(1)))}
			if _, err := h.worker(meanwhile, h.manifest).Shard(t.Context(), h.class, work, func() bool { return true }); err != nil {
				t.Fatal(err)
			}
			for page, err := range h.manifest.Pages(t.Context(), h.class.Name, "run-1", work.Shard) {
				if err != nil || page.Outcomes["sub-1"] != c.want {
					t.Errorf("outcome %q, error %v; want %q", page.Outcomes["sub-1"], err, c.want)
				}
			}
		})
	}
}
