package retention_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/retention"
)

func TestHoldsAreRepairedFromTheirHistory(t *testing.T) {
	minute := func(n int) time.Time { return instant(t, "2026-05-01T10:00:00Z").Add(time.Duration(n) * time.Minute) }
	set := func(at int) retention.Hold {
		return retention.Hold{Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: retention.RecordTarget("contact", "a"), SetAt: minute(at), SetBy: "kari"}
	}
	lifted := func(hold retention.Hold, at int) retention.Hold {
		hold.LiftedAt, hold.LiftedBy = minute(at), "ola"
		return hold
	}
	other := set(0)
	other.Case = "c-2"
	for name, c := range map[string]struct {
		events, stored []retention.Hold
		want           []retention.HoldRepair
	}{
		"the table has it":            {events: []retention.Hold{set(0)}, stored: []retention.Hold{set(0)}},
		"the table is lost":           {events: []retention.Hold{set(0)}, want: []retention.HoldRepair{{Is: set(0)}}},
		"lifted before the loss":      {events: []retention.Hold{set(0), lifted(set(0), 60)}, want: []retention.HoldRepair{{Is: lifted(set(0), 60)}}},
		"lifted after the backup":     {events: []retention.Hold{lifted(set(0), 60), set(0)}, stored: []retention.Hold{set(0)}, want: []retention.HoldRepair{{Was: set(0), Is: lifted(set(0), 60)}}},
		"lifted within a minute":      {events: []retention.Hold{set(0), lifted(set(0), 1)}, want: []retention.HoldRepair{{Is: lifted(set(0), 1)}}},
		"renewed":                     {events: []retention.Hold{set(0), set(60)}, stored: []retention.Hold{set(0)}, want: []retention.HoldRepair{{Was: set(0), Is: set(60)}}},
		"renewed, then lifted":        {events: []retention.Hold{set(0), set(60), lifted(set(60), 120)}, want: []retention.HoldRepair{{Is: lifted(set(60), 120)}}},
		"set again after the lifting": {events: []retention.Hold{set(0), lifted(set(0), 60), set(120)}, stored: []retention.Hold{lifted(set(0), 60)}, want: []retention.HoldRepair{{Was: lifted(set(0), 60), Is: set(120)}}},
		"set again by a slow clock":   {events: []retention.Hold{set(4), lifted(set(4), 4), set(2)}, want: []retention.HoldRepair{{Is: set(2)}}},
		"set five minutes before":     {events: []retention.Hold{set(4), lifted(set(4), 7), set(2)}, want: []retention.HoldRepair{{Is: lifted(set(4), 7)}}},
		"set and lifted at one time":  {events: []retention.Hold{set(0), lifted(set(0), 0)}, want: []retention.HoldRepair{{Is: lifted(set(0), 0)}}},
		"newer than the history":      {events: []retention.Hold{set(0), lifted(set(0), 60)}, stored: []retention.Hold{set(120)}},
		"no history":                  {stored: []retention.Hold{set(0)}},
		"two cases":                   {events: []retention.Hold{set(0), other, lifted(other, 60)}, stored: []retention.Hold{other}, want: []retention.HoldRepair{{Is: set(0)}, {Was: other, Is: lifted(other, 60)}}},
	} {
		if diff := cmp.Diff(c.want, retention.RepairHolds(c.events, c.stored)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
