//go:build store

package dynamo_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
)

func TestCanaries(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	if empty, err := list.Empty(t.Context()); err != nil || !empty {
		t.Errorf("a new table: empty %v, error %v", empty, err)
	}
	if got, err := list.Canaries(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("a new table has canaries %v, error %v", got, err)
	}
	want := map[string]string{"00000001": "one", "00000002": "two"}
	if err := list.PutCanaries(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := list.Canaries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("canaries (-want +got):\n%s", diff)
	}
	if err := list.PutCanaries(t.Context(), want); err == nil {
		t.Error("canaries that stand were replaced")
	}
	if empty, err := list.Empty(t.Context()); err != nil || empty {
		t.Errorf("a table with canaries: empty %v, error %v", empty, err)
	}
}

func TestCanariesAreAddedBesideThoseThatStand(t *testing.T) {
	for _, test := range []struct {
		name   string
		stood  map[string]string // nil: no canary yet
		add    map[string]string
		want   map[string]string
		refuse error
	}{
		{"a new one", map[string]string{"01": "one"}, map[string]string{"02": "two"}, map[string]string{"01": "one", "02": "two"}, nil},
		{"an existing canary and a new one", map[string]string{"01": "one"}, map[string]string{"01": "one", "02": "two"}, map[string]string{"01": "one", "02": "two"}, nil},
		{"another under the same id, and a new one", map[string]string{"01": "one"}, map[string]string{"01": "uno", "02": "two"}, map[string]string{"01": "one"}, dynamo.ErrCanary},
		{"one to a table that has none", nil, map[string]string{"01": "one"}, map[string]string{}, dynamo.ErrCanary},
		{"none", map[string]string{"01": "one"}, nil, map[string]string{"01": "one"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, stack := dynamotest.Tables(t)
			list := dynamo.NewSuppressions(db, stack)
			if test.stood != nil {
				if err := list.PutCanaries(t.Context(), test.stood); err != nil {
					t.Fatal(err)
				}
			}
			if err := list.AddCanaries(t.Context(), test.add); !errors.Is(err, test.refuse) {
				t.Errorf("error %v, want %v", err, test.refuse)
			}
			got, err := list.Canaries(t.Context())
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("error %v, canaries (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestTheLastCanaryIsNeverRemoved(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	if err := list.PutCanaries(t.Context(), map[string]string{"01": "one", "02": "two", "03": "three"}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		id   string
		want error
	}{
		{"02", nil}, {"02", nil}, {"never there", nil}, {"01", nil}, {"03", dynamo.ErrLastCanary},
	} {
		if err := list.RemoveCanary(t.Context(), step.id); !errors.Is(err, step.want) {
			t.Errorf("removing %s: error %v, want %v", step.id, err, step.want)
		}
	}
	got, err := list.Canaries(t.Context())
	if diff := cmp.Diff(map[string]string{"03": "three"}, got); diff != "" || err != nil {
		t.Errorf("error %v, canaries (-want +got):\n%s", err, diff)
	}
}

func TestTwoConcurrentRemovalsLeaveOneCanary(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	if err := list.PutCanaries(t.Context(), map[string]string{"01": "one", "02": "two"}); err != nil {
		t.Fatal(err)
	}
	// Each has read the other canary before either removes its own.
	var read sync.WaitGroup
	read.Add(2)
	racing := dynamo.NewSuppressions(dynamotest.Intercept(db, func(operation string) error {
		if operation == "UpdateItem" {
			read.Done()
			read.Wait()
		}
		return nil
	}), stack)
	var done sync.WaitGroup
	errs := make([]error, 2)
	for n, id := range []string{"01", "02"} {
		done.Go(func() { errs[n] = racing.RemoveCanary(t.Context(), id) })
	}
	done.Wait()
	if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), dynamo.ErrLastCanary) {
		t.Errorf("errors %v, want one ErrLastCanary", errs)
	}
	if got, err := list.Canaries(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("%d canaries are left, error %v", len(got), err)
	}
}
