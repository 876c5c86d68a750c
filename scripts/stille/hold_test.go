package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestHoldsAreSetListedAndLifted(t *testing.T) {
	m := inMemory(t)
	m.Store(day(2024, 11, 21))
	key := m.Key(contact.Email, "kari@example.no")
	if got := m.run(t, "hold", "list").ended(t, exitDone); got.out != "there are no holds\n" {
		t.Errorf("it says %q", got.out)
	}

	got := m.run(t, "hold", "set", "--case", "2026-117", "--reason", "claim", "--contact", "email", "Kari@Example.no").ended(t, exitDone)
	onContact := "CASE      KIND   REASON  HELD              SET                   LIFTED\n" +
		"2026-117  legal  claim   contact " + key.Short() + "  2026-11-22T03:00:00Z  -\n"
	if diff := cmp.Diff([]string{onContact, ""}, []string{got.out, got.errors}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	m.run(t, "hold", "set", "--record", "messaging", "sub-0", "--kind", "restriction", "--case", "dsr-9", "--reason", "art-18").ended(t, exitDone)

	held, err := m.Holds.Held(t.Context(), []retention.Target{retention.SubjectTarget(key), retention.RecordTarget("messaging", "sub-0"), retention.RecordTarget("messaging", "sub-1")})
	if err != nil {
		t.Fatal(err)
	}
	want := purge.HeldTargets{retention.SubjectTarget(key): true, retention.RecordTarget("messaging", "sub-0"): true}
	if diff := cmp.Diff(want, held); diff != "" {
		t.Errorf("held (-want +got)\n%s", diff)
	}
	for shard := range retention.Shards {
		if epoch, err := m.Holds.Fence(t.Context(), retention.ShardName(shard)); err != nil || epoch != 2 {
			t.Fatalf("fence %d is at %d, %v; want 2", shard, epoch, err)
		}
	}

	if got := m.run(t, "hold", "lift", "--case", "2026-117").ended(t, exitDone); got.out != "holds of the case 2026-117 that were lifted: 1\n" {
		t.Errorf("it says %q", got.out)
	}
	got = m.run(t, "hold", "lift", "--case", "2026-117").ended(t, exitFailed)
	if !strings.Contains(got.errors, "no hold of this case stands") {
		t.Errorf("the second time it says %q", got.errors)
	}

	listed := answers[operator.HoldList](t, m.run(t, "hold", "list", "--json").ended(t, exitDone))[0]
	wantListed := operator.HoldList{Holds: []operator.Hold{
		{Hold: retention.Hold{Case: "2026-117", Kind: retention.Legal, Reason: "claim", Target: retention.SubjectTarget(key), SetAt: at, LiftedAt: at}},
		{Hold: retention.Hold{Case: "dsr-9", Kind: retention.Restriction, Reason: "art-18", Target: retention.RecordTarget("messaging", "sub-0"), SetAt: at}},
	}}
	if diff := cmp.Diff(wantListed, listed); diff != "" {
		t.Errorf("listed (-want +got)\n%s", diff)
	}
}

func TestContactIsHeldUnderEveryLiveKey(t *testing.T) {
	m := inMemory(t)
	older := m.Key(contact.Email, "kari@example.no")
	m.Rotate()
	newer := m.Key(contact.Email, "kari@example.no")
	if older == newer {
		t.Fatal("the keys were not rotated")
	}
	got := m.run(t, "hold", "set", "--case", "1", "--reason", "r", "--contact", "email", "kari@example.no").ended(t, exitDone)
	if one := "contact " + newer.Short() + ", " + older.Short() + "  "; !strings.Contains(got.out, one) || strings.Count(got.out, "\n") != 2 {
		t.Errorf("it says %q, want one hold of %s", got.out, one)
	}
	held, err := m.Holds.Held(t.Context(), []retention.Target{retention.SubjectTarget(older), retention.SubjectTarget(newer)})
	if err != nil {
		t.Fatal(err)
	}
	if !held[retention.SubjectTarget(older)] || !held[retention.SubjectTarget(newer)] {
		t.Errorf("held is %v", held)
	}

	m.run(t, "hold", "set", "--case", "1", "--reason", "another", "--contact", "email", "ola@example.no").ended(t, exitDone)
	listed := answers[operator.HoldList](t, m.run(t, "hold", "list", "--json").ended(t, exitDone))[0]
	if len(listed.Holds) != 2 || len(listed.Holds[0].Also) != 1 || len(listed.Holds[1].Also) != 1 {
		t.Errorf("listed are %+v, want two holds, each on two keys", listed.Holds)
	}
	if got := m.run(t, "hold", "lift", "--case", "1").ended(t, exitDone); got.out != "holds of the case 1 that were lifted: 2\n" {
		t.Errorf("it says %q", got.out)
	}
	if held, err := m.Holds.Held(t.Context(), []retention.Target{retention.SubjectTarget(older), retention.SubjectTarget(newer)}); err != nil || len(held) != 0 {
		t.Errorf("after lifting, held is %v, error %v", held, err)
	}
}

func TestHoldOnMissingRecordSaysSo(t *testing.T) {
	got := inMemory(t).run(t, "hold", "set", "--case", "1", "--reason", "r", "--record=messaging", "sub-81").ended(t, exitDone)
	if !strings.Contains(got.out, "record messaging sub-81") || !strings.Contains(got.errors, "there is no such record now") {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
}

func TestLateHoldStandsAndNamesItsRecords(t *testing.T) {
	m := inMemory(t)
	m.Store(day(2024, 11, 21))
	key := m.Key(contact.Email, "kari@example.no")
	m.Plant(t, "messaging", map[string]any{"id": "sub-9", "subject": string(key), names.AttrPurgingBy: "run-1"})
	for _, args := range [][]string{{"--contact", "email", "kari@example.no"}, {"--record", "messaging", "sub-9"}} {
		got := m.run(t, append([]string{"hold", "set", "--case", "1", "--reason", "r"}, args...)...).ended(t, exitFailed)
		if !strings.Contains(got.out, "1     legal") || !strings.Contains(got.errors, "too late") || !strings.Contains(got.errors, "record messaging sub-9\n") {
			t.Errorf("%v: it says %q and answers %q", args, got.errors, got.out)
		}
	}
}

func TestHeldNumberNeedsRegion(t *testing.T) {
	m := inMemory(t)
	args := []string{"hold", "set", "--case", "1", "--reason", "r", "--contact", "sms", "912 34 567"}
	m.run(t, args...).ended(t, exitUsage)
	got := m.run(t, append(args, "--region", "NO")...).ended(t, exitDone)
	if !strings.Contains(got.out, "contact "+m.Key(contact.SMS, "+4791234567").Short()) {
		t.Errorf("it answers %q", got.out)
	}
}
