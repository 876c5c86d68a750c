package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

func noteHeld(h purge.HeldTargets, stored item) {
	holds, err := decodeHolds(stored)
	if err != nil || slices.ContainsFunc(holds, retention.Hold.Active) {
		target, _ := stored[names.AttrTarget].(*types.AttributeValueMemberS) // the table's key: always present, always a string
		h[retention.Target(target.Value)] = true
	}
}

// Held returns the held ones of the targets, read strongly.
func (h *Holds) Held(ctx context.Context, targets []retention.Target) (purge.HeldTargets, error) {
	held := purge.HeldTargets{}
	for batch := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(targets))), batchSize) {
		keys := make([]item, len(batch))
		for i, target := range batch {
			keys[i] = item{names.AttrTarget: text(string(target))}
		}
		err := batchGet(ctx, h.db, h.table, keys, types.KeysAndAttributes{}, func(stored item) { noteHeld(held, stored) })
		if err != nil {
			return nil, err
		}
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
