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

// Held are the targets that a hold keeps. A hold that cannot be understood is
// one.
type Held map[retention.Target]bool

// Any tells whether a hold keeps any of the targets.
func (h Held) Any(targets []retention.Target) bool {
	return slices.ContainsFunc(targets, func(t retention.Target) bool { return h[t] })
}

func (h Held) note(stored item) {
	holds, err := decodeHolds(stored)
	if err != nil || slices.ContainsFunc(holds, retention.Hold.Active) {
		target, _ := stored[names.AttrTarget].(*types.AttributeValueMemberS) // the table's key: always there, always a string
		h[retention.Target(target.Value)] = true
	}
}

// Held returns those of the targets that are held, read strongly.
func (h *Holds) Held(ctx context.Context, targets []retention.Target) (Held, error) {
	held := Held{}
	for batch := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(targets))), batchSize) {
		keys := make([]item, len(batch))
		for i, target := range batch {
			keys[i] = item{names.AttrTarget: text(string(target))}
		}
		err := batchGet(ctx, h.db, h.table, keys, types.KeysAndAttributes{}, held.note)
		if err != nil {
			return nil, err
		}
	}
	return held, nil
}

// Fenced is all that was held when a shard's fence was read. While the fence
// stands at the epoch nothing else is held, though some of it may have been
// lifted.
type Fenced struct {
	Epoch int64
	Held  Held
}

// Fenced reads a shard's fence, then all holds, strongly. Its cost follows the
// holds there ever were, and its size, some hundred bytes each, those that stand.
func (h *Holds) Fenced(ctx context.Context, shard string) (Fenced, error) {
	epoch, err := h.Fence(ctx, shard)
	if err != nil {
		return Fenced{}, err
	}
	fenced := Fenced{Epoch: epoch, Held: Held{}}
	return fenced, h.each(ctx, func(stored item) error {
		fenced.Held.note(stored)
		return nil
	})
}
