package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/purge"
	"stille/shared/retention"
)

// warning is what is said of a hold that covers nothing.
func warning(what string) string {
	return "warning: the hold on " + what + " covers 0 records now: is it typed right? The hold stands and keeps what comes later\n"
}

func TestALiftedRestrictionNamesTheSilenceThatStays(t *testing.T) {
	m := inMemory(t)
	m.run(t, "hold", "set", "--case", "dsr-9", "--reason", "art-18", "--kind", "restriction", "--contact", "email", "kari@example.no", "--record", "messaging", "sub-1").ended(t, exitDone)
	want := "holds of the case dsr-9 that were lifted: 2\nmarketing to 1 restricted contact stays stopped\n\n" +
		"next: stille subject unrestrict CHANNEL ADDRESS   (for each contact that may get marketing again)\n"
	if got := m.run(t, "hold", "lift", "--case", "dsr-9").ended(t, exitDone); got.out != want {
		t.Errorf("it says %q", got.out)
	}
	m.run(t, "check", "email", "kari@example.no", "--scope", "acme").ended(t, exitNo)
	m.run(t, "subject", "unrestrict", "email", "kari@example.no", "--out", t.TempDir()).ended(t, exitDone)
	m.run(t, "check", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
}

func TestHoldsAreSetListedAndLifted(t *testing.T) {
	m := inMemory(t)
	m.Store(day(2024, 11, 21))
	key := m.Key(contact.Email, "kari@example.no")
	if got := m.run(t, "hold", "list").ended(t, exitDone); got.out != "there are no holds\n" {
		t.Errorf("it says %q", got.out)
	}

	got := m.run(t, "hold", "set", "--case", "2026-117", "--reason", "claim", "--contact", "email", "Kari@Example.no").ended(t, exitDone)
	onContact := "held for the case 2026-117 (legal, claim) from 2026-11-22T03:00:00Z on\n" +
		"contact " + key.Short() + " covers 0 records now\n\n" +
		"next: stille hold lift --case 2026-117   (when the case is over)\n"
	if diff := cmp.Diff([]string{onContact, warning("contact " + key.Short())}, []string{got.out, got.errors}); diff != "" {
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
		{Hold: retention.Hold{Case: "2026-117", Kind: retention.Legal, Reason: "claim", Target: retention.SubjectTarget(key), SetAt: at, SetBy: m.Who, LiftedAt: at, LiftedBy: m.Who}},
		{Hold: retention.Hold{Case: "dsr-9", Kind: retention.Restriction, Reason: "art-18", Target: retention.RecordTarget("messaging", "sub-0"), SetAt: at, SetBy: m.Who}},
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
	if one := "contact " + newer.Short() + ", " + older.Short() + " covers"; !strings.Contains(got.out, one) || strings.Count(got.out, "covers") != 1 {
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
	if !strings.Contains(got.out, "record messaging sub-81 covers 0 records now\n") || got.errors != warning("record messaging sub-81") {
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
		if !strings.Contains(got.out, "covers 1 records now") || !strings.Contains(got.errors, "too late") || !strings.Contains(got.errors, "record messaging sub-9\n") {
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

func TestEveryFlagAndFileOfHoldCounts(t *testing.T) {
	m := inMemory(t)
	m.Store(day(2024, 11, 21), day(2024, 11, 22), day(2024, 11, 23))
	people := []string{"kari@example.no", "ola@example.no", "per@example.no"}
	for i, person := range people {
		m.Plant(t, "messaging", map[string]any{"id": fmt.Sprint("of-", i), "subject": string(m.Key(contact.Email, person))})
	}
	file := fileOf(t, "claim.csv", "\ufeffclass;id\r\nmessaging;sub-1\r\n\r\nmessaging;sub-2\r\nmessaging;sub-1\r\n")
	other := fileOf(t, "claim.ndjson", `{"channel":"email","address":"Per@Example.no"}`+"\n"+`{"class":"messaging","id":"sub-9"}`+"\n")
	got := m.run(t, "hold", "set", "--case", "C-1", "--reason", "claim", "--contact", "email", people[0], "--record", "messaging", "sub-0",
		"--contact", "email", people[1], "--file", file, "--record", "messaging", "of-0", "--file", other, "--json").ended(t, exitDone)
	covers := map[string]int{}
	for _, hold := range answers[operator.HoldList](t, got)[0].Holds {
		covers[hold.What()] = *hold.Covers
	}
	want := map[string]int{
		"record messaging sub-0": 1, "record messaging sub-1": 1, "record messaging sub-2": 1, "record messaging of-0": 1, "record messaging sub-9": 0,
	}
	for _, person := range people {
		want["contact "+m.Key(contact.Email, person).Short()] = 1
	}
	if diff := cmp.Diff(want, covers); diff != "" {
		t.Errorf("covered (-want +got)\n%s", diff)
	}
	if got.errors != warning("record messaging sub-9") {
		t.Errorf("it says %q", got.errors)
	}
	if got := m.run(t, "hold", "lift", "--case", "C-1").ended(t, exitDone); got.out != "holds of the case C-1 that were lifted: 8\n" {
		t.Errorf("it says %q", got.out)
	}
}

func TestOneBadLineSetsNoHold(t *testing.T) {
	m := inMemory(t)
	file := fileOf(t, "claim.csv", "channel,address,class,id\nemail,kari@example.no,,\nemail,kari,,\nfax,kari@example.no,,\n"+
		",,messaging,\n,,letters,sub-1\nemail,kari@example.no,messaging,sub-1\nemail,kari@example.no\n,,messaging,ola@example.no\n,,messaging,sub-1\n")
	got := m.run(t, "hold", "set", "--case", "C-1", "--reason", "claim", "--file", file, "--contact", "sms", "12", "--contact", "email", "ola@example.no").ended(t, exitUsage)
	for _, line := range []string{"--contact: ", "line 3: ", "line 4: ", "line 5: ", "line 6: ", "line 7: ", "line 8: ", "line 9: "} {
		if strings.Count(got.errors, line) != 1 {
			t.Errorf("%q is not named once in %q", line, got.errors)
		}
	}
	if strings.Contains(got.errors, "line 2: ") || strings.Contains(got.errors, "line 10: ") || strings.Contains(got.errors, "example") {
		t.Errorf("it says %q", got.errors)
	}
	if all, err := m.Holds.List(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("held are %v, error %v", all, err)
	}
	for what, content := range map[string]string{"nothing": "", "no row": "channel,address\n", "no header": "email,kari@example.no\n", "another column": "channel,address,phone\n"} {
		m.run(t, "hold", "set", "--case", "C-1", "--reason", "claim", "--file", fileOf(t, "file.csv", content)).ended(t, exitUsage)
		if all, err := m.Holds.List(t.Context()); err != nil || len(all) > 0 {
			t.Errorf("%s: held are %v, error %v", what, all, err)
		}
	}
	m.run(t, "hold", "set", "--case", "C-1", "--reason", "claim").ended(t, exitUsage)
}

func TestHistoryOfHoldOverwritesNothing(t *testing.T) {
	m := inMemory(t)
	key := m.Key(contact.Email, "kari@example.no")
	set := []string{"hold", "set", "--case", "C-1", "--reason", "claim", "--contact", "email", "kari@example.no"}
	m.run(t, set...).ended(t, exitDone)
	m.Who = "arn:aws:iam::1:user/ola"
	m.run(t, "hold", "lift", "--case", "C-1").ended(t, exitDone)
	m.run(t, set...).ended(t, exitDone)
	got := answers[operator.HoldHistory](t, m.run(t, "hold", "history", "--case", "C-1", "--json").ended(t, exitDone))[0]
	event := operator.HoldEvent{Event: "set", At: at, By: "arn:aws:iam::1:user/operator", Kind: retention.Legal, Reason: "claim", Target: retention.SubjectTarget(key)}
	lifted, again := event, event
	lifted.Event, lifted.By, again.By = "lifted", m.Who, m.Who
	if diff := cmp.Diff(operator.HoldHistory{Case: "C-1", Events: []operator.HoldEvent{event, lifted, again}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if text := m.run(t, "hold", "history", "--case", "C-1").ended(t, exitDone).out; strings.Count(text, "set") != 2 || strings.Count(text, "lifted") != 1 {
		t.Errorf("it says %q", text)
	}
	m.run(t, "hold", "history", "--case", "C-2").ended(t, exitFailed)
}

func TestARestrictingHoldStopsMarketing(t *testing.T) {
	m := inMemory(t)
	key := m.Key(contact.Email, "kari@example.no")
	set := func(kind string) {
		m.run(t, "hold", "set", "--case", "dsr-"+kind, "--reason", "art-18", "--kind", kind, "--contact", "email", "kari@example.no").ended(t, exitDone)
	}
	set("legal")
	if active := m.List.Active(key); len(active) > 0 {
		t.Errorf("a legal hold silences: %v", active)
	}
	set("restriction")
	if diff := cmp.Diff([]string{"restriction in *, from operator"}, m.List.Active(key)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	m.run(t, "subject", "unrestrict", "email", "kari@example.no", "--out", t.TempDir()).ended(t, exitDone)
	if active := m.List.Active(key); len(active) > 0 {
		t.Errorf("after the end of the restriction: %v", active)
	}
}

func TestARestrictionNeedsNoReason(t *testing.T) {
	m := inMemory(t)
	got := m.run(t, "subject", "restrict", "email", "kari@example.no", "--case", "dsr-9", "--out", t.TempDir()).ended(t, exitDone)
	if !strings.Contains(got.out, "reason   art-18\n") {
		t.Errorf("it says %q", got.out)
	}
}
