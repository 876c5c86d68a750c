//go:build store

package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// letter is a consent with an object.
func letter(id string, n int) retention.Record {
	r := consent(id, n, now)
	r.Objects = []string{"s3://letters/" + id}
	return r
}

// mark marks a record for a run and returns the marked record.
func mark(t *testing.T, records *dynamo.Records, deleter *dynamo.Deleter, run string, s retention.Stored) retention.Stored {
	t.Helper()
	done, err := deleter.DeleteUnderFence(t.Context(), pageOf(run), []retention.Stored{s})
	if err != nil || !slices.Equal(done.Marked, []string{s.ID}) {
		t.Fatalf("%+v, error %v", done, err)
	}
	return get(t, records, s.ID)
}

func get(t *testing.T, records *dynamo.Records, id string) retention.Stored {
	t.Helper()
	got, err := records.Get(t.Context(), class, id)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRecordsWithObjectsAreMarkedOthersDeleted(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	all := []retention.Stored{
		store(t, records, consent("plain", 1, now)), store(t, records, letter("letter", 1)),
		store(t, records, letter("changed", 1)), store(t, records, letter("gone", 1)),
	}
	store(t, records, consent("changed", 1, now.Add(time.Hour)))
	if _, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(stack.Records(class)), Key: map[string]types.AttributeValue{
		"id": &types.AttributeValueMemberS{Value: "gone"},
	}}); err != nil {
		t.Fatal(err)
	}
	done, err := deleter.DeleteUnderFence(t.Context(), page(0), all)
	if err != nil {
		t.Fatal(err)
	}
	want := purge.Deletion{Deleted: []string{"plain"}, Marked: []string{"letter"}, Changed: []string{"changed"}, Gone: []string{"gone"}}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("deletion (-want +got):\n%s", diff)
	}
	if marked, changed := get(t, records, "letter"), get(t, records, "changed"); marked.PurgingBy != "run-1" || changed.PurgingBy != "" {
		t.Errorf("marked by %q, the changed record by %q", marked.PurgingBy, changed.PurgingBy)
	}
	if diff := cmp.Diff(all[1].Record, get(t, records, "letter").Record); diff != "" {
		t.Errorf("the mark changed the record (-before +after):\n%s", diff)
	}
}

func TestMovedFencePreventsMarks(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	stored := store(t, records, letter("sub-1", 1))
	hold := retention.Hold{Case: "c-1", Reason: "claim", Kind: retention.Legal, Target: retention.SubjectTarget(key(1)), SetAt: now}
	if _, err := dynamo.NewHolds(db, stack).Set(t.Context(), []string{class}, []retention.Hold{hold}); err != nil {
		t.Fatal(err)
	}
	if _, err := deleter.DeleteUnderFence(t.Context(), page(0), []retention.Stored{stored}); !errors.Is(err, purge.ErrFenceMoved) {
		t.Errorf("error %v, want ErrFenceMoved", err)
	}
	if by := get(t, records, "sub-1").PurgingBy; by != "" {
		t.Errorf("marked by %q", by)
	}
}

func TestMarkedRecordIsDeletedUnderItsMarkOnly(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile map[string]any // the write over the marked record; nil for none
		run       string
		want      purge.Deletion
	}{
		"as it was marked":              {nil, "run-1", purge.Deletion{Deleted: []string{"sub-1"}}},
		"by the run before":             {nil, "run-0", purge.Deletion{Changed: []string{"sub-1"}}},
		"without its mark":              {map[string]any{"purgingBy": nil}, "run-1", purge.Deletion{Changed: []string{"sub-1"}}},
		"with another object":           {map[string]any{"objects": []string{"s3://letters/other"}}, "run-1", purge.Deletion{Changed: []string{"sub-1"}}},
		"with another start":            {map[string]any{"retentionStart": "2026-11-22T04:00:00Z"}, "run-1", purge.Deletion{Changed: []string{"sub-1"}}},
		"with data that decide nothing": {map[string]any{"data": "other"}, "run-1", purge.Deletion{Deleted: []string{"sub-1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			db, stack := dynamotest.Tables(t, class)
			records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
			read := store(t, records, letter("sub-1", 1))
			mark(t, records, deleter, "run-1", read)
			if c.meanwhile != nil {
				at := now.UTC().Format(time.RFC3339Nano)
				item := map[string]any{
					"id": "sub-1", "subject": string(key(1)), "scope": "acme", "basis": "consent", "occurredAt": at, "retentionStart": at,
					"objects": []string{"s3://letters/sub-1"}, "claimed": []string{"s3://letters/sub-1"}, "purgingBy": "run-1",
				}
				for name, value := range c.meanwhile {
					if item[name] = value; value == nil {
						delete(item, name)
					}
				}
				dynamotest.Put(t, db, stack.Records(class), item)
			}
			done, err := deleter.DeleteMarked(t.Context(), pageOf(c.run), []retention.Stored{read})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, done); diff != "" {
				t.Errorf("deletion (-want +got):\n%s", diff)
			}
			_, err = records.Get(t.Context(), class, "sub-1")
			if gone := errors.Is(err, retention.ErrNoRecord); gone != (c.want.Deleted != nil) {
				t.Errorf("it is gone: %v", gone)
			}
			if c.want.Deleted == nil {
				return
			}
			if done, err := deleter.DeleteMarked(t.Context(), pageOf(c.run), []retention.Stored{read}); err != nil || !slices.Equal(done.Gone, []string{"sub-1"}) {
				t.Errorf("the second time: %+v, error %v", done, err)
			}
		})
	}
}

