package files

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stille/shared/operator"
)

// Imported is what became of the rows of a file.
type Imported struct {
	operator.ImportCounts
	Columns operator.ColumnsUsed `json:"columns"`
	DryRun  bool                 `json:"dryRun"`
	Partial bool                 `json:"partial,omitempty"` // the file says that the list goes on elsewhere
	Started time.Time            `json:"started"`           // the first time: the time of a line that names none
	Before  bool                 `json:"before"`            // all was done before
	Rejects string               `json:"rejects,omitempty"`
}

// ImportAtOnce is how many lines are taken before the log is written.
const ImportAtOnce = 500

// Import imports a file and, unless it is a dry run, writes the log of the import.
// shown gets the number of lines that are done, those of an earlier try included, and
// the number of all lines. The error of rows that were not taken comes with the answer.
func Import(ctx context.Context, name string, im *operator.Import, shown func(lines, of int)) (*Imported, error) {
	list, err := OpenList(name, EveryEnd)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	seen, err := list.Survey(im.Region, im.Began)
	if err != nil {
		return nil, err
	}
	columns, err := im.Read(list.Columns, seen)
	if err != nil {
		return nil, err
	}
	answer := &Imported{DryRun: im.DryRun, Started: im.Began.UTC(), Columns: columns.Used(), Partial: list.Incomplete}
	var log *importLog
	if !im.DryRun {
		if log, err = openImportLog(list, columns, im); err != nil {
			return nil, err
		}
		im.Began, im.Counts, answer.Started, answer.Before = log.Started, log.Counts, log.Started, log.Done
	}
	if !answer.Before {
		if err := importRows(ctx, im, list, log, func(lines int) { shown(lines, seen.Rows) }); err != nil {
			return nil, err
		}
	}
	answer.ImportCounts = im.Counts
	if answer.Rejected == 0 {
		return answer, nil
	}
	if !im.DryRun {
		answer.Rejects = RejectsOf(name)
	}
	return answer, fmt.Errorf("lines that were not taken: %d", answer.Rejected)
}

// importRows takes the rows behind those that the log names as done. A dry run
// has no log.
func importRows(ctx context.Context, im *operator.Import, list *List, log *importLog, shown func(lines int)) (err error) {
	done := 0
	if log != nil {
		done = log.Rows
		if err := log.Begin(); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, log.End()) }()
	}
	for {
		shown(done)
		rows, err := list.Rows(done, ImportAtOnce)
		if err != nil {
			return err
		}
		whys, err := im.Take(ctx, rows)
		if ctx.Err() != nil {
			err = operator.ErrInterrupted
		}
		if err != nil {
			return fmt.Errorf("%w; the first %d rows are done: the same command goes on from there", err, done)
		}
		if len(rows) > 0 {
			done = rows[len(rows)-1].N
		}
		last := len(rows) < ImportAtOnce
		if log != nil {
			if err := log.Note(rows, whys, last, im.Counts); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}
