//go:build store

package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/purge"
	"stille/shared/retention"
)

const class = "messaging"

// anyone may replace a stored record.
func anyone(retention.Record) error { return nil }

func consent(id string, n int, at time.Time) retention.Record {
	return retention.Record{ID: id, Subject: key(n), Scope: "acme", Basis: retention.Consent, OccurredAt: at, Start: at, Data: []byte(`{"list":"spring"}`)}
}

func store(t *testing.T, records *dynamo.Records, r retention.Record) retention.Stored {
	t.Helper()
	if outcome, err := records.Put(t.Context(), class, r, anyone); err != nil || !outcome.Stored {
		t.Fatalf("stored %v, error %v", outcome.Stored, err)
	}
	got, err := records.Get(t.Context(), class, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func stamp(t *testing.T, records *dynamo.Records, s retention.Stored) retention.Stored {
	t.Helper()
	if err := records.Stamp(t.Context(), class, s, retention.Sort(s.Start)); err != nil {
		t.Fatal(err)
	}
	got, err := records.Get(t.Context(), class, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestARecordIsReadBackAsStored(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	want := consent("sub-1", 1, now.Add(-123456789))
	want.Objects = []string{"s3://bucket/key"}
	want.Former = []contact.Key{"older", "oldest"}
	want.LastActivityAt = now
	got := store(t, records, want).Record
	want.Claimed = want.Objects
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if _, err := records.Get(t.Context(), class, "sub-2"); !errors.Is(err, retention.ErrNoRecord) {
		t.Errorf("error %v, want ErrNoRecord", err)
	}
}

func TestTheNewestEventOfARecordWins(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	store(t, records, consent("sub-1", 1, now))
	outcome, err := records.Put(t.Context(), class, consent("sub-1", 1, now.Add(-time.Hour)), anyone)
	if err != nil || outcome.Stored || !outcome.Record.Start.Equal(now) {
		t.Errorf("an older event: stored %v, start %v, error %v", outcome.Stored, outcome.Record.Start, err)
	}
	if got := store(t, records, consent("sub-1", 1, now.Add(time.Hour))); !got.Start.Equal(now.Add(time.Hour)) {
		t.Errorf("a newer event: start %v", got.Start)
	}
}

func TestRecordIsReplacedOnlyWithPermission(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	store(t, records, consent("sub-1", 1, now))
	refused := errors.New("another brand's")
	outcome, err := records.Put(t.Context(), class, consent("sub-1", 2, now.Add(time.Hour)), func(old retention.Record) error {
		if old.Subject != key(1) {
			t.Errorf("asked about another record")
		}
		return refused
	})
	if outcome.Stored || !errors.Is(err, refused) {
		t.Errorf("stored %v, error %v", outcome.Stored, err)
	}
	if got, err := records.Get(t.Context(), class, "sub-1"); err != nil || got.Subject != key(1) {
		t.Errorf("the record was replaced, error %v", err)
	}
}

func TestWithdrawalSurvivesRepetitionButNotNewConsent(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	first := stamp(t, records, store(t, records, consent("sub-1", 1, now.Add(-time.Hour))))
	if done, err := records.Withdraw(t.Context(), class, first, now); err != nil || !done {
		t.Fatalf("withdrawn %v, error %v", done, err)
	}
	if again := store(t, records, consent("sub-1", 1, now.Add(-time.Hour))); !again.WithdrawnAt.Equal(now) || again.Shard != first.Shard {
		t.Errorf("after a repetition: withdrawn at %v, shard %q", again.WithdrawnAt, again.Shard)
	}
	if renewed := store(t, records, consent("sub-1", 1, now.Add(time.Hour))); !renewed.WithdrawnAt.IsZero() {
		t.Errorf("after a new consent: still withdrawn at %v", renewed.WithdrawnAt)
	}
}

func TestWithdrawalStaysWithItsSubjectAndScope(t *testing.T) {
	for name, corrected := range map[string]func(*retention.Record){
		"subject": func(r *retention.Record) { r.Subject = key(2) },
		"scope":   func(r *retention.Record) { r.Scope = "globex" },
	} {
		t.Run(name, func(t *testing.T) {
			db, stack := dynamotest.Tables(t, class)
			records := dynamo.NewRecords(db, stack)
			first := store(t, records, consent("sub-1", 1, now.Add(-time.Hour)))
			if done, err := records.Withdraw(t.Context(), class, first, now); err != nil || !done {
				t.Fatalf("withdrawn %v, error %v", done, err)
			}
			r := consent("sub-1", 1, now.Add(-time.Hour))
			corrected(&r)
			if got := store(t, records, r); !got.WithdrawnAt.IsZero() {
				t.Errorf("withdrawn at %v", got.WithdrawnAt)
			}
		})
	}
}

func TestDecisionOnOldReadingChangesNothing(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	old := store(t, records, consent("sub-1", 1, now))
	store(t, records, consent("sub-1", 1, now.Add(time.Hour)))
	if done, err := records.Withdraw(t.Context(), class, old, now); err != nil || done {
		t.Errorf("withdrawn %v, error %v", done, err)
	}
	if got := stamp(t, records, old); got.Sort != "" {
		t.Errorf("stamped %q from an old reading", got.Sort)
	}
	missing := old
	missing.ID = "sub-2"
	if err := records.Stamp(t.Context(), class, missing, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := records.Get(t.Context(), class, "sub-2"); !errors.Is(err, retention.ErrNoRecord) {
		t.Errorf("a stamp made a record that was deleted: %v", err)
	}
}

func TestTimesOfAnyFormAreRead(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	foreign := map[string]types.AttributeValue{
		"id": text("x"), "retentionStart": text("2026-01-31T23:30:00.5+01:00"), "data": &types.AttributeValueMemberN{Value: "7"},
		"theirs": text("kept"), "objects": &types.AttributeValueMemberSS{Value: []string{"s3://bucket/a"}},
	}
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(stack.Records(class)), Item: foreign}); err != nil {
		t.Fatal(err)
	}
	got, err := records.Get(t.Context(), class, "x")
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 1, 31, 22, 30, 0, 5e8, time.UTC); !got.Start.Equal(want) || len(got.Objects) != 1 {
		t.Errorf("start %v, %d objects", got.Start, len(got.Objects))
	}
	stamped := stamp(t, records, got)
	if stamped.Sort != "2026-01-31T22:30:00Z" || stamped.Shard != retention.Shard("x") {
		t.Errorf("sort %q, shard %q", stamped.Sort, stamped.Shard)
	}
	if done, err := records.Withdraw(t.Context(), class, got, now); err != nil || !done {
		t.Errorf("withdrawn %v, error %v", done, err)
	}
	for _, nonsense := range []types.AttributeValue{text("last week"), text(""), &types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberN{Value: "1"}} {
		foreign["retentionStart"] = nonsense
		if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(stack.Records(class)), Item: foreign}); err != nil {
			t.Fatal(err)
		}
		if _, err := records.Get(t.Context(), class, "x"); !errors.Is(err, retention.ErrUnreadable) {
			t.Errorf("a start of %v: error %v, want ErrUnreadable", nonsense, err)
		}
	}
}

