//go:build store

package dynamo_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

// keyUnder is the key of contact n under the contact key of this id.
func keyUnder(keyID uint32, n byte) contact.Key {
	raw := make([]byte, 32, 36)
	raw[0] = n
	return contact.Key(base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(raw, keyID)))
}

const (
	older  uint32 = 7
	newest uint32 = 8
)

func TestSuppressionsThatNeedAKeyAreCounted(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	if err := list.PutCanaries(t.Context(), map[string]string{"00000007": "seven"}); err != nil {
		t.Fatal(err)
	}
	put := func(key contact.Key, more map[string]any) {
		stored := map[string]any{"key": string(key), "version": 1, "head": "h", "marks": map[string]any{}}
		for name, value := range more {
			stored[name] = value
		}
		dynamotest.Put(t, db, stack.Table(names.TableSuppressions), stored)
	}
	put(keyUnder(older, 1), nil)
	put(keyUnder(older, 2), map[string]any{"marks": "cannot be read"})
	put(keyUnder(older, 3), map[string]any{"mergedInto": string(keyUnder(newest, 3))})
	put(keyUnder(newest, 3), nil)
	for keyID, want := range map[uint32]int{older: 2, newest: 1, 9: 0, 0: 0} {
		if got, err := list.CountUnmerged(t.Context(), keyID); err != nil || got != want {
			t.Errorf("under key %d: %d, error %v, want %d", keyID, got, err, want)
		}
	}
}

func TestHoldsThatNeedAKeyAreCounted(t *testing.T) {
	db, stack := dynamotest.Tables(t, "messaging")
	holds := dynamo.NewHolds(db, stack)
	hold := func(id string, target retention.Target) retention.Hold {
		return retention.Hold{Case: id, Reason: "r", Kind: retention.Legal, Target: target, SetAt: now}
	}
	for _, placed := range [][]retention.Hold{
		{
			hold("1", retention.SubjectTarget(keyUnder(older, 1))), hold("1", retention.SubjectTarget(keyUnder(newest, 1))),
			hold("1", retention.RecordTarget("messaging", string(keyUnder(older, 2)))),
		},
		{
			hold("2", retention.SubjectTarget(keyUnder(older, 1))), hold("2", retention.SubjectTarget(keyUnder(older, 3))),
			hold("2", retention.SubjectTarget(keyUnder(older, 5))),
		},
	} {
		if _, err := holds.Set(t.Context(), nil, placed); err != nil {
			t.Fatal(err)
		}
	}
	if lifted, err := holds.Lift(t.Context(), retention.OfCase("2"), now, "ola"); err != nil || len(lifted) != 3 {
		t.Fatalf("%v lifted, error %v", lifted, err)
	}
	dynamotest.Put(t, db, stack.Table(names.TableHolds), map[string]any{"target": string(retention.SubjectTarget(keyUnder(older, 4))), "cases": "cannot be read"})
	for keyID, want := range map[uint32]int{older: 2, newest: 1, 9: 0} {
		if got, err := holds.CountSubjects(t.Context(), keyID); err != nil || got != want {
			t.Errorf("under key %d: %d, error %v, want %d", keyID, got, err, want)
		}
	}
}

func TestRecordsUnderAKeyAreCountedCompletely(t *testing.T) {
	db, stack := dynamotest.Tables(t, "messaging", "communication")
	records := dynamo.NewRecords(db, stack)
	large := strings.Repeat("x", 390_000) // three of them are more than a page
	for n := range byte(7) {
		dynamotest.Put(t, db, stack.Records("messaging"), map[string]any{"id": fmt.Sprint(n), "subject": string(keyUnder(older+uint32(n)%2, n)), "data": large})
	}
	dynamotest.Put(t, db, stack.Records("messaging"), map[string]any{"id": "without subject"})
	dynamotest.Put(t, db, stack.Records("messaging"), map[string]any{"id": "of no contact", "subject": "customer 7"})
	for keyID, want := range map[uint32]int{older: 4, newest: 3, 9: 0, 0: 0} {
		if got, err := records.CountSubjects(t.Context(), "messaging", keyID); err != nil || got != want {
			t.Errorf("under key %d: %d, error %v, want %d", keyID, got, err, want)
		}
	}
	if got, err := records.CountSubjects(t.Context(), "communication", older); err != nil || got != 0 {
		t.Errorf("of another class: %d, error %v", got, err)
	}
}
