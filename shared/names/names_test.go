package names_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
)

// all are the names of every table.
func all(tables names.Tables) []string {
	var found []string
	for _, id := range names.TableIDs() {
		found = append(found, tables.Table(id))
	}
	return append(found, tables.Records("contact"))
}

func TestEveryTableCanBeRestored(t *testing.T) {
	var first, second []string
	under := map[string]string{}
	for _, id := range names.TableIDs("contact") {
		first = append(first, "quiet-"+id)
		under[id] = "quiet-" + id + "-2"
		second = append(second, under[id])
	}
	for of, tables := range map[string]struct {
		names.Tables
		want []string
	}{
		"as they were made": {names.Stack("quiet"), first},
		"none restored":     {names.Deployed{Stack: "quiet"}, first},
		"all restored":      {names.Deployed{Stack: "quiet", Restored: under}, second},
	} {
		if diff := cmp.Diff(tables.want, all(tables)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", of, diff)
		}
	}
	one := all(names.Deployed{Stack: "quiet", Restored: map[string]string{names.TableRuns: "quiet-runs-2"}})
	if at := slices.Index(one, "quiet-runs-2"); at < 0 || !slices.Equal(slices.Delete(one, at, at+1), slices.DeleteFunc(first, func(name string) bool { return name == "quiet-runs" })) {
		t.Errorf("one restored: %v", one)
	}
}

func TestRestoredTablesClassIsKnown(t *testing.T) {
	stack := names.Deployed{Stack: "quiet", Restored: map[string]string{"records-contact": "quiet-may", "ledger": "quiet-records-ledger"}}
	for _, c := range []struct{ table, class string }{
		{"quiet-may", "contact"},
		{"arn:aws:dynamodb:eu-north-1:210987654321:table/quiet-may/stream/2026-11-26T10:00:00.000", "contact"},
		{"quiet-records-contact", "contact"}, // changes from before the deploy
		{"quiet-records-messaging", "messaging"},
		{"quiet-holds", ""},
		{"loud-records-contact", ""},
	} {
		if class, ok := stack.ClassOf(c.table); ok != (c.class != "") || ok && class != c.class {
			t.Errorf("%s: class %q, %v", c.table, class, ok)
		}
	}
}
