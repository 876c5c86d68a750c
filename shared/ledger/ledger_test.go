package ledger_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"stille/shared/ledger"
)

func chain() ([]ledger.Entry, ledger.Hash) {
	var entries []ledger.Entry
	var head ledger.Hash
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for n := range int64(3) {
		e := ledger.Entry{
			ID: "id", Key: "key", Version: n + 1, Channel: "email", Action: ledger.Suppressed, Scope: "acme",
			Reason: "unsubscribed", Source: "link", Note: "note", At: at, RecordedAt: at, Previous: head,
		}
		head = e.Hash()
		entries = append(entries, e)
	}
	return entries, head
}

func TestAnUnbrokenChainVerifies(t *testing.T) {
	entries, head := chain()
	if err := ledger.Verify(entries, head); err != nil {
		t.Error(err)
	}
	if err := ledger.Verify(nil, ""); err != nil {
		t.Errorf("a contact without history: %v", err)
	}
}

func TestEveryFieldOfEveryEntryIsInTheChain(t *testing.T) {
	fields := reflect.TypeFor[ledger.Entry]()
	for i := range fields.NumField() {
		t.Run(fields.Field(i).Name, func(t *testing.T) {
			for n := range 3 {
				entries, head := chain()
				change(t, reflect.ValueOf(&entries[n]).Elem().Field(i))
				if err := ledger.Verify(entries, head); !errors.Is(err, ledger.ErrBroken) {
					t.Errorf("entry %d altered: error %v, want ErrBroken", n, err)
				}
			}
		})
	}
}

func change(t *testing.T, field reflect.Value) {
	t.Helper()
	switch v := field.Addr().Interface().(type) {
	case *time.Time:
		*v = v.Add(time.Nanosecond)
	case *int64:
		*v++
	default:
		if field.Kind() != reflect.String {
			t.Fatalf("no way to alter a %s", field.Type())
		}
		field.SetString(field.String() + "x")
	}
}

func TestADroppedOrInsertedEntryBreaksTheChain(t *testing.T) {
	for n := range 3 {
		entries, head := chain()
		if err := ledger.Verify(slices.Delete(entries, n, n+1), head); !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("without entry %d: error %v, want ErrBroken", n, err)
		}
		entries, head = chain()
		if err := ledger.Verify(slices.Insert(entries, n, entries[n]), head); !errors.Is(err, ledger.ErrBroken) {
			t.Errorf("entry %d twice: error %v, want ErrBroken", n, err)
		}
	}
}

func TestTheZoneOfATimeDoesNotChangeTheHash(t *testing.T) {
	entries, _ := chain()
	e := entries[0]
	e.At = e.At.In(time.FixedZone("", 3600))
	if e.Hash() != entries[0].Hash() {
		t.Error("the same instant in another zone has another hash")
	}
}
