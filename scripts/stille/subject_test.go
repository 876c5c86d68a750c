package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
	"stille/shared/retention"
)

// about stores records about a contact, as stamp leaves them.
func (m memory) about(t *testing.T, class string, subject contact.Key, ids ...string) {
	t.Helper()
	for _, id := range ids {
		at := retention.Sort(day(2026, 11, 1))
		m.Plant(t, class, map[string]any{"id": id, "subject": string(subject), "scope": "acme", "basis": "customer", "occurredAt": at})
	}
}

// erase erases kari and returns the answer.
func (m memory) erase(t *testing.T, args ...string) operator.Erased {
	t.Helper()
	got := m.run(t, append([]string{"subject", "erase", "email", "kari@example.no", "--out", t.TempDir(), "--json"}, args...)...).ended(t, exitDone)
	return answers[operator.Erased](t, got)[0]
}

// proves is the exit code that the proof of a receipt must end with, and the fate
// of each record.
func (m memory) proves(t *testing.T, receipt string, code int, want map[string]operator.Fate) operator.ErasureProof {
	t.Helper()
	got := answers[operator.ErasureProof](t, m.run(t, "subject", "proof", receipt, "--json").ended(t, code))[0]
	fates := map[string]operator.Fate{}
	for _, r := range got.Records {
		fates[r.Class+" "+r.ID] = r.Fate
	}
	if diff := cmp.Diff(want, fates); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	return got
}

// certify certifies a purge of a class that deleted records.
func (m memory) certify(t *testing.T, run string, n int, class string, ids ...string) {
	t.Helper()
	r := runOf(run, n)
	r.Class = class
	m.start(t, r)
	macs := []string{}
	for _, id := range ids {
		macs = append(macs, operatortest.HMAC(class, id))
	}
	slices.Sort(macs)
	m.Certify(r, certificate.Completed, certificate.Counts{Due: len(macs), Deleted: len(macs)}, macs...)
}

