package purge

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Mended counts what a repair did.
type Mended struct {
	Scanned   int `json:"scanned"`
	Stamped   int `json:"stamped"`   // got their place in the indexes
	Withdrawn int `json:"withdrawn"` // were withdrawn, because their subjects opted out or were erased
	Claimed   int `json:"claimed"`   // got their contact's slot or their objects
	Faults    int `json:"faults"`    // a person must look into the record
}

func (m *Mended) add(more Mended) {
	m.Scanned += more.Scanned
	m.Stamped += more.Stamped
	m.Withdrawn += more.Withdrawn
	m.Claimed += more.Claimed
	m.Faults += more.Faults
}

// MendWork is how far the repair of a class is. An interrupted repair goes on from
// it; a second repair does no harm.
type MendWork struct {
	Class    string        `json:"class"`
	Segments []MendSegment `json:"segments"`
	Did      Mended        `json:"did"`
}

// MendSegment is how far one segment of the table is.
type MendSegment struct {
	After string `json:"after,omitempty"` // the last id that was repaired
	Done  bool   `json:"done"`
}

// mendSegments is how many parts of a table are repaired at the same time.
const mendSegments = 8

// mendAtOnce is how many records of a page are repaired at the same time.
const mendAtOnce = 16

// NewMendWork is the work of a repair that begins.
func NewMendWork(class string) MendWork {
	return MendWork{Class: class, Segments: make([]MendSegment, mendSegments)}
}

// Mender does for every record of a class what the table's stream should have
// done: after an outage of the stream, after a restore of a table, and in a table
// that somebody else filled. It keeps one page a segment in memory. Every step is
// idempotent.
type Mender struct {
	Records Scanner
	Stamper Stamper
	Rate    int // records a second; 0 for no limit
	Sleep   func(ctx context.Context, d time.Duration) error
}

// Mend goes on with the work until the table's end, and hands every step to save.
// After an error it may be called again with the work that was saved last.
func (m Mender) Mend(ctx context.Context, work MendWork, save func(MendWork) error) (MendWork, error) {
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for n := range work.Segments {
		group.Go(func() error {
			at := work.Segments[n]
			for !at.Done {
				page, did, err := m.page(ctx, work.Class, Segment{Number: n, Of: len(work.Segments)}, at.After)
				if err != nil {
					return fmt.Errorf("repairing %s: %w", work.Class, err)
				}
				at = MendSegment{After: page.Last, Done: page.Last == ""}
				mu.Lock()
				work.Segments[n] = at
				work.Did.add(did)
				err = save(work)
				mu.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := group.Wait()
	return work, err
}

// page repairs one page of a segment, no faster than the rate.
func (m Mender) page(ctx context.Context, class string, segment Segment, after string) (Scanned, Mended, error) {
	began := m.Stamper.Now()
	page, err := m.Records.Scan(ctx, class, segment, after, pageSize)
	if err != nil {
		return page, Mended{}, err
	}
	var mu sync.Mutex
	did := Mended{Scanned: len(page.Records) + len(page.Unreadable), Faults: len(page.Unreadable)}
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(mendAtOnce)
	for _, record := range page.Records {
		group.Go(func() error {
			more, faults, err := m.Stamper.Mend(inGroup, class, record)
			more.Faults = min(len(faults), 1)
			mu.Lock()
			defer mu.Unlock()
			did.add(more)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return page, Mended{}, err
	}
	if m.Rate > 0 {
		due := time.Duration(did.Scanned*segment.Of) * time.Second / time.Duration(m.Rate)
		if err := m.Sleep(ctx, max(0, due-m.Stamper.Now().Sub(began))); err != nil {
			return page, Mended{}, err
		}
	}
	return page, did, nil
}

// Twins is a restored table, compared with the table that was never restored.
type Twins struct {
	Compared  int    `json:"compared"`
	Same      int    `json:"same"`
	Changed   int    `json:"changed"`   // somebody wrote or deleted the twin meanwhile
	Different []Twin `json:"different"` // not what the repair should leave
}

// Twin is a restored record that is not what its twin is.
type Twin struct {
	ID         string   `json:"id,omitempty"` // absent where the id may be an address
	Attributes []string `json:"attributes"`
}
