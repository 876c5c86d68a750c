//go:build store

package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// keep stores a record about a contact in a class, as it is once stamp has
// seen it. It has not ended.
func (d *deployed) keep(t *testing.T, class, id string, subject contact.Key) {
	t.Helper()
	record := retention.Record{
		ID: id, Subject: subject, Scope: "acme", Basis: retention.Customer, OccurredAt: day(2026, 1, 2), Data: json.RawMessage(`{"name":"Kari"}`),
	}
	var only []contact.Key
	if class == retention.Messaging {
		only = []contact.Key{subject}
	}
	if _, err := d.records.Put(t.Context(), class, record, func(retention.Record) error { return nil }, only...); err != nil {
		t.Fatal(err)
	}
	stored, err := d.records.Get(t.Context(), class, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.records.Stamp(t.Context(), class, stored, ""); err != nil {
		t.Fatal(err)
	}
}

// propagate carries what the list knows of a contact on to its records, as the
// function of that name does.
func (d *deployed) propagate(t *testing.T, keys ...contact.Key) {
	t.Helper()
	item, err := d.suppressions.Get(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, class := range []string{"communication", "messaging", "contact", "service"} {
		for _, record := range d.recordsOf(t, class, keys) {
			if at := suppression.WithdrawnAt(item, class, record.Scope, record.OccurredAt); !at.IsZero() {
				if _, err := d.records.Withdraw(t.Context(), class, record, at); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// recordsOf reads the records of a class about the contact with these keys.
func (d *deployed) recordsOf(t *testing.T, class string, keys []contact.Key) []retention.Stored {
	t.Helper()
	var records []retention.Stored
	for _, key := range keys {
		ids, err := d.records.OfSubject(t.Context(), class, key)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			record, err := d.records.Get(t.Context(), class, id)
			if errors.Is(err, retention.ErrUnreadable) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, record)
		}
	}
	return records
}

// purge deletes what is due in a class.
func (d *deployed) purge(t *testing.T, name string) {
	t.Helper()
	class, _, err := d.on.Class(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	worker := purge.Worker{
		Records: d.records, Deleter: dynamo.NewDeleter(dynamotest.Client(t), d.name), Holds: d.holds, Manifest: &purgetest.Memory{}, Stopped: dynamo.NewRuns(dynamotest.Client(t), d.name).Stopped,
		Log: slog.New(slog.DiscardHandler),
	}
	for n := range retention.Shards {
		work := purge.Work{Class: name, Run: "run-1", Cutoff: at, Shard: retention.ShardName(n), PolicyHash: class.Hash()}
		if _, err := worker.Shard(t.Context(), class, work, func() bool { return true }); err != nil {
			t.Fatal(err)
		}
	}
}

func (d *deployed) isThere(t *testing.T, class, id string) bool {
	t.Helper()
	_, err := d.records.Get(t.Context(), class, id)
	if err != nil && !errors.Is(err, retention.ErrNoRecord) {
		t.Fatal(err)
	}
	return err == nil
}

func TestAnErasureIsPurgedExceptWhatIsHeld(t *testing.T) {
	d := deploy(t)
	t.Chdir(t.TempDir())
	kari, other := d.key(t, contact.Email, "kari@example.no"), d.key(t, contact.SMS, "+4791234567")
	d.keep(t, "messaging", "sub-1", kari)
	d.keep(t, "communication", "conv-1", kari)
	d.keep(t, "communication", "conv-2", kari)
	d.keep(t, "communication", "conv-3", other) // her other channel
	d.run(t, "hold", "set", "--case", "C-16", "--reason", "r", "--contact", "email", "kari@example.no").ended(t, exitDone)
	d.run(t, "hold", "lift", "--case", "C-16").ended(t, exitDone)
	d.hold(t, retention.RecordTarget("communication", "conv-2"))
	dynamotest.Put(t, dynamotest.Client(t), d.name.Records("contact"), map[string]any{"id": "card-1", "subject": string(kari), "occurredAt": "yesterday"})

	got := d.run(t, "subject", "erase", "email", " Kari@Example.no", "--case", "dsr-9").ended(t, exitDone)
	entries, err := d.suppressions.History(t.Context(), kari)
	if err != nil || len(entries) != 1 {
		t.Fatalf("the ledger has %d entries, error %v", len(entries), err)
	}
	receipt := "subject-" + kari.Short() + "-erase-20261122T030000.000Z-receipt.json"
	want := `receipt  erase of the email contact ` + kari.Short() + `
at       2026-11-22T03:00:00Z
by       arn:aws:iam::1:user/operator
case     dsr-9
ledger   ` + entries[0].ID + `
file     ` + receipt + `

The contact is silenced in every scope, and its records are due.

goes
  communication: 1 of 2 records, with the purge at 2026-11-23T02:30:00Z
  messaging: 1 of 1 records, with the purge at 2026-11-23T02:40:00Z
  and whatever arrives late and occurred before
stays
  the opt-out, as the keyed hash ` + kari.Short() + ` and its history: without it somebody could be sent to again
  backups of what goes, for 7 days after that
  record communication conv-2: held by C-17
  record contact card-1: it cannot be read, so no purge takes it; mend it or delete it by hand

next, in a minute, to see what is due: stille purge plan communication
then, to see what became of each record: stille subject proof ` + receipt + `
`
	if diff := cmp.Diff([]string{want, ""}, []string{got.out, got.errors}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, id := range []string{"conv-1", "conv-2"} {
		if !d.isThere(t, "communication", id) {
			t.Errorf("%s: the erasure deleted it itself", id)
		}
	}
	d.propagate(t, kari)
	for _, class := range []string{"communication", "messaging"} {
		d.purge(t, class)
	}
	for id, stays := range map[string]bool{"conv-1": false, "conv-2": true, "conv-3": true} {
		if d.isThere(t, "communication", id) != stays {
			t.Errorf("%s is there: %v, want %v", id, !stays, stays)
		}
	}
	if d.isThere(t, "messaging", "sub-1") {
		t.Error("sub-1 is still there")
	}
	if got := d.run(t, "check", "email", "kari@example.no", "--scope", "globex").ended(t, exitNo); !strings.HasPrefix(got.out, "do not send: erasure in * since") {
		t.Errorf("after the purge a check says %q", got.out)
	}
	if got := d.run(t, "check", "sms", "+4791234567").ended(t, exitDone); got.out != "send\n" {
		t.Errorf("of the other channel a check says %q", got.out)
	}
}

func TestARepeatedErasureNamesTheSameEntry(t *testing.T) {
	d := deploy(t)
	t.Chdir(t.TempDir())
	kari := d.key(t, contact.Email, "kari@example.no")
	erase := []string{"subject", "erase", "email", "kari@example.no", "--json"}
	first := answers[operator.Erased](t, d.run(t, erase...).ended(t, exitDone))[0]
	again := answers[operator.Erased](t, d.run(t, erase...).ended(t, exitDone))[0]
	if first.Effect != suppression.Added || again.Effect != suppression.NoEffect || first.Ledger == "" || first.Ledger != again.Ledger {
		t.Errorf("first %q, entry %s; again %q, entry %s", first.Effect, first.Ledger, again.Effect, again.Ledger)
	}
	wantReceipt := operator.Receipt{
		Asked: "erase", Channel: contact.Email, Keys: []string{kari.Short()}, At: at, By: "arn:aws:iam::1:user/operator", Ledger: first.Ledger,
		File: first.File,
	}
	if diff := cmp.Diff(wantReceipt, first.Receipt); diff != "" {
		t.Errorf("receipt (-want +got)\n%s", diff)
	}
	if got := d.run(t, erase[:4]...).ended(t, exitDone); !strings.Contains(got.out, "The same was said before, and stands.\n") ||
		!strings.Contains(got.out, "nothing: there is no record of the contact that a purge could take") || strings.Contains(got.out, "next") {
		t.Errorf("it says\n%s", got.out)
	}
}

func TestAnErasureReachesRecordsUnderOlderKeys(t *testing.T) {
	d := deploy(t)
	t.Chdir(t.TempDir())
	older := d.key(t, contact.Email, "kari@example.no")
	d.keep(t, "service", "order-1", older)
	d.rotate(t)
	newer := d.key(t, contact.Email, "kari@example.no")
	got := answers[operator.Erased](t, d.run(t, "subject", "erase", "email", "kari@example.no", "--json").ended(t, exitDone))[0]
	service := got.Classes[slices.IndexFunc(got.Classes, func(c operator.ErasedClass) bool { return c.Class == "service" })]
	if service.Going != 1 || !slices.Equal(got.Keys, []string{newer.Short(), older.Short()}) {
		t.Errorf("going %d, keys %v", service.Going, got.Keys)
	}
	d.propagate(t, newer, older)
	if d.purge(t, "service"); d.isThere(t, "service", "order-1") {
		t.Error("the record under the older key is still there")
	}
}

func TestNoPurgeDeletesARestrictedContact(t *testing.T) {
	d := deploy(t)
	t.Chdir(t.TempDir())
	older := d.key(t, contact.Email, "kari@example.no")
	d.keep(t, "messaging", "sub-1", older)
	d.rotate(t)
	kari := d.key(t, contact.Email, "kari@example.no")
	got := d.run(t, "subject", "restrict", "email", "kari@example.no", "--case", "dsr-9", "--reason", "art-18").ended(t, exitDone)
	want := "receipt  restrict of the email contact " + kari.Short() + ", " + older.Short() + "\nat       2026-11-22T03:00:00Z\nby       arn:aws:iam::1:user/operator\ncase     dsr-9\n" +
		"file     subject-" + kari.Short() + "-restrict-20261122T030000.000Z-receipt.json\nreason   art-18\n" +
		"\nNo purge deletes a record of the contact, now or later, and no marketing goes to it.\n\nnext, when it ends: stille subject unrestrict email ADDRESS --case dsr-9\n"
	if diff := cmp.Diff([]string{want, ""}, []string{got.out, got.errors}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	d.run(t, "subject", "erase", "email", "kari@example.no").ended(t, exitDone)
	d.propagate(t, kari, older)
	if d.purge(t, "messaging"); !d.isThere(t, "messaging", "sub-1") {
		t.Fatal("a purge deleted it")
	}
	d.run(t, "hold", "lift", "--case", "dsr-9").ended(t, exitDone)
	if d.purge(t, "messaging"); d.isThere(t, "messaging", "sub-1") {
		t.Error("it stays though the restriction is lifted")
	}
}

func TestRestrictionStopsMarketingUntilItsLastCaseEnds(t *testing.T) {
	d := deploy(t)
	t.Chdir(t.TempDir())
	d.keep(t, "messaging", "sub-1", d.key(t, contact.Email, "kari@example.no"))
	checked := func(code int, want string) {
		t.Helper()
		for _, in := range []string{"acme", "globex"} {
			got := d.run(t, "check", "email", "kari@example.no", "--scope", in, "--json").ended(t, code)
			if !strings.Contains(got.out, want) {
				t.Errorf("in %s it answers %s", in, got.out)
			}
		}
		d.run(t, "check", "email", "kari@example.no", "--scope", "acme", "--purpose", "transactional").ended(t, exitDone)
	}
	const stopped, free = `"reason":"restriction"`, `"send":true`
	checked(exitDone, free)
	for _, id := range []string{"dsr-9", "dsr-10"} {
		d.run(t, "subject", "restrict", "email", "kari@example.no", "--case", id, "--reason", "art-18").ended(t, exitDone)
	}
	d.run(t, "hold", "set", "--contact", "email", "kari@example.no", "--case", "C-17", "--reason", "claim").ended(t, exitDone)
	checked(exitNo, stopped)
	d.run(t, "release", "email", "kari@example.no", "--scope", "*", "--consented-at", "2026-11-22T03:00:00Z", "--evidence", "call-1", "--override").ended(t, exitFailed)
	checked(exitNo, stopped)
	d.run(t, "subject", "unrestrict", "email", "kari@example.no", "--case", "dsr-9").ended(t, exitDone)
	checked(exitNo, stopped)
	d.run(t, "subject", "unrestrict", "email", "kari@example.no", "--case", "dsr-9").ended(t, exitFailed)
	d.run(t, "subject", "unrestrict", "email", "kari@example.no").ended(t, exitDone)
	checked(exitDone, free)
	d.run(t, "subject", "unrestrict", "email", "kari@example.no").ended(t, exitFailed)
	holds, err := d.holds.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range holds {
		if h.Active() != (h.Kind == retention.Legal) {
			t.Errorf("the hold of %s is active: %v", h.Case, h.Active())
		}
	}
}

func TestALateRestrictionStandsAndSaysSo(t *testing.T) {
	d := deploy(t)
	t.Chdir(t.TempDir())
	kari := d.key(t, contact.Email, "kari@example.no")
	for _, id := range []string{"sub-9", "kari@example.no"} { // others write what they like
		dynamotest.Put(t, dynamotest.Client(t), d.name.Records("messaging"), map[string]any{"id": id, "subject": string(kari), names.AttrPurgingBy: "run-1"})
	}
	for _, args := range [][]string{{}, {"--json"}} {
		got := d.run(t, append([]string{"subject", "restrict", "email", "kari@example.no", "--case", "dsr-9", "--reason", "art-18"}, args...)...).ended(t, exitFailed)
		if !strings.Contains(got.errors, "record messaging sub-9") || strings.Contains(got.out+got.errors, "kari@") {
			t.Errorf("it says %q and answers %q", got.errors, got.out)
		}
	}
	if held, err := d.holds.Held(t.Context(), []retention.Target{retention.SubjectTarget(kari)}); err != nil || len(held) != 1 {
		t.Errorf("held is %v, error %v", held, err)
	}
}

func TestAnExportHoldsEverythingUnderEveryKey(t *testing.T) {
	d := deploy(t)
	t.Chdir(t.TempDir())
	older := d.key(t, contact.Email, "kari@example.no")
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme", "--reason", "objection", "--note", "case/1").ended(t, exitDone)
	d.keep(t, "messaging", "sub-1", older)
	d.rotate(t)
	newer := d.key(t, contact.Email, "kari@example.no")
	d.run(t, "add", "email", "kari@example.no", "--scope", "*", "--reason", "complaint").ended(t, exitDone)
	d.keep(t, "service", "order-1", newer)
	d.keep(t, "service", "order-2", d.key(t, contact.Email, "ola@example.no"))
	dynamotest.Put(t, dynamotest.Client(t), d.name.Records("contact"), map[string]any{
		"id": "card-1", "subject": string(newer), "occurredAt": "yesterday", "visits": 3, "tags": []string{"vip"},
	})
	d.run(t, "subject", "restrict", "email", "kari@example.no", "--case", "dsr-9", "--reason", "art-18").ended(t, exitDone)
	d.run(t, "hold", "set", "--record", "messaging", "sub-1", "--case", "C-17", "--reason", "claim").ended(t, exitDone)
	d.run(t, "hold", "set", "--record", "service", "order-2", "--case", "C-18", "--reason", "claim").ended(t, exitDone)

	folder := filepath.Join(t.TempDir(), "dsr-9")
	told := answers[operator.SubjectExport](t, d.run(t, "subject", "export", "email", "kari@example.no", "--out", folder, "--json").ended(t, exitDone))[0]
	content, err := os.ReadFile(filepath.Join(folder, "subject-"+newer.Short()+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if told.Suppressions != 2 || told.Entries != 4 || !told.Verified || told.Records != 3 || told.Holds != 3 || told.SHA256 == "" {
		t.Errorf("it answers %+v", told)
	}
	if info, err := os.Stat(told.Files[0]); err != nil || info.Mode() != fs.FileMode(0o600) {
		t.Errorf("the file: %v, %v", info, err)
	}
	if text := string(content); strings.Contains(text, "kari@") || strings.Contains(text, "order-2") {
		t.Errorf("the address, or another's record, is in it:\n%s", text)
	}
	var kept operator.Everything
	if err := json.Unmarshal(content, &kept); err != nil {
		t.Fatal(err)
	}
	records := map[string]operator.KeptClass{}
	for _, class := range kept.Classes {
		records[class.Class] = class
	}
	message, card := records["messaging"].Records[0].Stored, records["contact"].Records[0]
	if diff := cmp.Diff(map[string]any{"name": "Kari"}, message["data"]); diff != "" {
		t.Errorf("what the owner keeps (-want +got)\n%s", diff)
	}
	if !card.Unreadable || card.Stored["visits"] != 3.0 || card.Stored["occurredAt"] != "yesterday" {
		t.Errorf("of the record that cannot be read it has %+v", card)
	}
	if diff := cmp.Diff([]operator.KeptSlot{{Key: older, Scope: "acme", Record: "sub-1"}}, records["messaging"].Slots); diff != "" {
		t.Errorf("slots (-want +got)\n%s", diff)
	}
	if marks := kept.Suppressions[0].Marks; len(marks) != 3 || marks[0].Scope != "*" || !marks[0].Active || marks[1].Reason != suppression.Restriction || marks[2].Reason != suppression.Objection {
		t.Errorf("under the newest key it has %+v", marks)
	}
	if kept.Suppressions[1].MergedInto != newer || kept.Holds[0].Case != "C-17" || records["service"].Sentence == "" {
		t.Errorf("it has %+v", kept)
	}
	if diff := cmp.Diff(told.Receipt.Keys, []string{newer.Short(), older.Short()}); diff != "" {
		t.Errorf("keys (-want +got)\n%s", diff)
	}
}

func TestAnExportOfABrokenHistoryFails(t *testing.T) {
	d := deploy(t)
	folder := t.TempDir()
	export := []string{"subject", "export", "email", "kari@example.no", "--out", folder}
	got := d.run(t, export...).ended(t, exitDone)
	if !strings.Contains(got.out, "holds    0 suppressions, 0 changes in the history (the chain is verified), 0 records, 0 holds\n\n"+folder) {
		t.Errorf("it says\n%s", got.out)
	}
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	kari := d.key(t, contact.Email, "kari@example.no")
	dynamotest.Put(t, dynamotest.Client(t), d.name.Table(names.TableLedger), map[string]any{"key": string(kari), "version": 1, "reason": "another", "at": at, "recordedAt": at})
	got = d.run(t, export...).ended(t, exitFailed)
	if !strings.Contains(got.out, "(the chain is broken)") || !strings.Contains(got.errors, "the ledger's chain is broken") {
		t.Errorf("it says %q and answers %q", got.errors, got.out)
	}
}
