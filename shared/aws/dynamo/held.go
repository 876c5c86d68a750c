package dynamo

import (
	"context"
	"slices"

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

// readTargets reads the items of targets strongly.
func readTargets(ctx context.Context, db *dynamodb.Client, table string, targets []retention.Target, each func(item)) error {
	keys := make([]item, 0, len(targets))
	for _, target := range slices.Compact(slices.Sorted(slices.Values(targets))) {
		keys = append(keys, targetKey(target))
	}
	return batchGet(ctx, db, table, keys, types.KeysAndAttributes{}, each)
}

// Held returns the held ones of the targets, read strongly.
func (h *Holds) Held(ctx context.Context, targets []retention.Target) (purge.HeldTargets, error) {
	held := purge.HeldTargets{}
	err := readTargets(ctx, h.db, h.table, targets, func(stored item) { noteHeld(held, stored) })
	return held, err
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
	cases := map[retention.Target]types.AttributeValue{}
	isHeld := false
	table := r.stack.Table(names.TableHolds)
	err := readTargets(ctx, r.db, table, targets, func(stored item) {
		cases[targetOf(stored)] = stored[heldCases]
		isHeld = isHeld || isHeldItem(stored)
	})
	switch {
	case err != nil:
		return nil, err
	case isHeld:
		return nil, retention.ErrHeld
	}
	var conditions []types.TransactWriteItem
	for _, target := range slices.Compact(slices.Sorted(slices.Values(targets))) {
		unheld := absent(heldCases)
		if was, there := cases[target]; there {
			unheld = terms{where: "#cases = :cases", values: item{":cases": was}}
		}
		conditions = append(conditions, check(table, targetKey(target), unheld))
	}
	return conditions, nil
}
