package purge

import (
	"context"
	"iter"
	"time"

	"stille/shared/retention"
)

// queue gives a worker its pages of one shard. It reads the index many pages at a
// time.
type queue struct {
	records Records
	class   retention.Class
	cutoff  time.Time
	shard   string

	next func() ([]Due, error, bool) // of the open index; nil if no index is open
	stop func()
}

// page returns the next entries of the cursor's index, as many as a transaction
// takes; none at the end of the index. The cursor must be where the last page
// ended, or at the beginning of an index.
func (q *queue) page(ctx context.Context, at Cursor) ([]Due, error) {
	if q.next == nil {
		after := Due{ID: at.ID, Sort: at.Sort}
		q.next, q.stop = iter.Pull2(pagesOf(eachEntry(ctx, q.records, q.class, at.By, q.shard, q.cutoff, after)))
	}
	page, err, more := q.next()
	if !more {
		q.close()
	}
	return page, err
}

// close ends the reading of the open index.
func (q *queue) close() {
	if q.stop != nil {
		q.stop()
	}
	q.next, q.stop = nil, nil
}
