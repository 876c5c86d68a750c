package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"stille/shared/names"
	"stille/shared/retention"
)

// MaxHolds is the number of holds that one call can place: the number that one
// transaction takes.
const MaxHolds = 100

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
type Holds struct {
	db      *dynamodb.Client
	table   string
	records *Records
}

// NewHolds returns the holds of a stack.
func NewHolds(db *dynamodb.Client, stack names.Stack) *Holds {
	return &Holds{db: db, table: stack.Holds(), records: NewRecords(db, stack)}
}

const (
	fencePrefix = "fence#"
	fenceEpoch  = "epoch" // N, counts the placements of holds; no item is epoch 0
	heldCases   = "cases" // map case -> storedHold
)

type storedHold struct {
	Kind     string    `dynamodbav:"kind"`
	Reason   string    `dynamodbav:"reason"`
	SetAt    time.Time `dynamodbav:"setAt"`
	LiftedAt string    `dynamodbav:"liftedAt,omitempty"`
}

type storedTarget struct {
	Target string                `dynamodbav:"target"`
	Cases  map[string]storedHold `dynamodbav:"cases"`
}

func fenceKey(shard string) item {
	return item{names.AttrTarget: text(fencePrefix + shard)}
}

// Set places one to MaxHolds holds. Once Set returns without an error, no purge
// deletes the records that the holds cover in these classes. The exceptions are
// the records that Set returns, ordered by target: a purge has begun to delete
// their objects. One call must hold a contact by all of its live keys, because
// a record that the hold is too late for is found by the newest key. After an
// error the holds may stand, which keeps data, and must be set again. Setting a
// case again on the same target renews the hold.
func (h *Holds) Set(ctx context.Context, classes []string, holds []retention.Hold) (tooLate []retention.Target, err error) {
	if len(holds) == 0 || len(holds) > MaxHolds {
		return nil, fmt.Errorf("placing holds: 1 to %d at once, not %d", MaxHolds, len(holds))
	}
	// The map of cases must exist before a case can be added.
	for _, hold := range holds {
		if err := h.makeRoom(ctx, hold.Target); err != nil {
			return nil, err
		}
	}
	if err := h.store(ctx, holds); err != nil {
		return nil, err
	}
	if err := h.raiseFences(ctx); err != nil {
		return nil, err
	}
	return h.beingPurged(ctx, classes, holds)
}

// beingPurged returns the marked records that the holds cover. After the fences
// are raised, a purge marks none of them.
func (h *Holds) beingPurged(ctx context.Context, classes []string, holds []retention.Hold) ([]retention.Target, error) {
	covered := map[string][]string{} // class -> ids
	for _, hold := range holds {
		if class, id, ok := hold.Target.Record(); ok {
			covered[class] = append(covered[class], id)
		}
		subject, ok := hold.Target.Subject()
		if !ok {
			continue
		}
		for _, class := range classes {
			ids, err := h.records.OfSubject(ctx, class, subject)
			if err != nil {
				return nil, err
			}
			covered[class] = append(covered[class], ids...)
		}
	}
	var marked []retention.Target
	for class, ids := range covered {
		ids = slices.Compact(slices.Sorted(slices.Values(ids)))
		for chunk := range slices.Chunk(ids, batchSize) {
			there, _, err := h.records.Load(ctx, class, chunk)
			if err != nil {
				return nil, err
			}
			for id, record := range there {
				if record.PurgingBy != "" {
					marked = append(marked, retention.RecordTarget(class, id))
				}
			}
		}
	}
	slices.Sort(marked)
	return marked, nil
}

// store writes all of the holds or none.
func (h *Holds) store(ctx context.Context, holds []retention.Hold) error {
	operations := make([]types.TransactWriteItem, 0, len(holds))
	for _, hold := range holds {
		stored, err := attributevalue.Marshal(storedHold{Kind: string(hold.Kind), Reason: hold.Reason, SetAt: hold.SetAt.UTC()})
		if err != nil {
			return fmt.Errorf("placing holds: %w", err)
		}
		operations = append(operations, types.TransactWriteItem{Update: &types.Update{
			TableName: &h.table, Key: item{names.AttrTarget: text(string(hold.Target))},
			UpdateExpression:          aws.String("SET #cases.#case = :hold"),
			ExpressionAttributeNames:  map[string]string{"#cases": heldCases, "#case": hold.Case},
			ExpressionAttributeValues: item{":hold": stored},
		}})
	}
	return retry(ctx, "placing holds", func() error {
		_, err := h.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
		return err
	})
}

