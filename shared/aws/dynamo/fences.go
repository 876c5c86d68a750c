package dynamo

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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

// turnCheck is the condition that the shard's fence shows the run's turn: the
// run holds its class's lock.
func turnCheck(table string, under purge.Conditions) types.TransactWriteItem {
	return check(table, fenceKey(under.Shard), turnTerms(under))
}

// fenceCheck is turnCheck and the condition that no hold was placed since the
// fence was read.
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

func turnTerms(under purge.Conditions) terms {
	t := terms{where: "attribute_not_exists(#turn)", names: turnName(under.Class), values: item{}}
	if under.Turn > 0 {
		t.where = "#turn = :turn"
		t.values[":turn"] = number(under.Turn)
	}
	return t
}

func turnName(class string) map[string]string { return map[string]string{"#turn": turnPrefix + class} }
