//go:build infra

package main

import (
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/deployed/deployedtest"
)

// renewKept has TestUpdateReplacesNothingThatIsKept take the templates' word for what is
// kept.
var renewKept = flag.Bool("renew-kept", false, "write what is kept into testdata/kept.json")

// A resource with another logical id is another resource: an update would make it beside
// the old resource, which holds the data. The list is of deployed resources: a line may
// be added, and must not be changed or taken out.
func TestUpdateReplacesNothingThatIsKept(t *testing.T) {
	content, err := json.Marshal(map[string]any{"Resources": production().resources})
	if err != nil {
		t.Fatal(err)
	}
	got, file := deployedtest.Kept(t, content), "testdata/kept.json"
	if *renewKept {
		content, err := json.MarshalIndent(got, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(content, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an update would replace what is kept, or leave it behind; what is new comes into the list with -renew-kept (-list +templates)\n%s", diff)
	}
}
