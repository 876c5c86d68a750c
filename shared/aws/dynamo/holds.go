package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"stille/shared/names"
	"stille/shared/retention"
)

// holdsAtOnce is how many holds one transaction stores, each with its entry in
// the history.
const holdsAtOnce = 50

// Holds are the legal holds and restrictions, and the fences that prove them. Each
// shard has one fence for all classes. Set stores the holds, then raises every
// fence, then returns. A purge reads the fence of its shard, then the holds, and
// deletes on the condition that the fence has not moved. So a page either knows of
// an acknowledged hold, or read the fence before it was raised, and fails.
//
// A record with objects is marked on the same condition and deleted later. Set
// returns the marked records that a hold is too late for.
//
// The fences are raised one by one. A single transaction over all of them would
// conflict with every page of a running purge, and the hold would have to wait
// until the purge ends.
//
// Every setting and every lifting has its entry in the history, in the same
// transaction. The history is another table: it is only appended to, no purge reads
// it, and it says what was held if the table of the holds is lost.
type Holds struct {
	db      *dynamodb.Client
	table   string
	history string
	records *Records
}

// NewHolds returns the holds of a stack.
func NewHolds(db *dynamodb.Client, stack names.Tables) *Holds {
	return &Holds{db: db, table: stack.Table(names.TableHolds), history: stack.Table(names.TableHoldHistory), records: NewRecords(db, stack)}
}

const (
	fencePrefix = names.FencePrefix
	fenceEpoch  = "epoch" // N, counts the placements of holds; no item is epoch 0
	heldCases   = "cases" // map case -> hold
)

// Attributes of a hold beside the names that it has in JSON.
const (
	attrContact  = "contact"
	attrLiftedAt = "liftedAt" // absent while the hold stands
)

// encodeHold leaves out the case and the target, which are in the key.
func encodeHold(h retention.Hold) item {
	stored := encode(h, jsonTags)
	delete(stored, names.AttrCase)
	delete(stored, names.AttrTarget)
	setText(stored, attrContact, string(h.Contact))
	if h.Active() {
		delete(stored, attrLiftedAt)
	}
	return stored
}

func members(of item) types.AttributeValue { return &types.AttributeValueMemberM{Value: of} }

func decodeHold(from item) (retention.Hold, error) {
	var h retention.Hold
	if err := decode(from, &h, jsonTags); err != nil {
		return h, errUnreadable("a hold")
	}
	h.Contact = retention.Target(textOf(from, attrContact))
	return h, nil
}

func fenceKey(shard string) item {
	return item{names.AttrTarget: text(fencePrefix + shard)}
}

// Set places holds on different targets. Once Set returns without an error, no purge
// deletes the records that the holds cover in these classes. The exceptions are
// the records that Set returns as too late: a purge has begun to delete
// their objects. One call must hold a contact by all of its live keys, because
// a record that the hold is too late for is found by the newest key. After an
// error the holds may stand, which keeps data, and must be set again. Setting a
// case again on the same target renews the hold, unless the kind is another.
func (h *Holds) Set(ctx context.Context, classes []string, holds []retention.Hold) (retention.Placed, error) {
	if len(holds) == 0 {
		return retention.Placed{}, errors.New("placing holds: none is given")
	}
	// The map of cases must exist before a case can be added.
	err := doAll(ctx, holds, func(ctx context.Context, hold retention.Hold) error { return h.makeRoom(ctx, hold.Target) })
	if err != nil {
		return retention.Placed{}, err
	}
	for chunk := range slices.Chunk(holds, holdsAtOnce) {
		if err := h.store(ctx, chunk); err != nil {
			return retention.Placed{}, err
		}
	}
	if err := h.raiseFences(ctx); err != nil {
		return retention.Placed{}, err
	}
	return h.placed(ctx, classes, holds)
}

// few is how many values need no parallel calls: a contact has a key or two.
const few = 4

// doAll calls do for each of the values, for some of many at the same time, and
// returns the first error.
func doAll[T any](ctx context.Context, values []T, do func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBatches)
	if len(values) <= few {
		group.SetLimit(1)
	}
	for _, value := range values {
		group.Go(func() error { return do(ctx, value) })
	}
	return group.Wait()
}

