package dynamo

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/retention"
)

// entryTime is the form in which the times of entries sort.
const entryTime = "2006-01-02T15:04:05.000000000Z"

// storedEvent is a hold as an event left it, in the history.
type storedEvent struct {
	Case   string `dynamodbav:"case"`
	Entry  string `dynamodbav:"entry"`
	Target string `dynamodbav:"target"`
	storedHold
}

// entry appends the hold to the history, as an event at this time left it. No entry
// replaces another.
func (h *Holds) entry(hold retention.Hold, at time.Time) (types.TransactWriteItem, error) {
	stored, err := attributevalue.MarshalMap(storedEvent{
		Case: hold.Case, Entry: at.UTC().Format(entryTime) + "#" + rand.Text(), Target: string(hold.Target), storedHold: encodeHold(hold),
	})
	if err != nil {
		return types.TransactWriteItem{}, fmt.Errorf("writing the history of a hold: %w", err)
	}
	return types.TransactWriteItem{Put: putNew(h.history, stored, names.AttrEntry)}, nil
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
	entry, err := h.entry(hold, hold.LiftedAt)
	if err != nil {
		return false, err
	}
	operations := []types.TransactWriteItem{{Update: &types.Update{
		TableName: &h.table, Key: targetKey(hold.Target),
		UpdateExpression:    aws.String("SET #cases.#case.#lifted = :at, #cases.#case.#by = :by"),
		ConditionExpression: aws.String("attribute_not_exists(#cases.#case.#lifted)"),
		ExpressionAttributeNames: map[string]string{
			"#cases": heldCases, "#case": hold.Case, "#lifted": "liftedAt", "#by": "liftedBy",
		},
		ExpressionAttributeValues: item{":at": text(instant(hold.LiftedAt)), ":by": text(hold.LiftedBy)},
	}}, entry}
	err = retry(ctx, "lifting a hold", func() error {
		_, err := h.db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: operations})
		return err
	})
	if reasons, ok := cancelled(err); ok && failed(reasons[0], conditionFailed) {
		return false, nil
	}
	return err == nil, err
}

// History returns the holds of a case as each setting and each lifting left them,
// the oldest event first.
func (h *Holds) History(ctx context.Context, caseID string) ([]retention.Hold, error) {
	return decodeEvents(query(ctx, h.db, &dynamodb.QueryInput{
		TableName: &h.history, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("#case = :case"),
		ExpressionAttributeNames:  map[string]string{"#case": names.AttrCase},
		ExpressionAttributeValues: item{":case": text(caseID)},
	}, "reading the history of a case"))
}

// Events returns the history of every case, read strongly, in no order.
func (h *Holds) Events(ctx context.Context) ([]retention.Hold, error) {
	return decodeEvents(scan(ctx, h.db, &dynamodb.ScanInput{TableName: &h.history}, "reading the history of the holds"))
}

func decodeEvents(entries iter.Seq2[item, error]) ([]retention.Hold, error) {
	var all []retention.Hold
	for stored, err := range entries {
		if err != nil {
			return nil, err
		}
		var entry storedEvent
		if err := attributevalue.UnmarshalMap(stored, &entry); err != nil {
			return nil, errUnreadable("the history of a case")
		}
		hold, err := entry.decode(entry.Case, retention.Target(entry.Target))
		if err != nil {
			return nil, err
		}
		all = append(all, hold)
	}
	return all, nil
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
	is, err := attributevalue.Marshal(encodeHold(repair.Is))
	if err != nil {
		return fmt.Errorf("restoring a hold: %w", err)
	}
	values, condition := item{":is": is}, "attribute_not_exists(#cases.#case)"
	if repair.Was != (retention.Hold{}) {
		if values[":was"], err = attributevalue.Marshal(encodeHold(repair.Was)); err != nil {
			return fmt.Errorf("restoring a hold: %w", err)
		}
		condition = "#cases.#case = :was"
	}
	err = retry(ctx, "restoring a hold", func() error {
		_, err := h.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &h.table, Key: targetKey(repair.Is.Target),
			UpdateExpression: aws.String("SET #cases.#case = :is"), ConditionExpression: &condition,
			ExpressionAttributeNames:  map[string]string{"#cases": heldCases, "#case": repair.Is.Case},
			ExpressionAttributeValues: values,
		})
		return err
	})
	if conditionNotMet(err) {
		return nil
	}
	return err
}

// sortHolds orders holds by case and target.
func sortHolds(holds []retention.Hold) {
	slices.SortFunc(holds, func(a, b retention.Hold) int {
		return strings.Compare(a.Case+"\x00"+string(a.Target), b.Case+"\x00"+string(b.Target))
	})
}
