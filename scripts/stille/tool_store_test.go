//go:build store

package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/access"
	"stille/shared/operator"
	"stille/shared/scope"
)

func TestAToolIsAddedListedAndRevoked(t *testing.T) {
	d := deploy(t)
	if got := d.run(t, "tool", "list").ended(t, exitDone); !strings.Contains(got.out, "there are no tools") {
		t.Errorf("it says %q", got.out)
	}
	got := d.run(t, "tool", "add", "crm", "--rights", "check,links", "--scopes", "acme,acme/newsletter").ended(t, exitDone)
	key := strings.TrimSuffix(got.out, "\n")
	if got.errors != "the key of crm; it is not shown again:\n" {
		t.Errorf("it says %q", got.errors)
	}
	guard := access.NewGuard(d.tools, func() time.Time { return at })
	tool, err := guard.Tool(t.Context(), "Bearer "+key)
	if err != nil {
		t.Fatal(err)
	}
	want := access.Tool{Name: "crm", Rights: []access.Right{access.Check, access.Links}, Scopes: []scope.Scope{"acme", "acme/newsletter"}, CreatedAt: at}
	if diff := cmp.Diff(want, tool); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	got = d.run(t, "tool", "add", "crm", "--rights", "check", "--scopes", "*").ended(t, exitFailed)
	if !strings.Contains(got.errors, "stille tool revoke crm") || got.out != "" {
		t.Errorf("the second time it says %q and answers %q", got.errors, got.out)
	}
	if got := d.run(t, "tool", "revoke", "crm").ended(t, exitDone); !strings.HasPrefix(got.out, "revoked: ") {
		t.Errorf("it says %q", got.out)
	}
	d.run(t, "tool", "revoke", "crm").ended(t, exitFailed)
	d.run(t, "tool", "add", "crm", "--rights", "check", "--scopes", "*").ended(t, exitDone)

	got = d.run(t, "tool", "list").ended(t, exitDone)
	wantList := "1 tool with a key, 1 revoked\nNAME  RIGHTS       SCOPES                CREATED\n" +
		"crm   check,links  acme,acme/newsletter  2026-11-22T03:00:00Z\n    revoked 2026-11-22T03:00:00Z\n" +
		"crm   check        *                     2026-11-22T03:00:00Z\n"
	if diff := cmp.Diff(sortedLines(wantList), sortedLines(got.out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if strings.Contains(got.out, key) {
		t.Error("the list shows a key")
	}
	listed := answers[operator.ToolList](t, d.run(t, "tool", "list", "--json").ended(t, exitDone))[0].Tools
	if len(listed) != 2 {
		t.Errorf("in JSON it lists %+v", listed)
	}
}

// sortedLines: tools of one name and moment come in any order.
func sortedLines(text string) []string {
	return slices.Sorted(strings.Lines(text))
}
