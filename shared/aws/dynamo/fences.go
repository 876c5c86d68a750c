package dynamo

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// turnPrefix and a class name the attribute of a fence that holds the class's
// turn (N). Without the attribute the turn is 0.
const turnPrefix = "turn#"

// Fence returns the epoch of a shard's fence, read strongly.
func (h *Holds) Fence(ctx context.Context, shard string) (int64, error) {
	fenced, err := h.fence(ctx, shard)
	return fenced.Epoch, err
}

// fence reads a shard's fence strongly: its epoch and its turns.
func (h *Holds) fence(ctx context.Context, shard string) (purge.Fenced, error) {
	fenced := purge.Fenced{Held: purge.HeldTargets{}}
	stored, err := get(ctx, h.db, h.table, fenceKey(shard), "reading a fence")
	if err != nil {
		return fenced, err
	}
	r := reading{from: stored}
	fenced.Epoch = r.number(fenceEpoch)
	for name := range stored {
		if class, isTurn := strings.CutPrefix(name, turnPrefix); isTurn {
			if fenced.Turns == nil {
				fenced.Turns = map[string]int64{}
			}
			fenced.Turns[class] = r.number(name)
		}
	}
	if r.wrong {
		return fenced, errUnreadable("a fence")
	}
	return fenced, nil
}

// Raise is purge.Turns's. The turns stand on the fences, which lie in different
// items: one item for all shards would be in conflict with every page.
func (h *Holds) Raise(ctx context.Context, class string, turn int64) error {
	met, err := h.updateFences(ctx, "raising the turn of a class", terms{
		set: "SET #turn = :turn", where: "attribute_not_exists(#turn) OR #turn <= :turn", names: turnName(class), values: item{":turn": number(turn)},
	})
	if err == nil && !met {
		return purge.ErrLockLost
	}
	return err
}

// raiseFences makes every purge page fail that has already read the holds.
func (h *Holds) raiseFences(ctx context.Context) error {
	_, err := h.updateFences(ctx, "raising a fence", terms{set: "ADD #epoch :one", values: item{":one": number(1)}})
	return err
}

// updateFences makes an update of every fence, each if the fence meets the update's
// condition, and reports whether all did.
func (h *Holds) updateFences(ctx context.Context, doing string, t terms) (met bool, err error) {
	shards := make([]string, retention.Shards)
	for n := range shards {
		shards[n] = retention.ShardName(n)
	}
	var refused atomic.Bool
	err = doAll(ctx, shards, func(ctx context.Context, shard string) error {
		done, err := write(ctx, h.db, doing, update(h.table, fenceKey(shard), t))
		if err == nil && !done {
			refused.Store(true)
		}
		return err
	})
	return !refused.Load(), err
}

// Highest is purge.Turns's.
func (h *Holds) Highest(ctx context.Context, class string) (highest int64, err error) {
	keys := make([]item, retention.Shards)
	for n := range keys {
		keys[n] = fenceKey(retention.ShardName(n))
	}
	isUnreadable := false
	err = batchGet(ctx, h.db, h.table, keys, types.KeysAndAttributes{}, func(found item) {
		r := reading{from: found}
		highest = max(highest, r.number(turnPrefix+class))
		isUnreadable = isUnreadable || r.wrong
	})
	if isUnreadable {
		return highest, errUnreadable("a fence")
	}
	return highest, err
}

// fenceCheck is the condition that the shard's fence shows the run's turn, and that no
// hold was placed since the fence was read.
func fenceCheck(table string, under purge.Conditions) types.TransactWriteItem {
	t := turnTerms(under)
	if under.Epoch > 0 {
		t.where += " AND #epoch = :epoch"
		t.values[":epoch"] = number(under.Epoch)
	} else {
		t.where += " AND attribute_not_exists(#epoch)"
	}
	return check(table, fenceKey(under.Shard), t)
}

// turnTerms are the condition that a fence shows the run's turn: the run holds its
// class's lock.
func turnTerms(under purge.Conditions) terms {
	t := terms{where: "attribute_not_exists(#turn)", names: turnName(under.Class), values: item{}}
	if under.Turn > 0 {
		t.where = "#turn = :turn"
		t.values[":turn"] = number(under.Turn)
	}
	return t
}

func turnName(class string) map[string]string { return map[string]string{"#turn": turnPrefix + class} }

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