// placed counts the records that each hold covers and finds those that a purge has
// marked. After the fences are raised, a purge marks none of them.
func (h *Holds) placed(ctx context.Context, classes []string, holds []retention.Hold) (retention.Placed, error) {
	placed := retention.Placed{Covers: map[retention.Target]int{}}
	var mu sync.Mutex
	err := doAll(ctx, holds, func(ctx context.Context, hold retention.Hold) error {
		covered, err := h.covered(ctx, classes, hold.Target)
		mu.Lock()
		defer mu.Unlock()
		for class, ids := range covered {
			placed.Covers[hold.Target] += len(ids)
			for id, purging := range ids {
				if purging {
					placed.TooLate = append(placed.TooLate, retention.RecordTarget(class, id))
				}
			}
		}
		return err
	})
	slices.Sort(placed.TooLate)
	placed.TooLate = slices.Compact(placed.TooLate)
	return placed, err
}

// covered returns the ids of the records that a target covers now, by class, and
// whether a purge has marked each. An unreadable record is covered too.
func (h *Holds) covered(ctx context.Context, classes []string, target retention.Target) (map[string]map[string]bool, error) {
	if class, id, ok := target.Record(); ok {
		purging, err := h.load(ctx, class, []string{id}, target)
		return map[string]map[string]bool{class: purging}, err
	}
	all := map[string]map[string]bool{}
	subject, _ := target.Subject()
	for _, class := range classes {
		ids, err := h.records.OfSubject(ctx, class, subject)
		if err != nil {
			return nil, err
		}
		if all[class], err = h.load(ctx, class, ids, target); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// load reads the records of these ids that the target covers, and tells whether a
// purge has marked each.
func (h *Holds) load(ctx context.Context, class string, ids []string, target retention.Target) (map[string]bool, error) {
	there, unreadable, err := h.records.Load(ctx, class, ids)
	if err != nil {
		return nil, err
	}
	purging := map[string]bool{}
	for id, record := range there {
		if slices.Contains(record.Targets(class), target) {
			purging[id] = record.PurgingBy != ""
		}
	}
	for id := range unreadable {
		purging[id] = false
	}
	return purging, nil
}

// store writes all of the holds with their entries, or none.
func (h *Holds) store(ctx context.Context, holds []retention.Hold) error {
	operations := make([]types.TransactWriteItem, 0, 2*len(holds))
	for _, hold := range holds {
		operations = append(operations, update(h.table, targetKey(hold.Target), ofCase(hold.Case, terms{
			set:    "SET #cases.#case = :hold",
			where:  "attribute_not_exists(#cases.#case) OR attribute_exists(#cases.#case.#liftedAt) OR #cases.#case.#kind = :kind",
			values: item{":hold": members(encodeHold(hold)), ":kind": text(string(hold.Kind))},
		})), h.entry(hold, hold.SetAt))
	}
	done, err := write(ctx, h.db, "placing holds", operations...)
	if err == nil && !done {
		return retention.ErrOtherKind
	}
	return err
}

// ofCase are terms in which #case is the case of a hold.
func ofCase(id string, t terms) terms {
	t.names = map[string]string{"#case": id}
	return t
}

func (h *Holds) makeRoom(ctx context.Context, target retention.Target) error {
	_, err := write(ctx, h.db, "placing holds", update(h.table, targetKey(target), setting(item{heldCases: members(item{})}, heldCases)))
	return err
}

// List returns all holds, lifted ones too, ordered by case and target.
func (h *Holds) List(ctx context.Context) ([]retention.Hold, error) {
	var holds []retention.Hold
	err := h.each(ctx, func(stored item) error {
		found, err := decodeHolds(stored)
		holds = append(holds, found...)
		return err
	})
	if err != nil {
		return nil, err
	}
	sortHolds(holds)
	return holds, nil
}

// each reads the holds of every target strongly.
func (h *Holds) each(ctx context.Context, do func(stored item) error) error {
	for stored, err := range scan(ctx, h.db, &dynamodb.ScanInput{TableName: &h.table}, "reading holds") {
		if err != nil {
			return err
		}
		if strings.HasPrefix(textOf(stored, names.AttrTarget), fencePrefix) {
			continue
		}
		if err := do(stored); err != nil {
			return err
		}
	}
	return nil
}

func decodeHolds(from item) ([]retention.Hold, error) {
	cases, ok := from[heldCases].(*types.AttributeValueMemberM)
	if !ok {
		return nil, errUnreadable("a hold")
	}
	holds := make([]retention.Hold, 0, len(cases.Value))
	for id, value := range cases.Value {
		stored, ok := value.(*types.AttributeValueMemberM)
		if !ok {
			return nil, errUnreadable("a hold")
		}
		hold, err := decodeHold(stored.Value)
		if err != nil {
			return nil, err
		}
		hold.Case, hold.Target = id, targetOf(from)
		holds = append(holds, hold)
	}
	return holds, nil
}

// entryTime is the form in which the times of entries sort.
const entryTime = "2006-01-02T15:04:05.000000000Z"

// entry appends the hold to the history, as an event at this time left it. No entry
// replaces another.
func (h *Holds) entry(hold retention.Hold, at time.Time) types.TransactWriteItem {
	stored := encodeHold(hold)
	stored[names.AttrCase], stored[names.AttrTarget] = text(hold.Case), text(string(hold.Target))
	stored[names.AttrEntry] = text(at.UTC().Format(entryTime) + "#" + rand.Text())
	return put(h.history, stored, absent(names.AttrEntry))
}

// Lift ends the active holds that which selects, and returns them. The items stay
// as proof of what was held and until when.
func (h *Holds) Lift(ctx context.Context, which func(retention.Hold) bool, at time.Time, by string) ([]retention.Hold, error) {
	all, err := h.List(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(hold retention.Hold) bool { return !hold.Active() || !which(hold) })
	var mu sync.Mutex
	var lifted []retention.Hold
	err = doAll(ctx, all, func(ctx context.Context, hold retention.Hold) error {
		hold.LiftedAt, hold.LiftedBy = at.UTC(), by
		done, err := h.lift(ctx, hold)
		mu.Lock()
		defer mu.Unlock()
		if done {
			lifted = append(lifted, hold)
		}
		return err
	})
	sortHolds(lifted)
	return lifted, err
}

// lift ends a hold; false if another call ended it first.
func (h *Holds) lift(ctx context.Context, hold retention.Hold) (bool, error) {
	lifted := update(h.table, targetKey(hold.Target), ofCase(hold.Case, terms{
		set:    "SET #cases.#case.#liftedAt = :at, #cases.#case.#liftedBy = :by",
		where:  "attribute_not_exists(#cases.#case.#liftedAt)",
		values: item{":at": text(instant(hold.LiftedAt)), ":by": text(hold.LiftedBy)},
	}))
	return write(ctx, h.db, "lifting a hold", lifted, h.entry(hold, hold.LiftedAt))
}

// History returns the holds of a case as each setting and each lifting left them,
// the oldest event first.
func (h *Holds) History(ctx context.Context, caseID string) ([]retention.Hold, error) {
	return decodeAll(query(ctx, h.db, having(h.history, names.AttrCase, caseID), "reading the history of a case"), decodeHold)
}

// Events returns the history of every case, read strongly, in no order.
func (h *Holds) Events(ctx context.Context) ([]retention.Hold, error) {
	return decodeAll(scan(ctx, h.db, &dynamodb.ScanInput{TableName: &h.history}, "reading the history of the holds"), decodeHold)
}

// Restore brings holds into the state that the history tells, then raises every
// fence, as Set does. It writes no entry: the history has all of them. A hold that
// somebody changed meanwhile is left alone.
func (h *Holds) Restore(ctx context.Context, classes []string, repairs []retention.HoldRepair) (retention.Placed, error) {
	var standing []retention.Hold
	for _, repair := range repairs {
		if repair.Is.Active() {
			standing = append(standing, repair.Is)
		}
	}
	err := doAll(ctx, repairs, func(ctx context.Context, repair retention.HoldRepair) error {
		if err := h.makeRoom(ctx, repair.Is.Target); err != nil {
			return err
		}
		return h.restore(ctx, repair)
	})
	if err == nil {
		err = h.raiseFences(ctx)
	}
	if err != nil {
		return retention.Placed{}, err
	}
	return h.placed(ctx, classes, standing)
}

func (h *Holds) restore(ctx context.Context, repair retention.HoldRepair) error {
	restored := ofCase(repair.Is.Case, terms{
		set: "SET #cases.#case = :is", where: "attribute_not_exists(#cases.#case)", values: item{":is": members(encodeHold(repair.Is))},
	})
	if repair.Was != (retention.Hold{}) {
		restored.where = "#cases.#case = :was"
		restored.values[":was"] = members(encodeHold(repair.Was))
	}
	_, err := write(ctx, h.db, "restoring a hold", update(h.table, targetKey(repair.Is.Target), restored))
	return err
}

// sortHolds orders holds by case and target.
func sortHolds(holds []retention.Hold) {
	slices.SortFunc(holds, func(a, b retention.Hold) int {
		return strings.Compare(a.Case+"\x00"+string(a.Target), b.Case+"\x00"+string(b.Target))
	})
}
