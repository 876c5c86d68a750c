package suppression_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

var (
	monday  = time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	tuesday = monday.AddDate(0, 0, 1)
	friday  = monday.AddDate(0, 0, 4)
)

// marks are an item's, as the golden cases write them.
type marks map[scope.Scope]map[suppression.Reason]struct {
	First, Last, ReleasedAt time.Time
	Source                  suppression.Source
}

func (m marks) item() suppression.Item {
	item := suppression.Item{Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{}}
	for s, reasons := range m {
		item.Marks[s] = map[suppression.Reason]suppression.Mark{}
		for r, mark := range reasons {
			item.Marks[s][r] = suppression.Mark{First: mark.First, Last: mark.Last, Source: mark.Source, ReleasedAt: mark.ReleasedAt}
		}
	}
	return item
}

// golden reads cases, each of which has a sentence for a name and no field
// that the test does not know.
func golden[T any](t *testing.T, file string) []T {
	t.Helper()
	written, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(written))
	decoder.DisallowUnknownFields()
	var cases []T
	if err := decoder.Decode(&cases); err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, error %v", len(cases), err)
	}
	return cases
}

func TestDecide(t *testing.T) {
	type row struct {
		Name    string
		Marks   marks
		Purpose suppression.Purpose
		Scope   scope.Scope
		Want    suppression.Decision
	}
	for _, test := range golden[row](t, "decide.json") {
		t.Run(test.Name, func(t *testing.T) {
			if diff := cmp.Diff(test.Want, suppression.Decide(test.Marks.item(), test.Purpose, test.Scope)); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithdrawnAt(t *testing.T) {
	type row struct {
		Name       string
		Marks      marks
		Class      string // messaging where it is left out
		Scope      scope.Scope
		OccurredAt time.Time
		Want       time.Time // zero: it is not withdrawn
	}
	for _, test := range golden[row](t, "withdrawn.json") {
		t.Run(test.Name, func(t *testing.T) {
			if test.Class == "" {
				test.Class = retention.Messaging
			}
			if got := suppression.WithdrawnAt(test.Marks.item(), test.Class, test.Scope, test.OccurredAt); !got.Equal(test.Want) {
				t.Errorf("withdrawn at %v, want %v", got, test.Want)
			}
		})
	}
}

func TestPurposesAreKnownByName(t *testing.T) {
	for name, want := range map[string]struct {
		purpose suppression.Purpose
		known   bool
	}{
		"":              {suppression.Marketing, true},
		"marketing":     {suppression.Marketing, true},
		"transactional": {suppression.Transactional, true},
		"Marketing":     {"Marketing", false},
		"billing":       {"billing", false},
	} {
		if got, known := suppression.ParsePurpose(name); got != want.purpose || known != want.known {
			t.Errorf("%q is %q, known %t", name, got, known)
		}
	}
}
