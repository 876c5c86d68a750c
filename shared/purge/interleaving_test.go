//go:build store

package purge_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/objects/objectstest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// -schedule.seed=N -schedule.count=1 repeats a failed schedule.
var (
	firstSeed = flag.Uint64("schedule.seed", 1, "the first schedule's seed")
	schedules = flag.Int("schedule.count", 4_000, "how many schedules are played; of a single one the trace is shown")
)

const (
	stages   = 4 // run concurrently
	contacts = 2 // of a stage
)

// stage is a shard of a class table, on which one schedule after the other is
// played, each with new records. A waiting stage does not delay the others.
type stage struct {
	db     *dynamodb.Client
	stack  names.Stack
	class  retention.Class
	number int
	shard  string
	wire   *wire
	held   []retention.Target   // in the last schedule
	turn   int64                // on the fence
	claims []types.WriteRequest // that give each record its first object
	tally  *tally
}

func newStage(t *testing.T, n int, tally *tally) *stage {
	t.Helper()
	db, stack := dynamotest.TablesApart(t, retention.Messaging)
	_, class := onlyClass(t)
	s := &stage{
		db: db, stack: stack, class: class, number: n, shard: retention.ShardName(n),
		wire: newWire(t, db.Options().HTTPClient), tally: tally,
	}
	s.claims = s.claimed(t)
	return s
}

