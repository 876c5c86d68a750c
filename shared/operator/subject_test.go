package operator

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
	"stille/shared/suppression"
)

// deployedFiles are the policy and the scopes of the tests.
type deployedFiles struct{ t *testing.T }

func (d deployedFiles) Policy(context.Context) (*retention.Policy, error) {
	return retentiontest.Policy(d.t), nil
}

func (d deployedFiles) Scopes(context.Context) (*scope.Registry, error) {
	return scopetest.Registry(d.t), nil
}

// recordBook is the records of the class service. Its index names every record
// for every key, as an index that lags behind may.
type recordBook struct {
	Records
	records map[string]retention.Stored
}

func (b recordBook) OfSubject(_ context.Context, class string, _ contact.Key) ([]string, error) {
	if class != "service" {
		return nil, nil
	}
	return append(sortedKeys(b.records), "deleted"), nil
}

func (b recordBook) Load(_ context.Context, _ string, ids []string) (map[string]retention.Stored, map[string]error, error) {
	found := map[string]retention.Stored{}
	for _, id := range ids {
		if record, ok := b.records[id]; ok {
			found[id] = record
		}
	}
	return found, map[string]error{"kari@example.no": retention.ErrUnreadable}, nil
}

func (b recordBook) Document(_ context.Context, _, id string) (retention.Document, error) {
	record, ok := b.records[id]
	if !ok {
		return retention.Document{}, retention.ErrNoRecord
	}
	return retention.Document{Stored: record, About: record.Subject, Attributes: map[string]any{"id": id}}, nil
}

func (b recordBook) Slot(context.Context, string, contact.Key, scope.Scope) (string, error) {
	return "", nil
}

type holdBook struct {
	Holds
	holds []retention.Hold
}

func (b holdBook) List(context.Context) ([]retention.Hold, error) { return b.holds, nil }

func record(id string, subject contact.Key, occurred time.Time) retention.Stored {
	return retention.Stored{Record: retention.Record{ID: id, Subject: subject, Scope: "acme", OccurredAt: occurred}}
}

// books are an operator with records of kari and of ola.
func books(t *testing.T) *Operator {
	t.Helper()
	marked := record("marked", "kari", at.Add(-time.Hour))
	marked.PurgingBy = "run-1"
	records := map[string]retention.Stored{
		"held": record("held", "kari", at.Add(-time.Hour)), "marked": marked, "goes": record("goes", "kari", at.Add(-time.Hour)),
		"later": record("later", "kari", at.Add(time.Hour)), "of-ola": record("of-ola", "ola", at.Add(-time.Hour)),
	}
	holds := []retention.Hold{
		{Case: "C-1", Target: retention.RecordTarget("service", "held")}, {Case: "C-1", Target: retention.RecordTarget("service", "marked")},
		{Case: "C-2", Target: retention.RecordTarget("service", "goes"), LiftedAt: at}, {Case: "C-3", Target: retention.SubjectTarget("ola")},
	}
	return &Operator{Config: deployedFiles{t}, Records: recordBook{records: records}, Holds: holdBook{holds: holds}}
}

func TestAnErasureTellsWhatGoesAndWhatStays(t *testing.T) {
	erased := suppression.Item{Key: "kari", Channel: contact.Email, Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{
		scope.Everywhere: {suppression.Erasure: {First: at, Last: at}},
	}}
	got, covered, err := books(t).erasedClass(t.Context(), service(t), []contact.Key{"kari"}, erased, at)
	want := ErasedClass{
		Class: "service", Records: 5, Going: 2, Held: []HeldRecord{{ID: "held", Cases: []string{"C-1"}}}, Unreadable: []string{"…"}, Later: []string{"later"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"kari@example.no", "goes", "held", "marked"}, covered); diff != "" {
		t.Errorf("covered (-want +got)\n%s", diff)
	}
}

// service is the class service.
func service(t *testing.T) retention.Class {
	t.Helper()
	class, _ := retentiontest.Policy(t).Class("service")
	return class
}

