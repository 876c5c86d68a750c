//go:build store

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
)

func TestALostTableOfHoldsIsMadeAgain(t *testing.T) {
	d := deploy(t)
	d.run(t, "hold", "set", "--case", "C-1", "--reason", "claim", "--contact", "email", "kari@example.no", "--record", "messaging", "sub-1").ended(t, exitDone)
	d.run(t, "hold", "set", "--case", "C-2", "--reason", "claim", "--record", "messaging", "sub-2").ended(t, exitDone)
	d.run(t, "hold", "lift", "--case", "C-2").ended(t, exitDone)
	want := d.run(t, "hold", "list", "--json").ended(t, exitDone).out
	dynamotest.Restore(t, dynamotest.Client(t), d.name.Table(names.TableHolds), nil, names.AttrTarget)
	if got := d.run(t, "hold", "list").ended(t, exitDone).out; got != "there are no holds\n" {
		t.Fatalf("before, it says %q", got)
	}
	d.run(t, "hold", "restore").ended(t, exitDone)
	if diff := cmp.Diff(want, d.run(t, "hold", "list", "--json").ended(t, exitDone).out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	again := "events in the history 4, holds that stand again 0, holds that are lifted again 0\n"
	if got := d.run(t, "hold", "restore").ended(t, exitDone).out; got != again {
		t.Errorf("the second time it says %q", got)
	}
}
