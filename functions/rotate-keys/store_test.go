//go:build store

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// tabled is the function over real tables, with a container of another
// function beside it.
type tabled struct {
	*world
	t       *testing.T
	list    *dynamo.Suppressions
	holds   *dynamo.Holds
	records *dynamo.Records
	handler handler
	ring    *keyring.Ring
}

func onTables(t *testing.T) *tabled {
	t.Helper()
	db, name := dynamotest.Tables(t, "communication", "messaging")
	s := &tabled{world: newWorld(), t: t, list: dynamo.NewSuppressions(db, name), holds: dynamo.NewHolds(db, name), records: dynamo.NewRecords(db, name)}
	s.handler = s.world.handler()
	s.handler.suppressions, s.handler.countHolds, s.handler.countRecords = s.list, s.holds.CountSubjects, s.records.CountSubjects
	s.ring = keyring.NewRing(s.world, stack, s.list, func() time.Time { return s.now })
	if _, _, err := s.handler.handle(t.Context(), cfn.Event{RequestType: cfn.RequestCreate}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *tabled) order(payload string) keyring.Answer {
	s.t.Helper()
	got, err := s.handler.serve(s.t.Context(), json.RawMessage(payload))
	if err != nil {
		s.t.Fatal(err)
	}
	return got.(keyring.Answer)
}

// keysOf are a person's, the newest first.
func (s *tabled) keysOf(person contact.Contact) []contact.Key {
	s.t.Helper()
	set, err := s.ring.Contact(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := set.Keys(person)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s *tabled) optOut(person contact.Contact, reason suppression.Reason) {
	s.t.Helper()
	_, err := s.list.Apply(s.t.Context(), contact.Known{Channel: person.Channel(), Keys: s.keysOf(person)}, suppression.Change{
		Action: suppression.Suppress, Scope: "acme", Reason: reason, At: s.now, Source: suppression.SourceTool,
	}, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
}

// mustBeSilent fails where a lookup does not find what was opted out of.
func (s *tabled) mustBeSilent(person contact.Contact) {
	s.t.Helper()
	found, err := s.list.Lookup(s.t.Context(), [][]contact.Key{s.keysOf(person)})
	if err != nil || found[0].Err != nil {
		s.t.Fatal(err, found[0].Err)
	}
	if suppression.Decide(found[0].Item, suppression.Marketing, "acme").Send {
		s.t.Error("a check would send")
	}
}

func TestAContactKeyInUseIsNotDestroyed(t *testing.T) {
	s := onTables(t)
	kari := person(t, contact.Email, "kari@example.no")
	s.optOut(kari, suppression.Unsubscribed)
	old := s.keysOf(kari)[0]
	oldID := s.contactKeys(t)[0].ID
	hold := retention.Hold{Case: "C-17", Reason: "claim", Kind: retention.Legal, Target: retention.SubjectTarget(old), SetAt: s.now}
	if _, err := s.holds.Set(t.Context(), []string{"communication", "messaging"}, []retention.Hold{hold}); err != nil {
		t.Fatal(err)
	}
	record := retention.Record{ID: "sub-81", Subject: old, Scope: "acme", Basis: retention.Consent, OccurredAt: s.now, Start: s.now}
	if _, err := s.records.Put(t.Context(), retention.Messaging, record, func(retention.Record) error { return nil }); err != nil {
		t.Fatal(err)
	}

	if answer := s.order(rotateContact); answer.Done != keyring.Added {
		t.Fatalf("it answers %+v", answer)
	}
	s.mustBeSilent(kari)
	s.now = s.now.Add(keyring.Settled)
	if answer := s.order(rotateContact); answer.Done != keyring.Promoted {
		t.Fatalf("it answers %+v", answer)
	}
	s.mustBeSilent(kari)
	s.now = s.now.Add(keyring.Drained)
	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"everything stands under the old key", func() {}, "suppressions 1, holds 1, records of communication 0, records of messaging 1"},
		{"a later opt-out took the suppression along", func() { s.optOut(kari, suppression.Objection) },
			"suppressions 0, holds 1, records of communication 0, records of messaging 1"},
		{"the hold was lifted", func() {
			if _, err := s.holds.Lift(t.Context(), retention.OfCase("C-17"), s.now, "ola"); err != nil {
				t.Fatal(err)
			}
		}, "suppressions 0, holds 0, records of communication 0, records of messaging 1"},
		{"the record was stored again", func() {
			record.Subject, record.OccurredAt = s.keysOf(kari)[0], s.now
			if _, err := s.records.Put(t.Context(), retention.Messaging, record, func(retention.Record) error { return nil }); err != nil {
				t.Fatal(err)
			}
		}, ""},
	} {
		step.do()
		answer := s.order(destroy("contact", oldID))
		if step.want != "" && !strings.Contains(answer.Refused, step.want) || step.want == "" && answer.Done != keyring.Destroyed {
			t.Errorf("%s: it answers %+v, want %q", step.name, answer, step.want)
		}
		s.mustBeSilent(kari)
	}
	s.now = s.now.Add(keyring.Fresh)
	s.mustBeSilent(kari)
	if slices.Contains(s.keysOf(kari), old) {
		t.Error("the old key is still in use")
	}
}
