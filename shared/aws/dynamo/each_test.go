//go:build store

package dynamo_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/suppression"
)

func TestEachReadsEveryItemAndNoCanary(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list := dynamo.NewSuppressions(db, stack)
	if err := list.PutCanaries(t.Context(), map[string]string{"0a1b2c3d": "mac"}); err != nil {
		t.Fatal(err)
	}
	want := map[contact.Key]suppression.Item{}
	for n := range 3 {
		outcome, err := list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key(n)}}, optOut(now), now)
		if err != nil {
			t.Fatal(err)
		}
		want[key(n)] = outcome.Item
	}
	// The unreadable items fill more than one page of a scan.
	filler := strings.Repeat("x", 300<<10)
	for n := range 5 {
		dynamotest.Put(t, db, stack.Table(names.TableSuppressions), map[string]any{"key": fmt.Sprintf("broken-%d", n), "marks": filler})
	}
	got, unreadable := map[contact.Key]suppression.Item{}, 0
	err := list.Each(t.Context(), func(i suppression.Item, err error) error {
		switch {
		case errors.Is(err, dynamo.ErrUnreadable) && strings.HasPrefix(string(i.Key), "broken-"):
			unreadable++
		case err != nil:
			t.Errorf("of %s: %v", i.Key.Short(), err)
		default:
			got[i.Key] = i
		}
		return nil
	})
	if diff := cmp.Diff(want, got); diff != "" || unreadable != 5 || err != nil {
		t.Errorf("%d unreadable, error %v (-want +got)\n%s", unreadable, err, diff)
	}
	enough, calls := errors.New("enough"), 0
	if err := list.Each(t.Context(), func(suppression.Item, error) error { calls++; return enough }); !errors.Is(err, enough) || calls != 1 {
		t.Errorf("after %d calls it ends with %v", calls, err)
	}
}