func TestReceiptTellsWhatBecameOfEachRecord(t *testing.T) {
	m := inMemory(t)
	older := m.Key(contact.Email, "kari@example.no")
	m.about(t, "service", older, "order-1")
	m.Rotate()
	kari := m.Key(contact.Email, "kari@example.no")
	m.about(t, "messaging", kari, "sub-1", "sub-2", "kari@example.no") // others write what they like
	m.about(t, "messaging", m.Key(contact.Email, "ola@example.no"), "sub-9")
	m.hold(t, retention.RecordTarget("messaging", "sub-2"))

	erased := m.erase(t, "--case", "dsr-9")
	content, err := os.ReadFile(erased.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, hidden := range []string{"kari@", string(kari), string(older), "sub-9"} {
		if strings.Contains(string(content), hidden) {
			t.Errorf("the receipt tells %s", hidden)
		}
	}
	var kept operator.Erased
	if err := json.Unmarshal(content, &kept); err != nil {
		t.Fatal(err)
	}
	want := []operator.ErasedRecord{
		{Class: "messaging", HMAC: operatortest.HMAC("messaging", "kari@example.no")},
		{Class: "messaging", ID: "sub-1", HMAC: operatortest.HMAC("messaging", "sub-1")},
		{Class: "messaging", ID: "sub-2", HMAC: operatortest.HMAC("messaging", "sub-2")},
		{Class: "service", ID: "order-1", HMAC: operatortest.HMAC("service", "order-1")},
	}
	if diff := cmp.Diff(want, kept.Records); diff != "" || kept.ProofKey == "" || kept.At != at {
		t.Errorf("proof key %q, at %v, records (-want +got)\n%s", kept.ProofKey, kept.At, diff)
	}

	fates := map[string]operator.Fate{
		"messaging ": operator.FateUnknown, "messaging sub-1": operator.FateKept, "messaging sub-2": operator.FateHeld, "service order-1": operator.FateKept,
	}
	for _, r := range m.proves(t, erased.File, exitNo, fates).Records {
		if r.NextPurge.IsZero() == (r.Fate != operator.FateHeld) {
			t.Errorf("the next purge of %s %s is at %v", r.Class, r.ID, r.NextPurge)
		}
	}
	m.Remove(t, "messaging", "sub-1")
	m.Remove(t, "messaging", "kari@example.no")
	m.certify(t, "run-a", 0, "messaging", "sub-1", "kari@example.no")
	m.Remove(t, "service", "order-1")
	maps.Copy(fates, map[string]operator.Fate{"messaging ": operator.FateDeleted, "messaging sub-1": operator.FateDeleted, "service order-1": operator.FateUnknown})
	m.proves(t, erased.File, exitNo, fates)
	m.certify(t, "run-b", 1, "service", "order-1")
	fates["service order-1"] = operator.FateDeleted
	m.proves(t, erased.File, exitDone, fates)

	got := m.run(t, "subject", "proof", erased.File).ended(t, exitDone)
	for _, says := range []string{
		"record   messaging sub-1\ndeleted  in the run run-a, that ended 2026-11-22T03:00:00Z\n", "record   messaging sub-2\nheld     by the case C-17 (legal)\n",
		"record   service order-1\ndeleted  in the run run-b, ", "4 records, 0 waiting\nerasure  at ",
	} {
		if !strings.Contains(got.out, says) {
			t.Errorf("it does not say %q:\n%s", says, got.out)
		}
	}
}

func TestReceiptTellsNewerRecordsApart(t *testing.T) {
	m := inMemory(t)
	kari := m.Key(contact.Email, "kari@example.no")
	m.about(t, "messaging", kari, "sub-1", "sub-2")
	m.about(t, "service", kari, "order-1", "order-2")
	erased := m.erase(t)
	later := retention.Sort(day(2026, 11, 23))
	for _, id := range []string{"sub-1", "sub-2"} {
		m.Plant(t, "messaging", map[string]any{"id": id, "subject": string(kari), "scope": "acme", "basis": "customer", "occurredAt": later})
	}
	for _, id := range []string{"order-1", "order-2"} {
		m.Plant(t, "service", map[string]any{"id": id, "subject": string(kari), "scope": "acme", "basis": "customer", "occurredAt": later})
	}
	fates := map[string]operator.Fate{
		"messaging sub-1": operator.FateReplaced, "messaging sub-2": operator.FateReplaced, "service order-1": operator.FateKept, "service order-2": operator.FateKept,
	}
	m.proves(t, erased.File, exitNo, fates)
	m.certify(t, "run-a", 0, "service", "order-1", "order-2") // and both were stored again
	m.certify(t, "run-b", 1, "messaging", "sub-1")
	maps.Copy(fates, map[string]operator.Fate{"messaging sub-1": operator.FateDeleted, "service order-1": operator.FateDeleted, "service order-2": operator.FateDeleted})
	m.proves(t, erased.File, exitDone, fates)
}

func TestAReceiptOfAnEmptyErasureIsProved(t *testing.T) {
	m := inMemory(t)
	m.proves(t, m.erase(t).File, exitDone, map[string]operator.Fate{})
}

func TestAChangedReceiptProvesNothing(t *testing.T) {
	m := inMemory(t)
	m.about(t, "messaging", m.Key(contact.Email, "kari@example.no"), "sub-1")
	erased := m.erase(t)
	content, err := os.ReadFile(erased.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, from, to string
		code           int
	}{
		{"another record", `"id": "sub-1"`, `"id": "sub-2"`, exitFailed},
		{"another request", `"asked": "erase"`, `"asked": "export"`, exitUsage},
		{"without its records", `"records": [`, `"others": [`, exitUsage},
		{"no JSON", `{`, `kari@example.no`, exitUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(string(content), c.from, c.to, 1)
			file := filepath.Join(t.TempDir(), "changed.json")
			if err := os.WriteFile(file, []byte(changed), 0o600); err != nil || changed == string(content) {
				t.Fatalf("not changed, error %v", err)
			}
			if got := m.run(t, "subject", "proof", file).ended(t, c.code); got.out != "" || strings.Contains(got.errors, "kari@") {
				t.Errorf("it answers %q and says %q", got.out, got.errors)
			}
		})
	}
}

