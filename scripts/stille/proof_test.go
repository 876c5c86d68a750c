package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/retention"
)

func TestProofTellsWhatBecomesOfObjects(t *testing.T) {
	m := inMemory(t)
	put := func(id string, objects ...string) {
		record := retention.Record{ID: id, OccurredAt: at, Objects: objects}
		if _, err := m.Records.Put(t.Context(), "communication", record, func(retention.Record) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	put("conv-1", "s3://letters/1", "s3://letters/2")
	m.Plant(t, "communication", map[string]any{"id": "conv-2", "objects": []string{"s3://letters/1", "s3://letters/3", "s3://letters/4"}})
	put("conv-3")
	for id, want := range map[string]string{
		"conv-1": "objects  2, which go before it, every version\n",
		"conv-2": "objects  0, which go before it, every version; 1 belong to other records and stay; 2 belong to no record, and keep it here: stille mend communication\n",
		"conv-3": "",
	} {
		got := m.run(t, "proof", "communication", id).ended(t, exitDone).out
		if want == "" && strings.Contains(got, "objects") || !strings.Contains(got, want) {
			t.Errorf("%s: it says %q", id, got)
		}
	}
	got := answers[operator.Proof](t, m.run(t, "proof", "communication", "conv-2", "--json").ended(t, exitDone))[0]
	if got.Objects == nil || *got.Objects != (operator.ProvedObjects{Others: 1, Unclaimed: 2}) {
		t.Errorf("objects %+v", got.Objects)
	}
}

func TestProofTellsTheFateOfRecord(t *testing.T) {
	m := inMemory(t)
	m.Store(day(2024, 11, 21), day(2024, 11, 22), day(2024, 11, 20)) // due, kept, due
	for n, deleted := range [][]string{{"old-1"}, {"old-2"}, nil} {
		run := runOf([]string{"run-1", "run-2", "run-3"}[n], n)
		m.start(t, run)
		var macs []string
		for _, id := range deleted {
			macs = append(macs, operatortest.HMAC("messaging", id))
		}
		m.Certify(run, certificate.Completed, certificate.Counts{Due: len(macs), Deleted: len(macs)}, macs...)
	}
	m.run(t, "hold", "set", "--case", "C-17", "--reason", "claim", "--record", "messaging", "sub-2").ended(t, exitDone)
	m.run(t, "hold", "set", "--case", "C-18", "--reason", "claim", "--record", "messaging", "sub-0").ended(t, exitDone)
	m.run(t, "hold", "lift", "--case", "C-18").ended(t, exitDone)
	for _, c := range []struct {
		id   string
		fate operator.Fate
		code int
		says []string
	}{
		{"old-1", operator.FateDeleted, exitDone, []string{"in the run run-1\n", "on       2026-11-22T03:00:00Z", "no more from 2026-11-30 on", "next: stille certificate get run-1 --out run-1\n"}},
		{"old-2", operator.FateDeleted, exitDone, []string{"in the run run-2\n"}},
		{"sub-0", operator.FateDue, exitDone, []string{"kept through 2026-11-21, due from 2026-11-21T23:00:00Z\n", "the next purge of messaging takes it up"}},
		{"sub-1", operator.FateKept, exitDone, []string{"kept through 2026-11-22, due from 2026-11-22T23:00:00Z\n", "its day has not come"}},
		{"sub-2", operator.FateHeld, exitDone, []string{"by the case C-17 since 2026-11-22T03:00:00Z (legal)\n", "kept through 2026-11-20, due from"}},
		{"old-3", operator.FateUnknown, exitNo, []string{"messaging has no such record, and no certificate lists one\n"}},
	} {
		t.Run(c.id, func(t *testing.T) {
			got := m.run(t, "proof", "messaging", c.id).ended(t, c.code)
			for _, says := range c.says {
				if !strings.Contains(got.out, says) {
					t.Errorf("it does not say %q:\n%s", says, got.out)
				}
			}
			inJSON := answers[operator.Proof](t, m.run(t, "proof", "messaging", c.id, "--json").ended(t, c.code))[0]
			if inJSON.Fate != c.fate || inJSON.ID != c.id {
				t.Errorf("in JSON it answers %+v", inJSON)
			}
		})
	}
}

func TestProofNamesRunsWithoutCertificate(t *testing.T) {
	m := inMemory(t)
	m.start(t, run1())
	got := answers[operator.Proof](t, m.run(t, "proof", "messaging", "sub-9", "--json").ended(t, exitNo))[0]
	want := operator.Proof{Class: "messaging", ID: "sub-9", Fate: operator.FateUnknown, NotCertified: []string{"run-1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestInvalidCertificateProvesNothing(t *testing.T) {
	m := inMemory(t)
	m.start(t, run1())
	m.Certify(run1(), certificate.Completed, certificate.Counts{Due: 1, Deleted: 1}, operatortest.HMAC("messaging", "old-1"))
	sealed := m.Bucket["run-1"]
	sealed.List = []byte(operatortest.HMAC("messaging", "sub-9") + "\n")
	m.Bucket["run-1"] = sealed
	got := m.run(t, "proof", "messaging", "sub-9").ended(t, exitFailed)
	if !strings.Contains(got.errors, certificate.ErrInvalid.Error()) || got.out != "" {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
}

func TestProofNamesTheLawAndItsDay(t *testing.T) {
	for name, c := range map[string]struct {
		proof operator.Proof
		want  string
	}{
		"withdrawn": {
			operator.Proof{KeptUntil: "2029-08-31", KeptThrough: "2029-08-31", DueFrom: day(2029, 9, 1), Withdrawn: day(2026, 11, 21)},
			"kept     by law bokføringsloven § 13 until 2029-08-31\nday      kept through 2029-08-31, due from 2029-09-01T12:00:00Z\n",
		},
		"not ended": {operator.Proof{Withdrawn: day(2026, 11, 21)}, "kept     by law bokføringsloven § 13 until a day that the end of the record sets\nday      none: it has not ended\n"},
	} {
		c.proof.Fate, c.proof.KeptBy = operator.FateLaw, "bokføringsloven § 13"
		if diff := cmp.Diff(c.want, textOf(t, "proof", c.proof)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestProofOfUnreadableRecordSaysWhatIsTrue(t *testing.T) {
	m := inMemory(t)
	m.Plant(t, "messaging", map[string]any{"id": "sub-7", "retentionStart": "yesterday"})
	got := m.run(t, "proof", "messaging", "sub-7").ended(t, exitFailed)
	if !strings.Contains(got.errors, "the record is there") || !strings.Contains(got.errors, "no purge deletes it") || got.out != "" {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
}

func TestProofTellsWithdrawalAndMark(t *testing.T) {
	m := inMemory(t)
	m.Store(day(2026, 11, 1))
	stored, err := m.Records.Get(t.Context(), "messaging", "sub-0")
	if err != nil {
		t.Fatal(err)
	}
	if done, err := m.Records.Withdraw(t.Context(), "messaging", stored, day(2026, 11, 21)); err != nil || !done {
		t.Fatalf("withdrawn %v, error %v", done, err)
	}
	got := m.run(t, "proof", "messaging", "sub-0").ended(t, exitDone)
	want := "due      it is still here, and the next purge of messaging takes it up\n" +
		"day      withdrawn, so due from 2026-11-21T12:00:00Z\n"
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	m.Plant(t, "messaging", map[string]any{"id": "marked", "purgingBy": "run-7"})
	got = m.run(t, "proof", "messaging", "marked").ended(t, exitDone)
	want = "purging  the run run-7 has marked it: its objects go, and then it goes\n" +
		"day      none: it has not ended\n"
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