func TestRecordTooLargeForStampIsUnwritable(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	r := consent("sub-1", 1, now)
	r.Data = []byte(strings.Repeat("x", 400*1024-175))
	stored := store(t, records, r)
	if err := records.Stamp(t.Context(), class, stored, retention.Sort(now)); !errors.Is(err, retention.ErrUnwritable) {
		t.Errorf("error %v, want ErrUnwritable", err)
	}
}

func TestTheIndexPagesThroughAShardInOrder(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records := dynamo.NewRecords(db, stack)
	var want []string
	for n := range 7 { // one subject, so one shard
		id := fmt.Sprintf("sub-%d", n)
		stamp(t, records, store(t, records, consent(id, 1, now.Add(time.Duration(n)*time.Hour))))
		if n < 5 {
			want = append(want, id)
		}
	}
	var entries []purge.Due
	after := func(after purge.Due) []string {
		entries = nil
		var ids []string
		for entry, err := range records.DueBefore(t.Context(), class, purge.ByStart, retention.Shard(string(key(1))), now.Add(5*time.Hour), after, 2) {
			if err != nil {
				t.Fatal(err)
			}
			entries, ids = append(entries, entry), append(ids, entry.ID)
		}
		return ids
	}
	got := after(purge.Due{})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[2:], after(entries[1])); diff != "" {
		t.Errorf("due after the second (-want +got):\n%s", diff)
	}
	ids, err := records.OfSubject(t.Context(), class, key(1))
	if err != nil || len(ids) != 7 {
		t.Errorf("%d records of the subject, error %v", len(ids), err)
	}
}
