package retention_test

import (
	"encoding/json"
	"testing"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
)

func TestNewerConsentAloneEndsAWithdrawal(t *testing.T) {
	at := instant(t, "2024-08-31T10:00:00Z")
	stored := retention.Record{ID: "r-1", Subject: subject, Scope: "acme", OccurredAt: at, WithdrawnAt: at.Add(time.Hour)}
	for name, c := range map[string]struct {
		class  string
		change func(*retention.Record)
		ends   bool
	}{
		"an event before the withdrawal": {retention.Messaging, func(*retention.Record) {}, false},
		"the event of the withdrawal":    {retention.Messaging, func(r *retention.Record) { r.OccurredAt = at.Add(time.Hour) }, false},
		"a newer event":                  {retention.Messaging, func(r *retention.Record) { r.OccurredAt = at.Add(2 * time.Hour) }, true},
		"another contact":                {retention.Messaging, func(r *retention.Record) { r.Subject = "other" }, true},
		"an older key of the contact":    {retention.Messaging, func(r *retention.Record) { r.Subject, r.Former = "newer", []contact.Key{subject} }, false},
		"another scope":                  {retention.Messaging, func(r *retention.Record) { r.Scope = "globex" }, true},
		"another class, a newer event":   {"communication", func(r *retention.Record) { r.OccurredAt = at.Add(2 * time.Hour) }, false},
		"another class, another scope":   {"communication", func(r *retention.Record) { r.Scope = "globex" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			record := retention.Record{ID: "r-1", Subject: subject, Scope: "acme", OccurredAt: at}
			c.change(&record)
			if got := record.Replacing(stored, c.class); got.WithdrawnAt.IsZero() != c.ends {
				t.Errorf("withdrawn at %v", got.WithdrawnAt)
			}
		})
	}
}

func TestRepetitionSaysTheSameInOtherWords(t *testing.T) {
	at := instant(t, "2024-08-31T10:00:00Z")
	stored := retention.Record{
		ID: "r-1", Subject: subject, Scope: "acme", Basis: retention.Consent, OccurredAt: at, Start: at,
		Objects: []string{"s3://letters/a"}, Data: json.RawMessage(`{"a":1}`),
	}
	for name, c := range map[string]struct {
		change  func(*retention.Record)
		repeats bool
	}{
		"nothing is changed":          {func(*retention.Record) {}, true},
		"the data in another layout":  {func(r *retention.Record) { r.Data = json.RawMessage(` { "a": 1 } `) }, true},
		"other digits":                {func(r *retention.Record) { r.Data = json.RawMessage(`{"a":1.0}`) }, false},
		"other data":                  {func(r *retention.Record) { r.Data = json.RawMessage(`{"a":2}`) }, false},
		"no data":                     {func(r *retention.Record) { r.Data = nil }, false},
		"the contact by a newer key":  {func(r *retention.Record) { r.Subject, r.Former = "newer", []contact.Key{subject} }, true},
		"another contact":             {func(r *retention.Record) { r.Subject = "other" }, false},
		"another scope":               {func(r *retention.Record) { r.Scope = "globex" }, false},
		"another basis":               {func(r *retention.Record) { r.Basis = retention.Customer }, false},
		"another object":              {func(r *retention.Record) { r.Objects = []string{"s3://letters/b"} }, false},
		"another event":               {func(r *retention.Record) { r.OccurredAt = at.Add(1) }, false},
		"another start":               {func(r *retention.Record) { r.Start = at.Add(1) }, false},
		"a start of another end":      {func(r *retention.Record) { r.StartAsOf = at }, false},
		"another withdrawal":          {func(r *retention.Record) { r.WithdrawnAt = at }, false},
		"another activity":            {func(r *retention.Record) { r.LastActivityAt = at }, false},
		"an event in another zone":    {func(r *retention.Record) { r.OccurredAt = at.In(time.FixedZone("", 3600)) }, true},
		"other objects of the past":   {func(r *retention.Record) { r.Claimed = []string{"s3://letters/b"} }, true},
		"data that cannot be decoded": {func(r *retention.Record) { r.Data = json.RawMessage(`{`) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			record := stored
			c.change(&record)
			if record.Repeats(stored) != c.repeats {
				t.Errorf("repeats: %v", !c.repeats)
			}
		})
	}
	stored.Data = nil
	if !stored.Repeats(stored) {
		t.Error("a record without data does not repeat itself")
	}
}

func TestCaseSelectsItsOwnHolds(t *testing.T) {
	ofCase := retention.OfCase("2026-117")
	if !ofCase(retention.Hold{Case: "2026-117"}) || ofCase(retention.Hold{Case: "2026-118"}) {
		t.Error("the holds of a case are others")
	}
}
