package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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

// progressSuffix is of the file that says how far the import of FILE came.
const progressSuffix = ".progress"

// RejectsOf names the file of the rows that an import of a file does not take.
func RejectsOf(file string) string { return Beside(file, "rejects") }

// importLog says beside old.csv how far its import came, in old.csv.progress, and
// which rows were rejected, in old.rejects.csv. The latter has the header of the
// file and one more column, and can be imported like the file.
type importLog struct {
	importProgress
	list    *List
	header  []byte // of the rejects
	rejects *os.File
}

// importProgress is the content of FILE.progress.
type importProgress struct {
	Of      string                `json:"of"`      // a hash of the file, the stack and what a line means
	Started time.Time             `json:"started"` // "now" of the first try, and of every later one
	Rows    int                   `json:"rows"`    // that are done
	Done    bool                  `json:"done"`    // all rows are done
	Rejects int64                 `json:"rejects"` // size of the file of rejects, in bytes
	Counts  operator.ImportCounts `json:"counts"`
}

// openImportLog reads how far an earlier try came. The progress of another file,
// another stack or other flags does not count. An import with rejects begins
// again, as a scope that was unknown may be known by now; so does an unfinished
// import whose file of rejects is gone. Started stays, so that rows which were
// taken before change nothing.
func openImportLog(list *List, columns *operator.Columns, im *operator.Import) (*importLog, error) {
	log := &importLog{list: list, header: list.Header(operator.RejectReason, columns.Names())}
	var err error
	if log.Of, err = identify(list.name, im.Meaning()); err != nil {
		return nil, err
	}
	log.Started = im.Began.UTC()
	content, err := os.ReadFile(list.name + progressSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the progress: %w", err)
	}
	var before importProgress
	if json.Unmarshal(content, &before) != nil || before.Of != log.Of || before.Started.After(im.Began) {
		return log, nil
	}
	log.Started = before.Started
	info, err := os.Stat(RejectsOf(list.name))
	complete := before.Done && before.Counts.Rejected == 0
	if unfinished := !before.Done && err == nil && info.Size() >= before.Rejects; complete || unfinished {
		log.importProgress = before
	}
	return log, nil
}

// identify returns a hash of all that decides what an import does.
func identify(name, meaning string) (id string, err error) {
	file, err := Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	sum.Write([]byte(meaning))
	if _, err := io.Copy(sum, file); err != nil {
		return "", fmt.Errorf("reading the file: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Begin writes down when the import began, before anything is written under
// that time.
func (l *importLog) Begin() (err error) {
	if l.rejects, err = os.OpenFile(RejectsOf(l.list.name), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	return l.save()
}

// Note writes down what became of some rows. The rejects come first, so that
// none is lost if the import is cut off in between; a later try cuts off the
// rejects of rows that are not noted as done.
func (l *importLog) Note(rows []operator.Row, whys []string, done bool, counts operator.ImportCounts) error {
	var b bytes.Buffer
	for i, r := range rows {
		if whys[i] == "" {
			continue
		}
		if l.Rejects == 0 && b.Len() == 0 {
			b.Write(l.header)
		}
		b.Write(l.list.Behind(operator.RejectReason, fmt.Sprintf("line %d: %s", r.Line, whys[i]), r.Raw))
	}
	err := l.rejects.Truncate(l.Rejects)
	if err == nil {
		_, err = l.rejects.WriteAt(b.Bytes(), l.Rejects)
	}
	if err == nil {
		err = l.rejects.Sync()
	}
	if err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	l.Rejects += int64(b.Len())
	if len(rows) > 0 {
		l.Rows = rows[len(rows)-1].N
	}
	l.Done, l.Counts = done, counts
	return l.save()
}

// End closes the rejects, and removes them once all rows are done and none was
// rejected.
func (l *importLog) End() error {
	err := l.rejects.Close()
	if l.Done && l.Rejects == 0 {
		err = errors.Join(err, os.Remove(l.rejects.Name()))
	}
	if err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	return nil
}

func (l *importLog) save() error {
	content, err := json.MarshalIndent(l.importProgress, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the progress: %w", err)
	}
	return replaceBy(l.list.name+progressSuffix, content)
}
