package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// isHeldItem reports whether a hold in the item of a target stands. An item that
// cannot be read keeps its target.
func isHeldItem(stored item) bool {
	holds, err := decodeHolds(stored)
	return err != nil || slices.ContainsFunc(holds, retention.Hold.Active)
}

func targetKey(target retention.Target) item { return item{names.AttrTarget: text(string(target))} }

func targetOf(stored item) retention.Target {
	return retention.Target(textOf(stored, names.AttrTarget))
}

func noteHeld(h purge.HeldTargets, stored item) {
	if isHeldItem(stored) {
		h[targetOf(stored)] = true
	}
}

// readTargets reads the items of targets strongly. The targets must differ.
func readTargets(ctx context.Context, db *dynamodb.Client, table string, targets []retention.Target, each func(retention.Target, item)) error {
	for batch := range slices.Chunk(targets, batchSize) {
		keys := make([]item, len(batch))
		for i, target := range batch {
			keys[i] = targetKey(target)
		}
		err := batchGet(ctx, db, table, keys, types.KeysAndAttributes{}, func(stored item) { each(targetOf(stored), stored) })
		if err != nil {
			return err
		}
	}
	return nil
}

// Held returns the held ones of the targets, read strongly.
func (h *Holds) Held(ctx context.Context, targets []retention.Target) (purge.HeldTargets, error) {
	held := purge.HeldTargets{}
	targets = slices.Compact(slices.Sorted(slices.Values(targets)))
	err := readTargets(ctx, h.db, h.table, targets, func(_ retention.Target, stored item) { noteHeld(held, stored) })
	if err != nil {
		return nil, err
	}
	return held, nil
}

// Fenced reads a shard's fence, then all holds, strongly. Its cost follows the
// number of all holds ever placed; its result, some hundred bytes each, the
// number of active holds.
func (h *Holds) Fenced(ctx context.Context, shard string) (purge.Fenced, error) {
	fenced, err := h.fence(ctx, shard)
	if err != nil {
		return purge.Fenced{}, err
	}
	return fenced, h.each(ctx, func(stored item) error {
		noteHeld(fenced.Held, stored)
		return nil
	})
}

// unheld returns the conditions that no hold is on the targets. The error is
// ErrHeld if one is. A change under these conditions comes before a hold or
// fails. The items of the targets are checked, not a fence: changes of a
// thousand records a second would conflict on 64 fences, and with every page of
// a purge.
func (r *Records) unheld(ctx context.Context, targets []retention.Target) ([]types.TransactWriteItem, error) {
	stored := map[retention.Target]item{}
	table := r.stack.Table(names.TableHolds)
	targets = slices.Compact(slices.Sorted(slices.Values(targets)))
	err := readTargets(ctx, r.db, table, targets, func(target retention.Target, i item) { stored[target] = i })
	if err != nil {
		return nil, err
	}
	conditions := make([]types.TransactWriteItem, len(targets))
	for n, target := range targets {
		check := &types.ConditionCheck{
			TableName: &table, Key: targetKey(target),
			ConditionExpression:      aws.String("attribute_not_exists(#cases)"),
			ExpressionAttributeNames: map[string]string{"#cases": heldCases},
		}
		if was, there := stored[target]; there {
			if isHeldItem(was) {
				return nil, retention.ErrHeld
			}
			check.ConditionExpression = aws.String("#cases = :cases")
			check.ExpressionAttributeValues = item{":cases": was[heldCases]}
		}
		conditions[n] = types.TransactWriteItem{ConditionCheck: check}
	}
	return conditions, nil
}
