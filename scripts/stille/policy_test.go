package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stille/shared/operator"
	"stille/shared/strictyaml"

	"github.com/google/go-cmp/cmp"
)

func TestValidPolicyIsExplained(t *testing.T) {
	got := call{}.run(t, "policy", "check").ended(t, exitDone)
	for _, says := range []string{
		"CLASS          KEEP  PROMISE  ZONE         WHAT STARTS           IS KEPT THROUGH\n",
		"messaging      P2Y   P2Y      Europe/Oslo  2026-11-22T03:00:00Z  2028-11-22\n    is due from 2028-11-22T23:00:00Z  next purge 2026-11-23T02:40:00Z\n",
		"The policy has no mistakes. Its hash is ",
	} {
		if !strings.Contains(got.out, says) {
			t.Errorf("it does not say %q:\n%s", says, got.out)
		}
	}
	inJSON := answers[operator.PolicyCheck](t, call{}.run(t, "policy", "check", "--json").ended(t, exitDone))[0]
	if !inJSON.Valid || len(inJSON.Classes) != 4 || len(inJSON.Hash) != 64 || inJSON.Classes[0].Keep != "P6M" {
		t.Errorf("in JSON it answers %+v", inJSON)
	}
}

func TestEveryPolicyMistakeIsNamedWithItsLine(t *testing.T) {
	file := filepath.Join(t.TempDir(), "draft.yaml")
	draft := `classes:
  - class: messaging
    promise: P2Y
    keep: P3Y
    anchor: consent
    schedule: cron(30 2 * * ? *)
    owner: marketing
    legalBasis: consent
    sentence: We keep it.
    keeep: P2Y
`
	if err := os.WriteFile(file, []byte(draft), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"policy", "check", file}} {
		got := call{}.run(t, args...).ended(t, exitUsage)
		want := "stille: " + file + ":\n" +
			"line 4: keep: P3Y may be longer than P2Y, the most for messaging\n" +
			"line 4: keep: P3Y may be longer than the promise, P2Y\n" +
			"line 6: schedule: must be at 03:30 or later\n" +
			"line 10: keeep is not a field here\n"
		if diff := cmp.Diff([]string{want, ""}, []string{got.errors, got.out}); diff != "" {
			t.Errorf("%v (-want +got)\n%s", args, diff)
		}
	}
	inJSON := answers[operator.PolicyCheck](t, call{}.run(t, "policy", "check", file, "--json").ended(t, exitUsage))[0]
	if inJSON.Valid || len(inJSON.Mistakes) != 4 || inJSON.Mistakes[3] != (strictyaml.Mistake{Line: 10, What: "keeep is not a field here"}) {
		t.Errorf("in JSON it answers %+v", inJSON)
	}
}

func TestMissingPolicyFileIsBadUsage(t *testing.T) {
	got := call{}.run(t, "policy", "check", "/nowhere.yaml").ended(t, exitUsage)
	if !strings.Contains(got.errors, "there is no such file") {
		t.Errorf("it says %q", got.errors)
	}
}
