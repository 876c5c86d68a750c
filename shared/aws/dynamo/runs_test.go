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
	"stille/shared/certificate"
	"stille/shared/purge"
	"stille/shared/scope"
)

func TestARunKeepsItsFirstPlan(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	runs := dynamo.NewRuns(db, stack)
	want := purge.Run{Class: class, ID: "run-1", StartedAt: now, Cutoff: now, PlanHash: "p", Planned: 3}
	for _, planned := range []int{3, 4} {
		again := want
		again.Planned = planned
		got, err := runs.Start(t.Context(), again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("run (-want +got):\n%s", diff)
		}
	}
	if _, err := runs.Get(t.Context(), class, "run-2"); !errors.Is(err, purge.ErrNoRun) {
		t.Errorf("error %v, want ErrNoRun", err)
	}
}

func TestCertificatesOfAClassAreOneChain(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	runs := dynamo.NewRuns(db, stack)
	certified := func(id, hash string) purge.Run {
		return purge.Run{
			Class: class, ID: id, StartedAt: now, Cutoff: now, EndedAt: now, Outcome: certificate.Completed,
			Counts: certificate.Counts{Due: 1, Deleted: 1}, Certificate: hash,
		}
	}
	if err := runs.Certify(t.Context(), certified("run-1", "one"), ""); err != nil {
		t.Fatal(err)
	}
	if err := runs.Certify(t.Context(), certified("run-2", "two"), ""); !errors.Is(err, purge.ErrChainMoved) {
		t.Errorf("a second first: error %v, want ErrChainMoved", err)
	}
	if err := runs.Certify(t.Context(), certified("run-2", "two"), "one"); err != nil {
		t.Fatal(err)
	}
	if err := runs.Certify(t.Context(), certified("run-1", "three"), "two"); err == nil {
		t.Error("a run was certified twice")
	}
	if head, err := runs.Head(t.Context(), class); err != nil || head != "two" {
		t.Errorf("head %q, error %v", head, err)
	}
	if head, err := runs.Head(t.Context(), "communication"); err != nil || head != "" {
		t.Errorf("head of a class without runs %q, error %v", head, err)
	}
	got, err := runs.List(t.Context(), class)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]purge.Run{certified("run-1", "one"), certified("run-2", "two")}, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestToolIsFoundByHashOfKey(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	tools := dynamo.NewTools(db, stack)
	want := access.Tool{Name: "crm", Rights: access.Rights(), Scopes: []scope.Scope{"acme"}, CreatedAt: now, RevokedAt: now.Add(time.Hour)}
	if err := tools.Put(t.Context(), "hash", want); err != nil {
		t.Fatal(err)
	}
	got, err := tools.Tool(t.Context(), "hash")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tool (-want +got):\n%s", diff)
	}
	if _, err := tools.Tool(t.Context(), "other"); !errors.Is(err, access.ErrUnknownTool) {
		t.Errorf("error %v, want ErrUnknownTool", err)
	}
}
