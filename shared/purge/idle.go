package purge

import (
	"context"
	"fmt"
	"time"

	"stille/shared/retention"
)

// mostIdle is how many idle records are named; the others are counted.
const mostIdle = 100

// Idle is what of a class has been running without activity for longer than
// its policy lets it: perhaps nobody said that it ended.
type Idle struct {
	Count  int
	Oldest time.Time // when something last happened with the first of them; zero also where nobody knows
	IDs    []string  // of the longest idle in each shard, as far as they may be shown, at most mostIdle
}

// FindIdle asks the index of running records. Its cost follows what is idle,
// not what is running. None of these records is due by it.
func FindIdle(ctx context.Context, records Records, class retention.Class, now time.Time) (Idle, error) {
	var idle Idle
	before := class.Idle.StartsBefore(now, class.Location())
	for n := range retention.Shards {
		for entry, err := range records.DueBefore(ctx, class.Name, ByActivity, retention.ShardName(n), before, Due{}, pageSize) {
			if err != nil {
				return Idle{}, fmt.Errorf("finding what is idle in %s: %w", class.Name, err)
			}
			idle.note(entry)
		}
	}
	return idle, nil
}

func (i *Idle) note(entry Due) {
	at, err := retention.ParseSort(entry.Sort)
	if err == nil && (i.Count == 0 || at.Before(i.Oldest)) {
		i.Oldest = at
	}
	i.Count++
	if len(i.IDs) < mostIdle && retention.MayShowID(entry.ID) {
		i.IDs = append(i.IDs, entry.ID)
	}
}