func TestEachRequestLeavesAReceiptFile(t *testing.T) {
	m := inMemory(t)
	out := t.TempDir()
	for _, args := range [][]string{
		{"restrict", "--case", "dsr-9", "--reason", "art-18"}, {"unrestrict"}, {"erase"},
	} {
		got := m.run(t, slices.Concat([]string{"subject", args[0], "email", "kari@example.no", "--out", out, "--json"}, args[1:])...).ended(t, exitDone)
		file := answers[operator.Receipt](t, got)[0].File
		var kept operator.Receipt
		content, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(content, &kept)
		}
		if err != nil || kept.Asked != args[0] || filepath.Dir(file) != out {
			t.Errorf("%s: the file %s is a receipt of %q, error %v", args[0], file, kept.Asked, err)
		}
	}
}

func TestEachContactOfAFileGetsAReceipt(t *testing.T) {
	m := inMemory(t)
	file := fileOf(t, "dsr.csv", "channel,address,region\nemail,kari@example.no,\nsms,912 34 567,NO\n")
	for _, asked := range []string{"export", "restrict", "unrestrict", "erase"} {
		args := []string{"subject", asked, "--file", file, "--out", t.TempDir(), "--json"}
		if asked == "restrict" {
			args = append(args, "--case", "dsr-9")
		}
		var of []string
		for _, r := range answers[operator.Receipt](t, m.run(t, args...).ended(t, exitDone)) {
			if _, err := os.Stat(r.File); err != nil || r.Asked != asked {
				t.Errorf("%s: the receipt of %q: %v", asked, r.Asked, err)
			}
			of = append(of, r.Keys[0])
		}
		want := []string{m.Key(contact.Email, "kari@example.no").Short(), m.Key(contact.SMS, "+4791234567").Short()}
		if diff := cmp.Diff(want, of); diff != "" {
			t.Errorf("%s (-want +got)\n%s", asked, diff)
		}
	}
}

func TestAFailedRequestStopsNoOther(t *testing.T) {
	m := inMemory(t)
	m.run(t, "subject", "restrict", "email", "ola@example.no", "--case", "dsr-9", "--out", t.TempDir()).ended(t, exitDone)
	file := fileOf(t, "dsr.csv", "channel,address\nemail,kari@example.no\nemail,ola@example.no\n")
	got := m.run(t, "subject", "unrestrict", "--file", file, "--out", t.TempDir()).ended(t, exitFailed)
	if !strings.Contains(got.out, "lifted   1") || !strings.HasPrefix(got.errors, "stille: dsr.csv, line 2: no such restriction") {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
}

func TestAFileOfPeopleIsReadWholeFirst(t *testing.T) {
	m := inMemory(t)
	for says, content := range map[string]string{
		"dsr.csv, line 3: the address cannot be read: no @\ndsr.csv, line 4: the channel must be email or sms": "channel,address\nemail,kari@example.no\nemail,kari\nfax,kari@example.no\n",
		"dsr.csv, line 2: must have channel and address alone":                                                 "class,id\nmessaging,sub-1\n",
		"it lists nothing": "channel,address\n",
	} {
		got := m.run(t, "subject", "erase", "--file", fileOf(t, "dsr.csv", content)).ended(t, exitUsage)
		if !strings.Contains(got.errors, says) {
			t.Errorf("it says %q, want %q", got.errors, says)
		}
	}
	if active := m.List.Active(m.Key(contact.Email, "kari@example.no")); len(active) > 0 {
		t.Errorf("something is done: %v", active)
	}
}