func TestAnErasureNamesTheLawThatKeepsRecords(t *testing.T) {
	o, class := books(t), service(t)
	o.Records.(recordBook).records["goes"] = ofKari("goes", at.AddDate(-3, 0, 0))
	o.Records.(recordBook).records["longest"] = ofKari("longest", at.AddDate(-1, 0, 0))
	o.Records.(recordBook).records["over"] = ofKari("over", at.AddDate(-5, 0, -1))
	class.Minimum, class.KeptBy = class.Keep, "bokføringsloven § 13"
	erased := suppression.Item{Key: "kari", Channel: contact.Email, Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{
		scope.Everywhere: {suppression.Erasure: {First: at, Last: at}},
	}}
	want := ErasedClass{
		Class: "service", Records: 7, Going: 2, Held: []HeldRecord{{ID: "held", Cases: []string{"C-1"}}}, Unreadable: []string{"…"}, Later: []string{"later"},
		ByLaw: 2, KeptBy: "bokføringsloven § 13", KeptUntil: "2030-11-22",
	}
	got, _, err := o.erasedClass(t.Context(), class, []contact.Key{"kari"}, erased, at)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
	o.Records.(recordBook).records["running"] = ofKari("running", time.Time{})
	if got, _, err = o.erasedClass(t.Context(), class, []contact.Key{"kari"}, erased, at); got.ByLaw != 3 || got.KeptUntil != "" || err != nil {
		t.Errorf("with a record that has not ended: %+v, error %v", got, err)
	}
}

func TestRecordKeptByLawWaitsForNoPurge(t *testing.T) {
	class := service(t)
	class.Minimum, class.KeptBy = class.Keep, "bokføringsloven § 13"
	for name, c := range map[string]struct {
		start time.Time
		fate  Fate
		waits bool
		until string
	}{
		"within the minimum": {at.AddDate(-3, 0, 0), FateLaw, false, "2028-11-22"},
		"after it":           {at.AddDate(-5, 0, -1), FateDue, true, ""},
		"not ended":          {time.Time{}, FateLaw, false, ""},
	} {
		var proof Proof
		record := ofKari("law", c.start)
		record.WithdrawnAt = at
		proof.there(class, record, at)
		if proof.Fate != c.fate || proof.waits() != c.waits || proof.KeptUntil != c.until {
			t.Errorf("%s: %+v", name, proof)
		}
	}
}

// ofKari is a record of kari from before the erasure, with its start.
func ofKari(id string, start time.Time) retention.Stored {
	r := record(id, "kari", at.Add(-time.Hour))
	r.Start = start
	return r
}

func TestAnExportHoldsNoRecordOfAnotherContact(t *testing.T) {
	var kept Everything
	if err := books(t).readKept(t.Context(), &kept, []contact.Key{"kari"}); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, class := range kept.Classes {
		for _, r := range class.Records {
			ids = append(ids, class.Class+" "+r.Stored["id"].(string))
		}
	}
	var cases []string
	for _, h := range kept.Holds {
		cases = append(cases, h.Case)
	}
	if diff := cmp.Diff([]string{"service goes", "service held", "service later", "service marked"}, ids); diff != "" {
		t.Errorf("records (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{"C-1", "C-1", "C-2"}, cases); diff != "" {
		t.Errorf("holds (-want +got)\n%s", diff)
	}
}

func TestExportedMarkTellsItsTimes(t *testing.T) {
	item := suppression.Item{Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{
		"acme": {suppression.Stop: {First: at, Last: at, Source: "sms", ReleasedAt: at.Add(time.Hour)}, suppression.Manual: {Last: at}},
	}}
	got, err := json.Marshal(marksOf(item))
	want := `[{"scope":"acme","reason":"manual","active":true,"last":"2026-11-22T03:00:00Z"},` +
		`{"scope":"acme","reason":"stop","active":false,"first":"2026-11-22T03:00:00Z","last":"2026-11-22T03:00:00Z","source":"sms","releasedAt":"2026-11-22T04:00:00Z"}]`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
}
