package purge

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/certificate"
	"stille/shared/retention"
)

func TestLargeRunIsAccountedForInFewShards(t *testing.T) {
	for planned, want := range map[int]int{0: retention.Shards, 1_000: retention.Shards, 20_000: 16, 80_000: 4, 1_000_000: 1, 4_000_000: 1, 50_000_000: 1} {
		if got := (Verifier{Planned: planned}).shardsAtOnce(); got != want {
			t.Errorf("%d planned: %d shards at once, want %d", planned, got, want)
		}
	}
}

// crowd is a manifest, and a class table, of a run that deleted the records of one
// shard. Each is in two pages.
type crowd struct {
	Manifest
	Records
	due   int
	reads int           // of the manifest
	slow  time.Duration // of a reading of the table
}

func (c *crowd) Pages(_ context.Context, _, _, shard string) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		if shard != retention.ShardName(0) {
			return
		}
		c.reads++
		for first := 0; first < 2*c.due; first += MaxDeletes {
			page := Page{Outcomes: map[string]Outcome{}}
			for n := first; n < min(first+MaxDeletes, 2*c.due); n++ {
				id := fmt.Sprintf("%07d", n*7919%c.due) // not in order
				page.IDs, page.Outcomes[id] = append(page.IDs, id), Deleted
			}
			if !yield(page, nil) {
				return
			}
		}
	}
}

func (c *crowd) Load(context.Context, string, []string) (map[string]retention.Stored, map[string]error, error) {
	time.Sleep(c.slow)
	return nil, nil, nil
}

// The requests of a shard are shared out: with all shards at once, each has one at a time.
func TestShardReadsItsRecordsByFullRequests(t *testing.T) {
	for planned, want := range map[int]time.Duration{0: 6 * time.Second, 1_000_000: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			c := &crowd{due: 5*MaxDeletes + 1, slow: time.Second}
			v := Verifier{
				Records: c, Manifest: c, HMAC: func(_, id string) string { return id }, Planned: planned,
				Keep: func(context.Context, string, []byte) error { return nil },
			}
			began := time.Now()
			account, err := v.Account(t.Context(), retention.Class{}, "run-1", time.Time{})
			if took := time.Since(began); err != nil || account.Counts.Deleted != c.due || took != want {
				t.Errorf("%d planned: %d deleted in %v, error %v", planned, account.Counts.Deleted, took, err)
			}
		})
	}
}

func TestLargeShardIsListedInParts(t *testing.T) {
	for due, reads := range map[int]int{mostInPart: 1, mostInPart + 1: 2, 3*mostInPart + 1: 4} {
		c := &crowd{due: due}
		var list []byte
		v := Verifier{
			Records: c, Manifest: c, HMAC: func(_, id string) string { return id },
			Keep: func(_ context.Context, _ string, file []byte) error { list = file; return nil },
		}
		account, err := v.Account(t.Context(), retention.Class{}, "run-1", time.Time{})
		if err != nil || account.Counts.Deleted != due || account.Lists["00"].Count != due {
			t.Errorf("%d due: error %v, account %+v", due, err, account)
		}
		keys := strings.Fields(string(list))
		if len(keys) != due || !slices.IsSorted(keys) || len(slices.Compact(keys)) != due || c.reads > reads {
			t.Errorf("%d due: %d keys in %d readings", due, len(keys), c.reads)
		}
	}
}

func TestPartHoldsNoMoreThanItMay(t *testing.T) {
	part, most := part{noted: map[string]*noted{}}, 0
	for n := range 10 * mostInPart {
		part.note(fmt.Sprintf("%07d", n*7919%(10*mostInPart)), Deleted, certificate.Objects{})
		most = max(most, len(part.noted))
	}
	if most != mostInPart || part.end == "" {
		t.Errorf("%d records in memory, up to %q", most, part.end)
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
		ids  []string
		err  error
		want [][]string
	}{
		"nothing":                         {nil, nil, nil},
		"a record that moved":             {[]string{"b", "a", "b"}, nil, [][]string{{"a", "b"}}},
		"one more than a request":         {many, nil, [][]string{many[:MaxDeletes], many[MaxDeletes:]}},
		"an index that cannot be read":    {nil, broken, nil},
		"an index that breaks in between": {many, broken, [][]string{many[:MaxDeletes]}},
	} {
		var got [][]string
		var failed error
		for ids, err := range idsOf(entries(c.ids, c.err)) {
			if failed = err; err == nil {
				got = append(got, ids)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || !errors.Is(failed, c.err) {
			t.Errorf("%s: error %v (-want +got):\n%s", what, failed, diff)
		}
	}
}
