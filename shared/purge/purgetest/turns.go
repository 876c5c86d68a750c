package purgetest

import (
	"context"
	"maps"

	"stille/shared/purge"
	"stille/shared/retention"
)

func (r runs) Lock(ctx context.Context, class, run string) (purge.Lock, error) {
	unlock, err := r.request(ctx, "UpdateItem")
	if err != nil {
		return purge.Lock{}, err
	}
	defer unlock()
	lock := r.locks[class]
	if lock.Holder == "" {
		lock = purge.Lock{Holder: run, Turn: lock.Turn + purge.TurnsOfRun}
		r.locks[class] = lock
	}
	return lock, nil
}

func (r runs) Unlock(ctx context.Context, class, run string) error {
	unlock, err := r.request(ctx, "UpdateItem")
	if err != nil {
		return err
	}
	defer unlock()
	if lock := r.locks[class]; lock.Holder == run {
		r.locks[class] = purge.Lock{Turn: lock.Turn}
	}
	return nil
}

// Raise raises one fence after the other, as DynamoDB does.
func (h holds) Raise(ctx context.Context, class string, turn int64) error {
	var lost error
	for n := range retention.Shards {
		unlock, err := h.request(ctx, "UpdateItem")
		if err != nil {
			return err
		}
		shard := retention.ShardName(n)
		if h.turns[shard][class] > turn {
			lost = purge.ErrLockLost
		} else {
			turns := maps.Clone(h.turns[shard])
			if turns == nil {
				turns = map[string]int64{}
			}
			turns[class] = turn
			h.turns[shard] = turns
		}
		unlock()
	}
	return lost
}

func (h holds) Highest(ctx context.Context, class string) (int64, error) {
	unlock, err := h.request(ctx, "BatchGetItem")
	if err != nil {
		return 0, err
	}
	defer unlock()
	highest := int64(0)
	for _, turns := range h.turns {
		highest = max(highest, turns[class])
	}
	return highest, nil
}
