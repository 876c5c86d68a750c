package purge

import (
	"context"
	"fmt"
	"time"

	"stille/shared/retention"
)

// mostIdle is how many idle records are named; all are counted.
const mostIdle = 100

// Idle is the records of a class that have been running without activity for
// longer than the policy allows: perhaps their end was forgotten.
type Idle struct {
	Count  int
	Oldest time.Time // last activity of the record that has been idle longest; zero if unknown
	IDs    []string  // those that may be shown, at most mostIdle, the longest idle of each shard first
}

// FindIdle asks the index of running records. Its cost follows the number of idle
// records, not of running records. An idle record is not due.
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
