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

func TestEveryFieldIsPartOfTheChain(t *testing.T) {
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

func TestZonesDoNotChangeTheHash(t *testing.T) {
	entries, _ := chain()
	e := entries[0]
	e.At = e.At.In(time.FixedZone("", 3600))
	if e.Hash() != entries[0].Hash() {
		t.Error("the same instant in another zone has another hash")
	}
}

// TestStoredEntriesKeepTheirHash pins the hash of an entry as it was before
// there were rekeyed ones: chains that are stored must go on to verify.
func TestStoredEntriesKeepTheirHash(t *testing.T) {
	entries, head := chain()
	const first, last = "caee0d1fa5f5ae8c9bd7ed4231fd1f4edff087a1bfa44d3e7e1c42acfe475d61", "d38c71dfaad0f82fb5eff5ff74be41b74143578d8d466a2a70c864df570ba2cb"
	if entries[0].Hash() != first || head != last {
		t.Errorf("the hashes are %s and %s", entries[0].Hash(), head)
	}
}

func TestARekeyedEntryIsTiedToOlderHistory(t *testing.T) {
	former, head := chain()
	tie := ledger.Entry{Key: "newer", Version: 1, Action: ledger.Rekeyed, Former: "key", FormerHead: head}
	if err := tie.VerifyTie(former); err != nil {
		t.Error(err)
	}
	for name, broken := range map[string]struct {
		tie    func(*ledger.Entry)
		former []ledger.Entry
	}{
		"its history is gone":            {nil, nil},
		"its history lacks its end":      {nil, former[:2]},
		"it names another key":           {func(e *ledger.Entry) { e.Former = "another" }, former},
		"it names another end":           {func(e *ledger.Entry) { e.FormerHead = former[0].Hash() }, former},
		"it is an entry of another kind": {func(e *ledger.Entry) { e.Action = ledger.Noted }, former},
	} {
		t.Run(name, func(t *testing.T) {
			e := tie
			if broken.tie != nil {
				broken.tie(&e)
			}
			if err := e.VerifyTie(broken.former); !errors.Is(err, ledger.ErrBroken) {
				t.Errorf("error %v, want ErrBroken", err)
			}
		})
	}
}
