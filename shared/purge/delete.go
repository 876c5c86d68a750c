package purge

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"time"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// Outcome is the outcome of one record of a page.
type Outcome string

// The outcomes.
const (
	Deleted Outcome = "deleted"
	Held    Outcome = "held"
	Changed Outcome = "changed" // kept: no longer due, or changed since it was read
	Failed  Outcome = "failed"  // kept: its objects or the record could not be deleted; the next run tries again
	Gone    Outcome = "gone"    // already missing when the page was processed
	Left    Outcome = "left"    // kept: over what the run may delete; the next run takes it
)

// Page is one page of a run's manifest: its ids and the objects of the records that
// have some, both written before any of the records was touched, and the outcomes.
// Outcomes is nil for a page that was cut off.
type Page struct {
	IDs      []string
	Objects  map[string]certificate.Objects
	Outcomes map[string]Outcome
}

// ErrManifestGone means that the manifest of a run is not complete any more, so
// that the run's deletions cannot be listed.
var ErrManifestGone = errors.New("the manifest of the run is gone, so its deletions cannot be listed: " +
	"put its objects back, or give the run up with `stille purge stop` and purge again")

// Manifest records what a run will do, before the run does it. It is kept until
// the run is certified.
type Manifest interface {
	// Open begins the manifest of a run.
	Open(ctx context.Context, class, run string) error
	// Opened reports whether the manifest of a run was opened and not removed.
	Opened(ctx context.Context, class, run string) (bool, error)
	// Remove removes everything of the manifests of those runs of a class that are
	// over, also what was begun after the manifest was removed.
	Remove(ctx context.Context, class string, isOver func(run string) (bool, error)) error
	// Begin stores the ids of a new page and returns its name. A page must never
	// replace another.
	Begin(ctx context.Context, class, run, shard string, ids []string) (page string, err error)
	// NoteObjects stores the objects of the page's records.
	NoteObjects(ctx context.Context, page string, objects map[string]certificate.Objects) error
	// Finish stores the outcomes of the page's records.
	Finish(ctx context.Context, page string, outcomes map[string]Outcome) error
	// Pages yields the shard's pages in the order they were begun, and ends with the
	// first error. The error wraps ErrManifestGone if there are outcomes without the
	// page's ids.
	Pages(ctx context.Context, class, run, shard string) iter.Seq2[Page, error]
}

// Work is one shard of a run: the delete step's input and output.
type Work struct {
	Class  string    `json:"class"`
	Run    string    `json:"run"`
	Turn   int64     `json:"turn"`
	Cutoff time.Time `json:"cutoff"`
	Shard  string    `json:"shard"`
	Cursor Cursor    `json:"cursor,omitzero"`
	Done   bool      `json:"done"`
	// Throttled means that DynamoDB throttled the shard: it must be worked on with
	// fewer shards at a time.
	Throttled bool `json:"throttled"`
	// Late means that the shard is done because the run took too long: what is
	// left waits for the next run. Until is when that is.
	Late  bool      `json:"late"`
	Until time.Time `json:"until,omitzero"`
	// Most is how many records the shard may still delete, if it is Limited.
	Limited bool `json:"limited,omitempty"`
	Most    int  `json:"most,omitempty"`
	// Withdrawn means that the shard is done once its withdrawn records are.
	Withdrawn bool `json:"withdrawn,omitempty"`
	// Stopped means that the shard is done because an operator stopped the run.
	Stopped bool `json:"stopped"`
	// PolicyHash is of the policy that planned the run. Under another policy nothing
	// may be deleted.
	PolicyHash string `json:"policyHash"`
}

// Cursor is the position in the work of a shard; the zero Cursor is the
// beginning.
type Cursor struct {
	By   Index  `json:"by"`
	ID   string `json:"id,omitempty"`
	Sort string `json:"sort,omitempty"`
}

// Worker deletes due records.
type Worker struct {
	Records  Records
	Deleter  Deleter
	Holds    Holds
	Objects  Objects
	Manifest Manifest
	Stopped  func(ctx context.Context, class, run string) (bool, error) // whether a run must stop
	Log      *slog.Logger
}

