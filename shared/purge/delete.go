package purge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stille/shared/dynamo"
	"stille/shared/retention"
)

// Outcome is what became of one record of a page.
type Outcome string

// The outcomes there are.
const (
	Deleted Outcome = "deleted"
	Held    Outcome = "held"
	Changed Outcome = "changed" // no longer due, or no longer as it was read; kept
	Failed  Outcome = "failed"  // could not be deleted; kept, and taken up by the next run
	Gone    Outcome = "gone"    // was not there when the page came to it
)

// Page is one page of a run's manifest: the ids it took up, written before it
// touched them, and what became of each; Outcomes is nil for a page that was
// cut off.
type Page struct {
	IDs      []string
	Outcomes map[string]Outcome
}

// Manifest is where a run writes down what it is about to do.
type Manifest interface {
	// Begin stores a page's ids and names the page. No page replaces another.
	Begin(ctx context.Context, class, run, shard string, ids []string) (page string, err error)
	// Finish stores what became of the page's records.
	Finish(ctx context.Context, page string, outcomes map[string]Outcome) error
	// Pages returns the shard's pages in the order they were begun.
	Pages(ctx context.Context, class, run, shard string) ([]Page, error)
}

// Work is one shard of a run: what the delete step takes and gives back.
type Work struct {
	Class  string    `json:"class"`
	Run    string    `json:"run"`
	Cutoff time.Time `json:"cutoff"`
	Shard  string    `json:"shard"`
	Cursor Cursor    `json:"cursor,omitzero"`
	Done   bool      `json:"done"`
}

// Cursor is how far the shard's work has come; the zero one is the beginning.
type Cursor struct {
	By   dynamo.Index `json:"by"`
	ID   string       `json:"id,omitempty"`
	Sort string       `json:"sort,omitempty"`
}

// Worker deletes what is due.
type Worker struct {
	Records  *dynamo.Records
	Deleter  *dynamo.Deleter
	Holds    *dynamo.Holds
	Manifest Manifest
}

// Shard works on pages until the shard is done or more says that the time is
// up, and returns how far it came. After an error, the work that was passed in
// may be taken up again: what was deleted is in the manifest.
func (w Worker) Shard(ctx context.Context, class retention.Class, work Work, more func() bool) (Work, error) {
	for !work.Done && more() {
		var err error
		if work, err = w.page(ctx, class, work); err != nil {
			return work, fmt.Errorf("purging shard %s of %s: %w", work.Shard, work.Class, err)
		}
	}
	return work, nil
}

// page works on the next page of the shard: first the withdrawn records, then
// the others.
func (w Worker) page(ctx context.Context, class retention.Class, work Work) (Work, error) {
	by := work.Cursor.By
	if by == "" {
		by = dynamo.ByWithdrawal
	}
	after := dynamo.Due{ID: work.Cursor.ID, Sort: work.Cursor.Sort}
	due, err := w.Records.DueBefore(ctx, work.Class, by, work.Shard, before(by, class, work.Cutoff), after, dynamo.MaxDeletes)
	switch {
	case err != nil:
		return work, err
	case len(due) == 0 && by == dynamo.ByWithdrawal:
		work.Cursor = Cursor{By: dynamo.ByStart}
		return work, nil
	case len(due) == 0:
		work.Done = true
		return work, nil
	}
	ids := make([]string, len(due))
	for i, d := range due {
		ids[i] = d.ID
	}
	page, err := w.Manifest.Begin(ctx, work.Class, work.Run, work.Shard, ids)
	if err != nil {
		return work, err
	}
	outcomes, err := w.delete(ctx, class, work, ids)
	if err != nil {
		return work, err
	}
	if err := w.Manifest.Finish(ctx, page, outcomes); err != nil {
		return work, err
	}
	last := due[len(due)-1]
	work.Cursor = Cursor{By: by, ID: last.ID, Sort: last.Sort}
	return work, nil
}

// delete decides on each record as it is now, and deletes what is due and not
// held. The fence is read before the holds: a hold that is placed after it was
// read moves it, and the page looks again.
func (w Worker) delete(ctx context.Context, class retention.Class, work Work, ids []string) (map[string]Outcome, error) {
	outcomes := make(map[string]Outcome, len(ids))
	due, err := w.load(ctx, class, work.Cutoff, ids, outcomes)
	if err != nil {
		return nil, err
	}
	for len(due) > 0 {
		epoch, err := w.Holds.Fence(ctx, work.Shard)
		if err != nil {
			return nil, err
		}
		if due, err = w.unheld(ctx, class, due, outcomes); err != nil {
			return nil, err
		}
		done, err := w.Deleter.DeleteUnderFence(ctx, work.Class, work.Shard, epoch, due)
		note(outcomes, done.Deleted, Deleted)
		note(outcomes, done.Changed, Changed)
		note(outcomes, done.Gone, Gone)
		if err == nil {
			break
		}
		if !errors.Is(err, dynamo.ErrFenceMoved) {
			return nil, err
		}
		due = undecided(due, outcomes)
	}
	return outcomes, nil
}

// load reads the records strongly and returns those that are due; what is
// decided on the others is noted.
func (w Worker) load(ctx context.Context, class retention.Class, cutoff time.Time, ids []string, outcomes map[string]Outcome) ([]dynamo.Stored, error) {
	records, unreadable, err := w.Records.Load(ctx, class.Name, ids)
	if err != nil {
		return nil, err
	}
	var due []dynamo.Stored
	for _, id := range ids {
		record, there := records[id]
		switch {
		case unreadable[id] != nil:
			outcomes[id] = Failed
		case !there:
			outcomes[id] = Gone
		case !class.Due(record.Record, cutoff):
			outcomes[id] = Changed
		case len(record.Objects) > 0:
			outcomes[id] = Failed // its objects would be left behind: see the README's limits
		default:
			due = append(due, record)
		}
	}
	return due, nil
}

func (w Worker) unheld(ctx context.Context, class retention.Class, due []dynamo.Stored, outcomes map[string]Outcome) ([]dynamo.Stored, error) {
	var targets []retention.Target
	for _, record := range due {
		targets = append(targets, record.Targets(class.Name)...)
	}
	held, err := w.Holds.Held(ctx, targets)
	if err != nil {
		return nil, err
	}
	for _, record := range due {
		for _, target := range record.Targets(class.Name) {
			if held[target] {
				outcomes[record.ID] = Held
			}
		}
	}
	return undecided(due, outcomes), nil
}

func note(outcomes map[string]Outcome, ids []string, outcome Outcome) {
	for _, id := range ids {
		outcomes[id] = outcome
	}
}

func undecided(records []dynamo.Stored, outcomes map[string]Outcome) []dynamo.Stored {
	var left []dynamo.Stored
	for _, record := range records {
		if _, decided := outcomes[record.ID]; !decided {
			left = append(left, record)
		}
	}
	return left
}
