package purge

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLargeRunIsAccountedForInFewShards(t *testing.T) {
	for planned, want := range map[int]int{0: shardsAtOnce, 1_000: shardsAtOnce, 180_000: shardsAtOnce, 1_000_000: 2, 4_000_000: 1, 50_000_000: 1} {
		if got := (Verifier{Planned: planned}).shardsAtOnce(); got != want {
			t.Errorf("%d planned: %d shards at once, want %d", planned, got, want)
		}
	}
}

// entries yields entries of an index, and then an error if there is one.
func entries(ids []string, err error) func(yield func(Due, error) bool) {
	return func(yield func(Due, error) bool) {
		for _, id := range ids {
			if !yield(Due{ID: id}, nil) {
				return
			}
		}
		if err != nil {
			yield(Due{}, err)
		}
	}
}

func TestRequestNamesEachRecordOnce(t *testing.T) {
	var many []string
	for n := range MaxDeletes + 1 {
		many = append(many, fmt.Sprintf("r-%03d", n))
	}
	broken := errors.New("broken")
	for what, c := range map[string]struct {
		ids     []string
		without map[string]bool
		err     error
		want    [][]string
	}{
		"nothing":                         {nil, nil, nil, nil},
		"a record that moved":             {[]string{"b", "a", "b"}, nil, nil, [][]string{{"a", "b"}}},
		"records that are left out":       {[]string{"a", "b"}, map[string]bool{"a": true, "b": true}, nil, nil},
		"one more than a request":         {many, nil, nil, [][]string{many[:MaxDeletes], many[MaxDeletes:]}},
		"an index that cannot be read":    {nil, nil, broken, nil},
		"an index that breaks in between": {many, nil, broken, [][]string{many[:MaxDeletes]}},
	} {
		var got [][]string
		var failed error
		for ids, err := range idsOf(entries(c.ids, c.err), c.without) {
			if failed = err; err == nil {
				got = append(got, ids)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(failed, c.err) {
			t.Errorf("%s: error %v (-want +got):\n%s", what, failed, diff)
		}
	}
}
