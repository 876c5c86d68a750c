package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// Fence returns the epoch of a shard's fence, read strongly.
func (h *Holds) Fence(ctx context.Context, shard string) (int64, error) {
	out, err := h.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &h.table, Key: fenceKey(shard), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return 0, fmt.Errorf("reading a fence: %w", err)
	}
	epoch, ok := out.Item[fenceEpoch].(*types.AttributeValueMemberN)
	if out.Item == nil {
		return 0, nil
	}
	if !ok {
		return 0, errUnreadable("a fence")
	}
	return strconv.ParseInt(epoch.Value, 10, 64)
}

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
	epoch, err := h.Fence(ctx, shard)
	if err != nil {
		return purge.Fenced{}, err
	}
	fenced := purge.Fenced{Epoch: epoch, Held: purge.HeldTargets{}}
	return fenced, h.each(ctx, func(stored item) error {
		noteHeld(fenced.Held, stored)
		return nil
	})
}
