//go:build store

package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

// slots is a class table in which a contact has one record in each scope.
type slots struct {
	*testing.T
	db      *dynamodb.Client
	stack   names.Stack
	records *dynamo.Records
}

func newSlots(t *testing.T) slots {
	t.Helper()
	db, stack := dynamotest.Tables(t, class)
	return slots{t, db, stack, dynamo.NewRecords(db, stack)}
}

// put stores a record as the only record under these keys, its own first. The
// test fails unless the record is refused as a duplicate of the named record;
// "" expects no refusal.
func (s slots) put(r retention.Record, of string, older ...contact.Key) {
	s.Helper()
	outcome, err := s.records.Put(s.Context(), class, r, anyone, append([]contact.Key{r.Subject}, older...)...)
	var duplicate retention.DuplicateError
	if errors.As(err, &duplicate); duplicate.ID != of || outcome.Stored != (of == "") || of == "" && err != nil {
		s.Errorf("%s: stored %v, error %v, a duplicate of %q, want %q", r.ID, outcome.Stored, err, duplicate.ID, of)
	}
}

func (s slots) remove(id string) {
	s.Helper()
	dynamotest.Remove(s, s.db, s.stack.Records(class), id)
}

func elsewhere(r retention.Record) retention.Record {
	r.Scope = "globex"
	return r
}

func TestAContactHasOneRecordInAScope(t *testing.T) {
	s := newSlots(t)
	s.put(consent("sub-1", 1, now), "")
	s.put(consent("sub-1", 1, now.Add(time.Hour)), "")
	s.put(consent("sub-2", 1, now.Add(time.Hour)), "sub-1")
	s.put(elsewhere(consent("sub-3", 1, now)), "")
	s.put(consent("sub-4", 2, now), "")
	s.put(consent("sub-5", 3, now), "sub-1", key(1)) // the contact's key was rotated since sub-1
	s.put(consent("sub-1", 3, now.Add(2*time.Hour)), "", key(1))
	s.put(consent("sub-6", 1, now), "") // sub-1 has left the slot
	s.remove("sub-4")
	s.put(consent("sub-7", 2, now), "")
	s.put(consent("sub-4", 2, now), "sub-7")
	if dump := dynamotest.Dump(t, s.db, s.stack.Table(names.TableSlots)); strings.Contains(dump, string(key(1))) || !strings.Contains(dump, "sub-7") {
		t.Error("a slot has a contact's key, or there are none")
	}
}

func TestUnreadableRecordKeepsItsSlot(t *testing.T) {
	s := newSlots(t)
	s.put(consent("sub-1", 1, now), "")
	dynamotest.Put(t, s.db, s.stack.Records(class), map[string]any{"id": "sub-1", "occurredAt": "yesterday"})
	s.put(consent("sub-2", 1, now), "sub-1")
}

func TestOfManyRecordsAtOnceOneIsStored(t *testing.T) {
	for name, before := range map[string]func(slots){
		"the slot is empty":                 func(slots) {},
		"the record that had it was purged": func(s slots) { s.put(consent("sub-0", 1, now), ""); s.remove("sub-0") },
		"the record that had it moved": func(s slots) {
			s.put(consent("sub-0", 1, now), "")
			s.put(consent("sub-0", 9, now), "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSlots(t)
			before(s)
			var mu sync.Mutex
			var group sync.WaitGroup
			stored := 0
			for n := range 6 {
				group.Go(func() {
					// sub-0 may be stored again, too.
					outcome, err := s.records.Put(t.Context(), class, consent(fmt.Sprintf("sub-%d", n), 1, now), anyone, key(1))
					var duplicate retention.DuplicateError
					if err != nil && !errors.As(err, &duplicate) {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					if outcome.Stored {
						stored++
					}
				})
			}
			group.Wait()
			there, err := s.records.OfSubject(t.Context(), class, key(1))
			if err != nil || stored != 1 || len(there) != 1 {
				t.Errorf("%d are said to be stored, %d are, error %v", stored, len(there), err)
			}
		})
	}
}

func TestForeignRecordClaimsItsSlot(t *testing.T) {
	s := newSlots(t)
	s.put(consent("sub-1", 1, now), "")
	for id, n := range map[string]int{"foreign-1": 1, "foreign-2": 2} {
		stored := store(t, s.records, consent(id, n, now)) // without the slot, as a direct writer does
		_, err := s.records.Claim(t.Context(), class, stored)
		var duplicate retention.DuplicateError
		if errors.As(err, &duplicate) != (n == 1) || n == 2 && err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if _, again := s.records.Claim(t.Context(), class, stored); (again == nil) != (err == nil) {
			t.Errorf("%s, once more: %v", id, again)
		}
	}
	s.put(consent("sub-2", 2, now), "foreign-2")
}

func TestPurgedRecordFreesItsSlot(t *testing.T) {
	s := newSlots(t)
	s.put(consent("sub-1", 1, now), "")
	s.put(consent("sub-2", 2, now), "")
	s.put(consent("sub-3", 3, now), "")
	s.remove("sub-1")
	s.remove("sub-3")
	s.put(consent("sub-4", 3, now), "") // the slot of sub-3 is free
	for _, id := range []string{"sub-1", "sub-2", "sub-3", "sub-4", "none"} {
		if err := s.records.Leave(t.Context(), class, id); err != nil {
			t.Fatal(err)
		}
	}
	dump := dynamotest.Dump(t, s.db, s.stack.Table(names.TableSlots))
	for id, want := range map[string]bool{"sub-1": false, "sub-2": true, "sub-3": false, "sub-4": true} {
		if strings.Contains(dump, id) != want {
			t.Errorf("%s has a slot: %v", id, !want)
		}
	}
}
