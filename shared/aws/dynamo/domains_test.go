//go:build store

package dynamo_test

import (
	"testing"
	"time"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/names"
)

func TestDeadDomainIsNotedUntilItAnswers(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	domains := dynamo.NewReplies(db, stack)
	at := time.Date(2026, 11, 26, 3, 0, 0, 0, time.UTC)
	check := func(domain string, now time.Time, want bool) {
		t.Helper()
		if got, err := domains.IsDead(t.Context(), domain, now); err != nil || got != want {
			t.Errorf("%s at %s: dead %v, error %v", domain, now, got, err)
		}
	}
	note := func(dead bool) {
		t.Helper()
		if err := domains.NoteDomain(t.Context(), "links.acme.no", dead, at); err != nil {
			t.Fatal(err)
		}
	}
	check("links.acme.no", at, false)
	note(true)
	note(true)
	check("links.acme.no", at, true)
	check("links.globex.no", at, false)
	check("links.acme.no", at.AddDate(0, 0, 29), true)
	check("links.acme.no", at.AddDate(0, 0, 31), false) // also before DynamoDB forgets it
	note(false)
	check("links.acme.no", at, false)
	dynamotest.Put(t, db, stack.Table(names.TableReplies), map[string]any{names.AttrID: "domain/links.acme.no", names.AttrExpires: "soon"})
	if _, err := domains.IsDead(t.Context(), "links.acme.no", at); err == nil {
		t.Error("a note that cannot be read is read")
	}
}