// raiseFences makes every purge page fail that has already read the holds.
func (h *Holds) raiseFences(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelBatches)
	for n := range retention.Shards {
		group.Go(func() error {
			return retry(ctx, "raising a fence", func() error {
				_, err := h.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
					TableName: &h.table, Key: fenceKey(retention.ShardName(n)),
					UpdateExpression:          aws.String("ADD #epoch :one"),
					ExpressionAttributeNames:  map[string]string{"#epoch": fenceEpoch},
					ExpressionAttributeValues: item{":one": number(1)},
				})
				return err
			})
		})
	}
	return group.Wait()
}

func (h *Holds) makeRoom(ctx context.Context, target retention.Target) error {
	_, err := h.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &h.table, Key: item{names.AttrTarget: text(string(target))},
		UpdateExpression:          aws.String("SET #cases = if_not_exists(#cases, :none)"),
		ExpressionAttributeNames:  map[string]string{"#cases": heldCases},
		ExpressionAttributeValues: item{":none": &types.AttributeValueMemberM{Value: item{}}},
	})
	if err != nil {
		return fmt.Errorf("placing holds: %w", err)
	}
	return nil
}

// Lift ends every active hold of a case and returns their number. The items
// stay as proof of what was held and until when.
func (h *Holds) Lift(ctx context.Context, caseID string, at time.Time) (int, error) {
	holds, err := h.List(ctx)
	if err != nil {
		return 0, err
	}
	lifted := 0
	for _, hold := range holds {
		if hold.Case != caseID || !hold.LiftedAt.IsZero() {
			continue
		}
		_, err := h.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &h.table, Key: item{names.AttrTarget: text(string(hold.Target))},
			UpdateExpression:          aws.String("SET #cases.#case.#lifted = :at"),
			ExpressionAttributeNames:  map[string]string{"#cases": heldCases, "#case": caseID, "#lifted": "liftedAt"},
			ExpressionAttributeValues: item{":at": text(instant(at))},
		})
		if err != nil {
			return lifted, fmt.Errorf("lifting a hold: %w", err)
		}
		lifted++
	}
	return lifted, nil
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
	slices.SortFunc(holds, func(a, b retention.Hold) int {
		return strings.Compare(a.Case+"\x00"+string(a.Target), b.Case+"\x00"+string(b.Target))
	})
	return holds, nil
}

// each reads the holds of every target strongly.
func (h *Holds) each(ctx context.Context, do func(stored item) error) error {
	pages := dynamodb.NewScanPaginator(h.db, &dynamodb.ScanInput{TableName: &h.table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("reading holds: %w", err)
		}
		for _, stored := range page.Items {
			if isFence(stored) {
				continue
			}
			if err := do(stored); err != nil {
				return err
			}
		}
	}
	return nil
}

func isFence(stored item) bool {
	target, ok := stored[names.AttrTarget].(*types.AttributeValueMemberS)
	return ok && strings.HasPrefix(target.Value, fencePrefix)
}

func decodeHolds(from item) ([]retention.Hold, error) {
	var stored storedTarget
	if err := attributevalue.UnmarshalMap(from, &stored); err != nil || stored.Cases == nil {
		return nil, errUnreadable("a hold")
	}
	holds := make([]retention.Hold, 0, len(stored.Cases))
	for id, s := range stored.Cases {
		lifted, err := parseInstant(s.LiftedAt)
		if err != nil {
			return nil, errUnreadable("the time a hold was lifted")
		}
		holds = append(holds, retention.Hold{
			Case: id, Reason: s.Reason, Kind: retention.HoldKind(s.Kind), Target: retention.Target(stored.Target),
			SetAt: s.SetAt.UTC(), LiftedAt: lifted,
		})
	}
	return holds, nil
}

// fenceCheck is the condition that no hold was placed since the fence was read.
func fenceCheck(table, shard string, epoch int64) types.TransactWriteItem {
	check := &types.ConditionCheck{
		TableName: &table, Key: fenceKey(shard),
		ConditionExpression:       aws.String("#epoch = :epoch"),
		ExpressionAttributeNames:  map[string]string{"#epoch": fenceEpoch},
		ExpressionAttributeValues: item{":epoch": number(epoch)},
	}
	if epoch == 0 {
		check.ConditionExpression = aws.String("attribute_not_exists(#epoch)")
		check.ExpressionAttributeValues = nil
	}
	return types.TransactWriteItem{ConditionCheck: check}
}