func TestTheNextRunTakesAMarkedRecordOver(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	read := store(t, records, letter("sub-1", 1))
	first := mark(t, records, deleter, "run-1", read)
	mark(t, records, deleter, "run-2", first)
	if done, err := deleter.DeleteMarked(t.Context(), pageOf("run-1"), []retention.Stored{read}); err != nil || len(done.Changed) != 1 {
		t.Errorf("the first run's worker: %+v, error %v", done, err)
	}
	if done, err := deleter.DeleteUnderFence(t.Context(), page(0), []retention.Stored{first}); err != nil || len(done.Changed) != 1 {
		t.Errorf("the first run's worker marks it again: %+v, error %v", done, err)
	}
	if done, err := deleter.DeleteMarked(t.Context(), pageOf("run-2"), []retention.Stored{first}); err != nil || len(done.Deleted) != 1 {
		t.Errorf("the second run's worker: %+v, error %v", done, err)
	}
}

func TestNothingChangesAMarkedRecord(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	unmarked := stamp(t, records, store(t, records, letter("sub-1", 1)))
	mark(t, records, deleter, "run-1", unmarked)
	before := dynamotest.Dump(t, db, stack.Records(class))

	for _, at := range []time.Time{now.Add(-time.Hour), now, now.Add(time.Hour)} {
		if outcome, err := records.Put(t.Context(), class, consent("sub-1", 1, at), anyone); outcome.Stored || !errors.Is(err, retention.ErrBeingPurged) {
			t.Errorf("its owner stores it: %v, error %v", outcome.Stored, err)
		}
	}
	refused := errors.New("another brand's")
	if _, err := records.Put(t.Context(), class, consent("sub-1", 1, now), func(retention.Record) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("somebody else stores it: error %v", err)
	}
	if done, err := records.Withdraw(t.Context(), class, unmarked, now); done || err != nil {
		t.Errorf("withdrawn as it was before: %v, error %v", done, err)
	}
	if done, err := records.Withdraw(t.Context(), class, get(t, records, "sub-1"), now); !done || err != nil {
		t.Errorf("withdrawn as it is: settled %v, error %v", done, err)
	}
	if diff := cmp.Diff(before, dynamotest.Dump(t, db, stack.Records(class))); diff != "" {
		t.Errorf("the record changed (-before +after):\n%s", diff)
	}
}

func TestRecordMarkedDuringPutIsNotOverwritten(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	read := store(t, records, letter("sub-1", 1))
	racing := dynamotest.Intercept(db, func(operation string) error {
		if operation == "TransactWriteItems" && get(t, records, "sub-1").PurgingBy == "" {
			mark(t, records, deleter, "run-1", read)
		}
		return nil
	})
	next := letter("sub-1", 1)
	next.Data = []byte(`{"n":1}`)
	outcome, err := dynamo.NewRecords(racing, stack).Put(t.Context(), class, next, anyone)
	if outcome.Stored || !errors.Is(err, retention.ErrBeingPurged) {
		t.Errorf("stored %v, error %v", outcome.Stored, err)
	}
}

func TestHoldReturnsRecordsItIsTooLateFor(t *testing.T) {
	db, stack := dynamotest.Tables(t, class, "communication")
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	for id, n := range map[string]int{"mine": 1, "mine-too": 1, "theirs": 2} {
		mark(t, records, deleter, "run-1", store(t, records, letter(id, n)))
	}
	store(t, records, letter("in-time", 1))
	dynamotest.Put(t, db, stack.Records("communication"), map[string]any{"id": "call", "subject": string(key(1)), "purgingBy": "run-9"})
	record := retention.RecordTarget
	for name, c := range map[string]struct {
		targets []retention.Target
		want    []retention.Target
	}{
		"on a subject, in every class": {[]retention.Target{retention.SubjectTarget(key(1))},
			[]retention.Target{record("communication", "call"), record(class, "mine"), record(class, "mine-too")}},
		"on a subject and one of its records": {[]retention.Target{retention.SubjectTarget(key(2)), record(class, "theirs")}, []retention.Target{record(class, "theirs")}},
		"on a record":                         {[]retention.Target{record(class, "mine")}, []retention.Target{record(class, "mine")}},
		"on a record in time":                 {[]retention.Target{record(class, "in-time")}, nil},
		"on a record that is not there":       {[]retention.Target{record(class, "other")}, nil},
		"on a subject without records":        {[]retention.Target{retention.SubjectTarget(key(3))}, nil},
	} {
		var holds []retention.Hold
		for _, target := range c.targets {
			holds = append(holds, retention.Hold{Case: "a", Reason: "claim", Kind: retention.Legal, Target: target, SetAt: now})
		}
		got, err := dynamo.NewHolds(db, stack).Set(t.Context(), []string{class, "communication"}, holds)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got.TooLate); diff != "" {
			t.Errorf("%s: too late for (-want +got):\n%s", name, diff)
		}
	}
}

func TestRecordTooLargeForMarkLeavesPage(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	records, deleter := dynamo.NewRecords(db, stack), dynamo.NewDeleter(db, stack)
	full := map[string]any{"id": "full", names.AttrObjects: []string{"s3://letters/a"}, "theirs": ""}
	size := len("full") + len("id") + len("theirs") + len(names.AttrObjects) + len("s3://letters/a") + 5 // of the list and its element
	full["theirs"] = strings.Repeat("x", 400<<10-size)
	dynamotest.Put(t, db, stack.Records(class), full)
	all := []retention.Stored{get(t, records, "full")}
	for n := range 3 {
		all = append(all, store(t, records, letter(fmt.Sprintf("sub-%d", n), 1)))
	}
	done, err := deleter.DeleteUnderFence(t.Context(), page(0), all)
	if err != nil {
		t.Fatal(err)
	}
	want := purge.Deletion{Kept: []string{"full"}, Marked: []string{"sub-0", "sub-1", "sub-2"}}
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("deletion (-want +got):\n%s", diff)
	}
}