// Shard works on pages until the shard is done, an operator stopped the run or
// more returns false, and returns the work that is left. After an error Shard
// may be called again with the same work: the manifest has what was deleted.
func (w Worker) Shard(ctx context.Context, class retention.Class, work Work, more func() bool) (Work, error) {
	fence := fence{holds: w.Holds, shard: work.Shard}
	queue := queue{records: w.Records, class: class, cutoff: work.Cutoff, shard: work.Shard}
	defer queue.close()
	for !work.Done && more() {
		stopped, err := w.Stopped(ctx, work.Class, work.Run)
		if err != nil {
			return work, fmt.Errorf("purging shard %s of %s: %w", work.Shard, work.Class, err)
		}
		if stopped {
			work.Done, work.Stopped = true, true
			break
		}
		if work, err = w.page(ctx, class, work, &queue, &fence); err != nil {
			return work, fmt.Errorf("purging shard %s of %s: %w", work.Shard, work.Class, err)
		}
	}
	return work, nil
}

// page works on the next page of the shard: the withdrawn records first.
func (w Worker) page(ctx context.Context, class retention.Class, work Work, queue *queue, fence *fence) (Work, error) {
	if work.isFull() {
		work.Done = true
		return work, nil
	}
	if work.Cursor.By == "" {
		work.Cursor.By = ByWithdrawal
	}
	due, err := queue.page(ctx, work.Cursor)
	switch {
	case err != nil:
		return work, err
	case len(due) == 0 && work.Cursor.By == ByWithdrawal && !work.Withdrawn:
		work.Cursor = Cursor{By: ByStart}
		return work, nil
	case len(due) == 0:
		work.Done = true
		return work, nil
	}
	if err := w.deletePage(ctx, class, &work, due, fence); err != nil {
		return work, err
	}
	last := due[len(due)-1]
	work.Cursor.ID, work.Cursor.Sort = last.ID, last.Sort
	work.Done = work.isFull()
	return work, nil
}

// deletePage deletes the records of a page. The page in the manifest has the
// records that exist: the index may still show what a run before has deleted, and
// only a record that existed in this run's turn can be this run's deletion.
func (w Worker) deletePage(ctx context.Context, class retention.Class, work *Work, due []Due, fence *fence) error {
	ids := make([]string, len(due))
	for i, d := range due {
		ids[i] = d.ID
	}
	outcomes := make(map[string]Outcome, len(ids))
	records, err := w.load(ctx, class, work.Cutoff, ids, outcomes)
	if err != nil {
		return err
	}
	ids = slices.DeleteFunc(ids, func(id string) bool { return outcomes[id] == Gone })
	if len(ids) == 0 {
		return nil
	}
	page, err := w.Manifest.Begin(ctx, work.Class, work.Run, work.Shard, ids)
	if err != nil {
		return err
	}
	fenced, err := fence.read(ctx)
	if err != nil {
		return err
	}
	records = withoutHeld(class, records, fenced.Held, outcomes)
	if records, err = w.noteObjects(ctx, class, page, records, outcomes); err != nil {
		return err
	}
	if err := w.delete(ctx, class, *work, fenced, records, outcomes, fence); err != nil {
		return err
	}
	work.Most -= deletedOf(outcomes)
	return w.Manifest.Finish(ctx, page, outcomes)
}

// delete deletes the records, none of which is held at the fence that was read. A
// hold placed since then has moved the fence; the worker then reads the holds and
// decides again. A record with objects is marked first, and deleted after all other
// records are decided.
func (w Worker) delete(ctx context.Context, class retention.Class, work Work, fenced Fenced, due []retention.Stored, outcomes map[string]Outcome, fence *fence) error {
	var marked []retention.Stored
	for len(due) > 0 {
		if fenced.Turns[work.Class] != work.Turn {
			return ErrLockLost
		}
		due = work.withinMost(due, outcomes, len(marked))
		done, err := w.Deleter.DeleteUnderFence(ctx, work.conditions(fenced.Epoch), due)
		note(outcomes, done.Deleted, Deleted)
		note(outcomes, done.Changed, Changed)
		note(outcomes, done.Gone, Gone)
		note(outcomes, slices.Concat(done.Marked, done.Kept), Failed) // until they are finished
		marked = append(marked, slices.DeleteFunc(slices.Clone(due), func(record retention.Stored) bool {
			return !slices.Contains(done.Marked, record.ID)
		})...)
		if err == nil {
			break
		}
		if !errors.Is(err, ErrFenceMoved) {
			return err
		}
		fence.forget()
		if fenced, err = fence.read(ctx); err != nil {
			return err
		}
		due = withoutHeld(class, undecided(due, outcomes), fenced.Held, outcomes)
	}
	return w.finish(ctx, class, work, marked, outcomes)
}

