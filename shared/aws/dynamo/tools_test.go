//go:build store

package dynamo_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/access"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/scope"
)

func TestToolsAreListedAndRevokedByName(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	tools := dynamo.NewTools(db, stack)
	at := time.Date(2026, 11, 22, 3, 0, 0, 123, time.UTC)
	crm := access.Tool{Name: "crm", Rights: []access.Right{access.Check, access.Links}, Scopes: []scope.Scope{"acme", "*"}, CreatedAt: at}
	older, other := crm, crm
	older.CreatedAt, other.Name = at.Add(-time.Hour), "billing"
	for hash, tool := range map[string]access.Tool{"1": crm, "2": older, "3": other} {
		if err := tools.Put(t.Context(), hash, tool); err != nil {
			t.Fatal(err)
		}
	}
	list := func(want ...access.Tool) {
		t.Helper()
		got, err := tools.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("listed (-want +got)\n%s", diff)
		}
	}
	list(other, older, crm)

	for _, c := range []struct {
		name string
		at   time.Time
		want int
	}{{"nobody", at, 0}, {"crm", at, 2}, {"crm", at.Add(time.Hour), 0}} {
		if got, err := tools.Revoke(t.Context(), c.name, c.at); err != nil || got != c.want {
			t.Errorf("revoking %s: %d, %v; want %d", c.name, got, err, c.want)
		}
	}
	crm.RevokedAt, older.RevokedAt = at, at
	list(other, older, crm)

	got, err := tools.Tool(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(crm, got); diff != "" {
		t.Errorf("found (-want +got)\n%s", diff)
	}
	if _, err := tools.Tool(t.Context(), "4"); !errors.Is(err, access.ErrUnknownTool) {
		t.Errorf("a hash that nobody has: %v", err)
	}
}
