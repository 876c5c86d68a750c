package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
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
	heldCases   = "cases" // map case -> storedHold
)

// storedHold is a retention.Hold as stored. The case and the target are in the key.
type storedHold struct {
	Kind     string    `dynamodbav:"kind"`
	Reason   string    `dynamodbav:"reason"`
	Contact  string    `dynamodbav:"contact,omitempty"`
	SetAt    time.Time `dynamodbav:"setAt"`
	SetBy    string    `dynamodbav:"setBy,omitempty"`
	LiftedAt string    `dynamodbav:"liftedAt,omitempty"`
	LiftedBy string    `dynamodbav:"liftedBy,omitempty"`
}

func encodeHold(h retention.Hold) storedHold {
	return storedHold{
		Kind: string(h.Kind), Reason: h.Reason, Contact: string(h.Contact),
		SetAt: h.SetAt.UTC(), SetBy: h.SetBy, LiftedAt: instant(h.LiftedAt), LiftedBy: h.LiftedBy,
	}
}

func (s storedHold) decode(caseID string, target retention.Target) (retention.Hold, error) {
	lifted, err := parseInstant(s.LiftedAt)
	if err != nil {
		return retention.Hold{}, errUnreadable("the time a hold was lifted")
	}
	return retention.Hold{
		Case: caseID, Reason: s.Reason, Kind: retention.HoldKind(s.Kind), Target: target, Contact: retention.Target(s.Contact),
		SetAt: s.SetAt.UTC(), SetBy: s.SetBy, LiftedAt: lifted, LiftedBy: s.LiftedBy,
	}, nil
}

type storedTarget struct {
	Target string                `dynamodbav:"target"`
	Cases  map[string]storedHold `dynamodbav:"cases"`
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
	purging := map[string]bool{}
	for chunk := range slices.Chunk(ids, batchSize) {
		there, unreadable, err := h.records.Load(ctx, class, chunk)
		if err != nil {
			return nil, err
		}
		for id, record := range there {
			if slices.Contains(record.Targets(class), target) {
				purging[id] = record.PurgingBy != ""
			}
		}
		for id := range unreadable {
			purging[id] = false
		}
	}
	return purging, nil
}

// store writes all of the holds with their entries, or none.
func (h *Holds) store(ctx context.Context, holds []retention.Hold) error {
	operations := make([]types.TransactWriteItem, 0, 2*len(holds))
	for _, hold := range holds {
		stored, err := attributevalue.Marshal(encodeHold(hold))
		if err != nil {
			return fmt.Errorf("placing holds: %w", err)
		}
		entry, err := h.entry(hold, hold.SetAt)
		if err != nil {
			return err
		}
		operations = append(operations, types.TransactWriteItem{Update: &types.Update{
			TableName: &h.table, Key: targetKey(hold.Target),
			UpdateExpression:          aws.String("SET #cases.#case = :hold"),
			ConditionExpression:       aws.String("attribute_not_exists(#cases.#case) OR attribute_exists(#cases.#case.#lifted) OR #cases.#case.#kind = :kind"),
			ExpressionAttributeNames:  map[string]string{"#cases": heldCases, "#case": hold.Case, "#lifted": "liftedAt", "#kind": "kind"},
			ExpressionAttributeValues: item{":hold": stored, ":kind": text(string(hold.Kind))},
		}}, entry)
	}
	err := retry(ctx, "placing holds", func() error {
		_, err := h.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
		return err
	})
	if reasons, ok := cancelled(err); ok && slices.ContainsFunc(reasons, func(r types.CancellationReason) bool { return failed(r, conditionFailed) }) {
		return retention.ErrOtherKind
	}
	return err
}

func (h *Holds) makeRoom(ctx context.Context, target retention.Target) error {
	return retry(ctx, "placing holds", func() error {
		_, err := h.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &h.table, Key: targetKey(target),
			UpdateExpression:          aws.String("SET #cases = if_not_exists(#cases, :none)"),
			ExpressionAttributeNames:  map[string]string{"#cases": heldCases},
			ExpressionAttributeValues: item{":none": &types.AttributeValueMemberM{Value: item{}}},
		})
		return err
	})
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
	var stored storedTarget
	if err := attributevalue.UnmarshalMap(from, &stored); err != nil || stored.Cases == nil {
		return nil, errUnreadable("a hold")
	}
	holds := make([]retention.Hold, 0, len(stored.Cases))
	for id, s := range stored.Cases {
		hold, err := s.decode(id, retention.Target(stored.Target))
		if err != nil {
			return nil, err
		}
		holds = append(holds, hold)
	}
	return holds, nil
}