// IsOver reports whether the run took too long at now to go on.
func (w Work) IsOver(now time.Time) bool { return !w.Until.IsZero() && now.After(w.Until) }

// isFull reports whether the shard may delete no more.
func (w Work) isFull() bool { return w.Limited && w.Most <= 0 }

// withinMost notes which records are over what the shard may still delete, of
// which the page has deleted or marked some, and returns the others.
func (w Work) withinMost(due []retention.Stored, outcomes map[string]Outcome, marked int) []retention.Stored {
	if !w.Limited {
		return due
	}
	room := min(len(due), max(0, w.Most-marked-deletedOf(outcomes)))
	for _, record := range due[room:] {
		outcomes[record.ID] = Left
	}
	return due[:room]
}

func deletedOf(outcomes map[string]Outcome) int {
	n := 0
	for _, outcome := range outcomes {
		if outcome == Deleted {
			n++
		}
	}
	return n
}

// conditions are the conditions of a page at an epoch of the shard's fence.
func (w Work) conditions(epoch int64) Conditions {
	return Conditions{Class: w.Class, Run: w.Run, Shard: w.Shard, Epoch: epoch, Turn: w.Turn}
}

// load reads the records strongly and returns the due ones. It notes the
// outcomes of the others.
func (w Worker) load(ctx context.Context, class retention.Class, cutoff time.Time, ids []string, outcomes map[string]Outcome) ([]retention.Stored, error) {
	records, unreadable, err := w.Records.Load(ctx, class.Name, ids)
	if err != nil {
		return nil, err
	}
	var due []retention.Stored
	for _, id := range ids {
		record, there := records[id]
		switch {
		case unreadable[id] != nil:
			outcomes[id] = Failed
		case !there:
			outcomes[id] = Gone
		case !class.Due(record.Record, cutoff) && record.PurgingBy != "":
			outcomes[id] = Failed // another service changed a marked record; its objects may be gone
		case !class.Due(record.Record, cutoff):
			outcomes[id] = Changed
		default:
			due = append(due, record)
		}
	}
	return w.own(ctx, class, due, outcomes)
}

// withoutHeld notes which records are held and returns the others.
func withoutHeld(class retention.Class, due []retention.Stored, held HeldTargets, outcomes map[string]Outcome) []retention.Stored {
	for _, record := range due {
		if isHeld(class, record, held) {
			outcomes[record.ID] = Held
		}
	}
	return undecided(due, outcomes)
}

func note(outcomes map[string]Outcome, ids []string, outcome Outcome) {
	for _, id := range ids {
		outcomes[id] = outcome
	}
}

func undecided(records []retention.Stored, outcomes map[string]Outcome) []retention.Stored {
	return slices.DeleteFunc(slices.Clone(records), func(record retention.Stored) bool { return outcomes[record.ID] != "" })
}

// fence is the fence of a worker's shard and the holds, as last read. The
// worker reads both once for all pages: every deletion is conditional on the
// fence, and a new hold moves the fence.
type fence struct {
	holds Holds
	shard string
	known *Fenced // nil: must be read
}

// read returns the epoch of the fence and everything that is held at that epoch.
func (f *fence) read(ctx context.Context) (Fenced, error) {
	if f.known == nil {
		fenced, err := f.holds.Fenced(ctx, f.shard)
		if err != nil {
			return Fenced{}, err
		}
		f.known = &fenced
	}
	return *f.known, nil
}

// forget makes the next read fetch the fence and the holds.
func (f *fence) forget() { f.known = nil }

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