// claimed returns the writes that give each record its first object, as stamp does.
func (s *stage) claimed(t *testing.T) []types.WriteRequest {
	t.Helper()
	records := dynamo.NewRecords(s.db, s.stack)
	for _, name := range storyIDs {
		dynamotest.Put(t, s.db, s.stack.Records(s.class.Name), map[string]any{"id": s.id(name), "objects": []string{"s3://letters/" + name + "1"}})
		stored, err := records.Get(t.Context(), s.class.Name, s.id(name))
		if err == nil {
			_, err = records.ClaimObjects(t.Context(), s.class.Name, stored, retention.Record{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	written, err := s.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(s.stack.Table(names.TableSlots))})
	if err != nil || len(written.Items) != len(storyIDs) {
		t.Fatalf("%d claims, error %v", len(written.Items), err)
	}
	var claims []types.WriteRequest
	for _, claim := range written.Items {
		claims = append(claims, types.WriteRequest{PutRequest: &types.PutRequest{Item: claim}})
	}
	return claims
}

// tally counts the events of interest.
type tally struct {
	mu    sync.Mutex
	times map[string]int
}

func (s *stage) happened(what string) {
	s.tally.mu.Lock()
	defer s.tally.mu.Unlock()
	s.tally.times[what]++
}

func (s *stage) id(name string) string { return fmt.Sprintf("r%d-%s", s.number, name) }

// keys are the keys of the nth contact, the newer one first.
func (s *stage) keys(n int) []contact.Key {
	first := 10*s.number + 2*n
	return []contact.Key{subject(first), subject(first + 1)}
}

// keysOf are the keys of a record's contact.
func (s *stage) keysOf(r retention.Record) []contact.Key {
	n := 0
	for !slices.Contains(s.keys(n), r.Subject) {
		n++
	}
	return s.keys(n)
}

// worthSeeing are the events that must happen often, or the schedules prove
// nothing.
var worthSeeing = []string{ //nolint:gochecknoglobals // a constant
	"a record went", "a record went with its object", "a worker died",
	"a fence had moved", "a hold was seen only because the fence had moved",
	"a hold came too late", "a hold kept its record", "a hold froze its record", "a hold was lifted and its record went",
	"a record had changed at the transaction", "a record was gone at the transaction", "a record was stored again",
	"a record marked by one worker was taken up by another", "a mark did not stand any more",
	"an owner was told that the record is being purged",
	"a run was taken over", "a run died while it took over", "a worker lived on and had lost its turn",
	"a deletion of a run that was taken over was accounted for",
}

// each event must happen at least once in this many schedules
const rarest = 400

// Workers purge a shard, die at any call or live on while the next run takes the
// class over, and other actors place and lift holds and change the records as the
// API and the stream do. The schedule orders every call to DynamoDB Local, S3 and
// the manifest, and a story (story_test.go) follows the true course. The promises:
//
//   - A deleted or marked record was due at that instant, and unchanged since it
//     was read. No acknowledged hold was on it, unless the hold was reported as
//     too late.
//   - An acknowledged hold named every marked record that it covers, and no other.
//   - A record with objects is marked before its objects are deleted, and deleted
//     after them, only by the run whose mark stands. No actor changes it between.
//   - After a run was taken over, none of its workers deletes or marks a record.
//     Every deletion is in the account of its run, and in no other.
//   - When a worker has finished, every record that was due when it began, and that
//     no actor changed or held, is gone. Each record of a page has its true outcome.
//
// DynamoDB Local has no lagging index, so the test has none.
func TestHoldsWinInEveryOrderOfCalls(t *testing.T) {
	tally := &tally{times: map[string]int{}}
	var playing sync.WaitGroup
	for n := range stages {
		playing.Go(func() { // not t.Parallel: a stage mostly waits, and there are more stages than processors
			t.Run(fmt.Sprint("stage ", n), func(one *testing.T) {
				s := newStage(one, n, tally)
				for k := n; k < *schedules && !t.Failed(); k += stages {
					s.play(one, *firstSeed+uint64(k))
				}
			})
		})
	}
	playing.Wait()
	for _, what := range slices.Sorted(maps.Keys(tally.times)) {
		t.Logf("%6d times %s", tally.times[what], what)
	}
	for _, what := range worthSeeing {
		if tally.times[what] < *schedules/rarest {
			t.Errorf("%s %d times only", what, tally.times[what])
		}
	}
}

func TestSeedDeterminesTheSchedule(t *testing.T) {
	s := newStage(t, 0, &tally{times: map[string]int{}})
	for seed := range uint64(20) {
		if diff := cmp.Diff(s.play(t, seed), s.play(t, seed)); diff != "" {
			t.Errorf("seed %d, once and again (-want +got):\n%s", seed, diff)
		}
	}
}

// play plays one schedule and returns its calls in order.
func (s *stage) play(t *testing.T, seed uint64) (trace string) {
	plot := newSchedule(seed)
	story := &story{stage: s, plot: plot, run: "run-1", facts: map[string]*fact{}, moved: map[*actor]bool{}}
	for _, name := range storyIDs {
		story.facts[name] = &fact{
			name: name, is: s.record(plot, name), there: true,
			readAs: map[*actor]retention.Record{}, deletedBy: map[*actor]bool{}, outcome: map[*actor]purge.Outcome{}, lists: map[string]bool{},
		}
	}
	s.set(t, story)
	synctest.Test(t, func(t *testing.T) {
		story.T = t
		story.records = dynamo.NewRecords(over(s.db, s.wire), s.stack)
		story.s3 = objectstest.NewMemory("letters")
		story.letters = objectstest.Bucket{S3: story.s3, Name: "letters"}
		for _, name := range storyIDs {
			story.letters.Put(t, name+"1")
			story.letters.Put(t, name+"2")
		}
		if plot.random.IntN(6) == 0 {
			story.heldLongAgo()
		}
		plot.play(story.cast())
		story.end(plot.nobody())
		if t.Failed() || *schedules == 1 {
			t.Logf("seed %d:\n%s", seed, strings.Join(plot.trace, "\n"))
		}
	})
	for _, hold := range story.holds {
		s.held = append(s.held, hold.targets...)
	}
	return strings.Join(plot.trace, "\n")
}

// record is a record that is due, or will be once it is withdrawn.
func (s *stage) record(plot *schedule, name string) retention.Record {
	r := retention.Record{ID: s.id(name), Scope: "acme", Basis: retention.Customer, OccurredAt: due, Start: due}
	keys := s.keys(plot.random.IntN(contacts))
	switch plot.random.IntN(3) {
	case 0:
		r.Subject = keys[1]
	case 1:
		r.Subject = keys[0]
	default:
		r.Subject, r.Former = keys[0], keys[1:]
	}
	switch plot.random.IntN(6) {
	case 0:
		r.Start = notDue
	case 1:
		r.Start, r.WithdrawnAt = notDue, cutoff
	}
	if plot.random.IntN(3) > 0 {
		r.Objects = []string{"s3://letters/" + name + "1"}
		r.Claimed = r.Objects
	}
	return r
}

// cast are the actors: a worker; mostly a call that AWS made twice, or the next run
// and perhaps the one after it; and a few others. A run that is taken over dies at
// any of its calls, or lives on.
func (s *story) cast() []*actor {
	random := s.plot.random
	first := s.worker("worker 1", nil)
	actors := []*actor{first}
	mayDie := func(a *actor, from int) {
		if random.IntN(2) == 0 {
			a.diesAt = from + random.IntN(longestWait)
		}
	}
	switch random.IntN(6) {
	case 0, 1:
		after := first
		if random.IntN(2) == 0 {
			after = nil
		}
		mayDie(first, indecisive)
		actors = append(actors, s.worker("worker 2", after))
	case 2, 3, 4:
		mayDie(first, indecisive)
		next := s.nextRun("run 2", "run-2", nil)
		actors = append(actors, next)
		if random.IntN(2) == 0 {
			mayDie(next, 1)
			actors = append(actors, s.nextRun("run 3", "run-3", next))
		}
	}
	for n := range 1 + random.IntN(3) {
		actors = append(actors, s.other(n))
	}
	return actors
}

// set stores the records of a schedule in place of the last schedule's.
func (s *stage) set(t *testing.T, story *story) {
	t.Helper()
	var items, holds []types.WriteRequest
	for _, name := range storyIDs {
		r := story.facts[name].is
		item := map[string]any{
			"id": r.ID, "subject": string(r.Subject), "scope": string(r.Scope), "basis": string(r.Basis),
			"occurredAt": retention.Sort(r.OccurredAt), "retentionStart": retention.Sort(r.Start),
			"retentionSort": retention.Sort(r.Start), "retentionShard": s.shard,
		}
		if !r.WithdrawnAt.IsZero() {
			item["withdrawnAt"] = retention.Sort(r.WithdrawnAt)
		}
		if len(r.Former) > 0 {
			item["formerSubjects"] = r.Former
		}
		if len(r.Objects) > 0 {
			item["objects"], item["claimed"] = r.Objects, r.Claimed
		}
		written, err := attributevalue.MarshalMap(item)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, types.WriteRequest{PutRequest: &types.PutRequest{Item: written}})
	}
	if story.plot.random.IntN(2) == 0 {
		s.held = append(s.held, retention.Target(fence+s.shard)) // as before the first hold and the first turn
		s.turn = 0
	}
	slices.Sort(s.held)
	for _, target := range slices.Compact(s.held) {
		key := map[string]types.AttributeValue{names.AttrTarget: &types.AttributeValueMemberS{Value: string(target)}}
		holds = append(holds, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}})
	}
	s.held = nil
	all := map[string][]types.WriteRequest{s.stack.Records(s.class.Name): items, s.stack.Table(names.TableSlots): s.claims}
	if len(holds) > 0 {
		all[s.stack.Table(names.TableHolds)] = holds
	}
	if _, err := s.db.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: all}); err != nil {
		t.Fatal(err)
	}
}
