package purge_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

// subjectOf is the subject of all records of a shard.
func subjectOf(shard string) contact.Key { return contact.Key(fmt.Sprintf("%048s", shard)) }

// due plants due records, by the number of each shard.
func (n *nights) due(records map[string]int) {
	n.t.Helper()
	for shard, most := range records {
		var items []map[string]any
		for i := range most {
			items = append(items, map[string]any{
				"id": fmt.Sprintf("%s-%04d", shard, i), "subject": string(subjectOf(shard)), "scope": "acme", "basis": "consent", "occurredAt": retention.Sort(due),
				"retentionStart": retention.Sort(due), "retentionSort": retention.Sort(due), "retentionShard": shard,
			})
		}
		n.Plant(n.t, n.class.Name, items...)
	}
}

// purged is a whole run of all shards, and its certificate.
func (n *nights) purged(run string) certificate.Certificate {
	n.t.Helper()
	planned := n.plan(run)
	worker := n.worker(n.Stores, n.manifest)
	for _, work := range planned.Work() {
		for !work.Done {
			pages := 2
			var err error
			if work, err = worker.Shard(n.t.Context(), n.class, work, func() bool { pages--; return pages >= 0 }); err != nil {
				n.t.Fatal(err)
			}
		}
	}
	n.certify(purge.Ended{Run: run})
	return n.evidence.Verify(n.t, n.class.Name, run)
}

func TestRunDeletesAtMostItsMost(t *testing.T) {
	for name, c := range map[string]struct {
		records map[string]int
		held    []string
		want    []certificate.Counts
	}{
		"one shard": {map[string]int{"07": 250}, nil, []certificate.Counts{
			{Due: 250, Deleted: 100, Left: 150}, {Due: 150, Deleted: 100, Left: 50}, {Due: 50, Deleted: 50},
		}},
		"several shards": {map[string]int{"00": 3, "07": 130, "08": 50, "3f": 67}, nil, []certificate.Counts{
			{Due: 250, Deleted: 100, Left: 150}, {Due: 150, Deleted: 100, Left: 50}, {Due: 50, Deleted: 50},
		}},
		"held records first in a shard": {map[string]int{"07": 210}, []string{"07-0000", "07-0001"}, []certificate.Counts{
			{Due: 210, Deleted: 100, Held: 2, Left: 108}, {Due: 110, Deleted: 100, Held: 2, Left: 8}, {Due: 10, Deleted: 8, Held: 2},
		}},
		"no more than most": {map[string]int{"07": 100}, nil, []certificate.Counts{{Due: 100, Deleted: 100}}},
	} {
		t.Run(name, func(t *testing.T) {
			n := &nights{house: newHouse(t)}
			n.certifier, n.evidence = n.house.certifier()
			n.class.Most = 100
			n.due(c.records)
			var held []retention.Target
			for _, id := range c.held {
				held = append(held, retention.RecordTarget(n.class.Name, id))
			}
			if len(held) > 0 {
				n.hold(held...)
			}
			for night, want := range c.want {
				got := n.purged(fmt.Sprint("run-", night))
				if diff := cmp.Diff(want, got.Counts); diff != "" || got.Outcome != certificate.Completed {
					t.Errorf("night %d: %s (-want +got):\n%s", night, got.Outcome, diff)
				}
			}
		})
	}
}

func TestOnlyPlanAboveMostIsShared(t *testing.T) {
	for most, want := range map[int]bool{2: true, 3: false, 4: false} {
		h := newHouse(t)
		h.class.Most = most
		for n := range 3 {
			h.put(retention.Record{ID: fmt.Sprint("sub-", n), Subject: subject(1), Start: due})
		}
		if run := h.planned(h.planner(h.Stores), purge.Execution{Run: "run-1"}, purge.NextDelete); (run.Shares != nil) != want {
			t.Errorf("of 3 due records and at most %d, shares %v", most, run.Shares)
		}
	}
}

// A shard whose due records are all held must not take the place of the others
// night after night.
func TestHeldShardLeavesRoomForOthers(t *testing.T) {
	n := &nights{house: newHouse(t)}
	n.certifier, n.evidence = n.house.certifier()
	n.class.Most = 64
	n.due(map[string]int{"00": 300, "3f": 3})
	n.hold(retention.SubjectTarget(subjectOf("00")))
	want := certificate.Counts{Due: 303, Deleted: 3, Held: 300}
	if diff := cmp.Diff(want, n.purged("run-1").Counts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The index of a shard of a limited run may not show a record that was left.
func TestFullShardIsDone(t *testing.T) {
	h := newHouse(t)
	worker := h.worker(h.Stores, &purgetest.Memory{})
	work := purge.Work{Class: h.class.Name, Run: "run-1", Cutoff: cutoff.Add(time.Hour), Shard: "07", Limited: true}
	got, err := worker.Shard(t.Context(), h.class, work, func() bool { return true })
	if !got.Done || err != nil {
		t.Errorf("done %v, error %v", got.Done, err)
	}
}
