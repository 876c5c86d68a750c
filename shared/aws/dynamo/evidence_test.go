//go:build store

package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
)

func TestEvidenceIsTheRecordsThatHoldSlots(t *testing.T) {
	s := newSlots(t)
	s.put(consent("own", 1, now), "")
	s.put(consent("older-key", 3, now), "")
	topic := consent("topic", 1, now)
	topic.Scope = "acme/newsletter"
	s.put(topic, "")
	s.put(elsewhere(consent("elsewhere", 4, now)), "")
	s.put(consent("gone", 5, now), "")
	s.remove("gone")
	s.put(consent("broken", 6, now), "")
	dynamotest.Put(t, s.db, s.stack.Records(class), map[string]any{"id": "broken", "occurredAt": "yesterday"})
	s.put(consent("left", 7, now), "")
	dynamotest.Put(t, s.db, s.stack.Records(class), map[string]any{"id": "left", "subject": string(key(8)), "scope": "acme"})
	contacts := [][]contact.Key{{key(1)}, {key(2), key(3)}, {key(4)}, {key(5)}, {key(6)}, {key(7)}, {key(1)}, {key(9)}, {key(8)}}
	said, err := s.records.Evidence(t.Context(), class, contacts, []scope.Scope{"acme/newsletter", "acme"})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"own", "topic"}, {"older-key"}, nil, nil, nil, nil, {"own", "topic"}, nil, nil}
	for i, one := range said {
		var ids []string
		for _, r := range one.Records {
			ids = append(ids, r.ID)
		}
		slices.Sort(ids)
		if !slices.Equal(ids, want[i]) || errors.Is(one.Err, retention.ErrUnreadable) != (i == 4) {
			t.Errorf("contact %d: %v, error %v, want %v", i, ids, one.Err, want[i])
		}
	}
}

func TestEvidenceOfManyContactsIsReadInBatches(t *testing.T) {
	db, stack := dynamotest.Tables(t, class)
	const many = 250
	contacts := make([][]contact.Key, many)
	for i := range contacts {
		contacts[i] = []contact.Key{key(i)}
	}
	plain := dynamo.NewRecords(db, stack)
	for _, n := range []int{0, 120, many - 1} {
		if _, err := plain.Put(t.Context(), class, consent(fmt.Sprintf("sub-%d", n), n, now), anyone, key(n)); err != nil {
			t.Fatal(err)
		}
	}
	var fails error
	records := dynamo.NewRecords(dynamotest.Intercept(db, func(operation string) error {
		if operation != "BatchGetItem" {
			t.Errorf("a call of %s", operation)
		}
		return fails
	}), stack)
	said, err := records.Evidence(t.Context(), class, contacts, []scope.Scope{"acme"})
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range said {
		if want := i == 0 || i == 120 || i == many-1; (len(one.Records) == 1) != want {
			t.Errorf("contact %d has %d records", i, len(one.Records))
		}
	}
	fails = errors.New("down")
	if said, err := records.Evidence(t.Context(), class, contacts, []scope.Scope{"acme"}); err == nil || said != nil {
		t.Errorf("a store that fails answers %d contacts, error %v", len(said), err)
	}
}
