package files

import (
	"bytes"
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

// The files that an import leaves beside FILE.
const (
	progressSuffix = ".progress"
	RejectsSuffix  = ".rejects"
)

// ImportLog says beside the file how far its import came, in FILE.progress, and
// which lines were rejected, in FILE.rejects.
type ImportLog struct {
	importProgress
	file    string
	Lines   int // of the file
	rejects *os.File
}

// importProgress is the content of FILE.progress.
type importProgress struct {
	Of      string                `json:"of"`      // a hash of the file, the stack and what a line means
	Started time.Time             `json:"started"` // "now" of the first try, and of every later one
	Line    int                   `json:"line"`    // the last line that is done
	Done    bool                  `json:"done"`    // all lines are done
	Rejects int64                 `json:"rejects"` // size of FILE.rejects, in bytes
	Counts  operator.ImportCounts `json:"counts"`
}

// OpenImportLog reads how far an earlier try came. The progress of another file,
// another stack or other flags does not count. An import with rejects begins
// again, as a scope that was unknown may be known by now; so does an unfinished
// import whose FILE.rejects is gone. Started stays, so that lines which were
// taken before change nothing.
func OpenImportLog(file string, im *operator.Import) (*ImportLog, error) {
	log := &ImportLog{file: file}
	var err error
	if log.Of, log.Lines, err = identify(file, im.Meaning()); err != nil {
		return nil, err
	}
	log.Started = im.Began.UTC()
	content, err := os.ReadFile(file + progressSuffix)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the progress: %w", err)
	}
	var before importProgress
	if json.Unmarshal(content, &before) != nil || before.Of != log.Of || before.Started.After(im.Began) {
		return log, nil
	}
	log.Started = before.Started
	info, err := os.Stat(file + RejectsSuffix)
	complete := before.Done && before.Counts.Rejected == 0
	if unfinished := !before.Done && err == nil && info.Size() >= before.Rejects; complete || unfinished {
		log.importProgress = before
	}
	return log, nil
}

// identify returns a hash of all that decides what an import does, and how many
// lines the file has.
func identify(name, meaning string) (id string, lines int, err error) {
	file, err := Open(name)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	sum := sha256.New()
	sum.Write([]byte(meaning))
	var ends lineEnds
	if _, err := io.Copy(io.MultiWriter(sum, &ends), file); err != nil {
		return "", 0, fmt.Errorf("reading the file: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), int(ends), nil
}

// lineEnds counts the ends of lines that are written to it.
type lineEnds int

func (n *lineEnds) Write(p []byte) (int, error) {
	*n += lineEnds(bytes.Count(p, []byte("\n")))
	return len(p), nil
}

// Begin writes down when the import began, before anything is written under
// that time.
func (l *ImportLog) Begin() (err error) {
	if l.rejects, err = os.OpenFile(l.file+RejectsSuffix, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	return l.save()
}

// Note writes down what became of some lines. The rejects come first, so that
// none is lost if the import is cut off in between; a later try cuts off the
// rejects of lines that are not noted as done.
func (l *ImportLog) Note(rows []operator.Row, whys []string, done bool, counts operator.ImportCounts) error {
	var b bytes.Buffer
	for i, r := range rows {
		if whys[i] != "" {
			fmt.Fprintf(&b, "%d\t%s\t%s\n", r.Line, whys[i], bytes.TrimRight(r.Raw, "\r\n"))
		}
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
		l.Line = rows[len(rows)-1].Line
	}
	l.Done, l.Counts = done, counts
	return l.save()
}

// End closes the rejects, and removes them once all lines are done and none was
// rejected.
func (l *ImportLog) End() error {
	err := l.rejects.Close()
	if l.Done && l.Rejects == 0 {
		err = errors.Join(err, os.Remove(l.rejects.Name()))
	}
	if err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	return nil
}

func (l *ImportLog) save() error {
	content, err := json.MarshalIndent(l.importProgress, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the progress: %w", err)
	}
	return Replace(l.file+progressSuffix, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
