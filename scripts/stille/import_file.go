package main

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
	"strings"
	"time"
)

// importAtOnce is how many lines are taken before it is written down that they
// are.
const importAtOnce = 250

// importProgress is how far the import of a file came: FILE.progress.
type importProgress struct {
	Of      string       `json:"of"`      // a hash of the file, the stack and what a line means
	Started time.Time    `json:"started"` // "now" of the first try, and of every later one
	Line    int          `json:"line"`    // the last one that is done with
	Done    bool         `json:"done"`    // with all of them
	Rejects int64        `json:"rejects"` // size of FILE.rejects, in bytes
	Counts  importCounts `json:"counts"`
}

func (c importCmd) progressFile() string { return c.File + ".progress" }
func (c importCmd) rejectsFile() string  { return c.File + ".rejects" }

// field is a column without the space around it.
func (r row) field(name string) string { return strings.TrimSpace(r.fields[name]) }

// open opens the file and begins to read it.
func (c importCmd) open() (*os.File, *contactFile, error) {
	file, err := os.Open(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, usage("there is no such file")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("opening the file: %w", err)
	}
	in, err := readContacts(c.File, file, importColumns(), true)
	for _, required := range []string{"channel", "address"} {
		if err == nil && !in.has(required) {
			err = usage("the header has no column %s", required)
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, in, nil
}

// try reads every line, and changes nothing.
func (im *importer) try(s *session) error {
	file, in, err := im.open()
	if err != nil {
		return err
	}
	defer file.Close()
	shown := s.progress()
	defer shown.end()
	im.answer.Started = im.began.UTC()
	for {
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		t := taken{}
		if _, err := im.read(r); err != nil {
			t.why = err.Error()
		}
		im.answer.note(r, t)
		shown.at(im.answer.Lines, 0, "lines")
	}
}

// all takes every line that an earlier try did not.
func (im *importer) all(ctx context.Context, s *session) error {
	var err error
	if im.sys, err = s.system(ctx); err != nil {
		return err
	}
	id, lines, err := im.identify()
	if err != nil {
		return err
	}
	file, in, err := im.open()
	if err != nil {
		return err
	}
	defer file.Close()
	state, err := im.resume(id)
	if err != nil {
		return err
	}
	im.began, im.answer.importCounts, im.answer.Before = state.Started, state.Counts, state.Done
	im.answer.Started = state.Started
	if state.Line > 0 && !state.Done {
		s.say("going on behind line %d", state.Line)
	}
	if !state.Done {
		if err := im.rest(ctx, s, in, &state, lines); err != nil {
			return err
		}
	}
	if im.answer.Rejected > 0 {
		im.answer.Rejects = im.rejectsFile()
	}
	return nil
}

// rest takes the lines behind those that are done, some at a time.
func (im *importer) rest(ctx context.Context, s *session, in *contactFile, state *importProgress, lines int) error {
	rejects, err := os.OpenFile(im.rejectsFile(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	defer rejects.Close()
	if err := im.save(state); err != nil { // when it began, before anything is written under that time
		return err
	}
	shown := s.progress()
	defer shown.end()
	for !state.Done {
		rows, err := some(in, state.Line, importAtOnce)
		if err != nil {
			return err
		}
		not, err := im.apply(ctx, rows)
		if err != nil {
			return fmt.Errorf("%w; what was done before line %d is done: the same command goes on from there", err, state.Line+1)
		}
		if err := im.saveRejects(rejects, not, state); err != nil {
			return err
		}
		state.Counts, state.Done = im.answer.importCounts, len(rows) < importAtOnce
		if len(rows) > 0 {
			state.Line = rows[len(rows)-1].line
		}
		if err := im.save(state); err != nil {
			return err
		}
		shown.at(state.Line, lines, "lines")
	}
	if state.Rejects == 0 {
		if err := os.Remove(im.rejectsFile()); err != nil {
			return fmt.Errorf("writing the rejects: %w", err)
		}
	}
	return nil
}

// some returns the next rows behind a line, at most so many, and none behind the
// last.
func some(in *contactFile, line, most int) ([]row, error) {
	var rows []row
	for len(rows) < most {
		r, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if r.line > line {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// saveRejects writes the rejects down before it is that their lines are done
// with: none is lost where the import is cut off in between, and what is then
// too much is cut off itself the next time.
func (im *importer) saveRejects(file *os.File, not []rejected, state *importProgress) error {
	var b bytes.Buffer
	for _, r := range not {
		fmt.Fprintf(&b, "%d\t%s\t%s\n", r.line, r.why, bytes.TrimRight(r.raw, "\r\n"))
	}
	err := file.Truncate(state.Rejects)
	if err == nil {
		_, err = file.WriteAt(b.Bytes(), state.Rejects)
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		return fmt.Errorf("writing the rejects: %w", err)
	}
	state.Rejects += int64(b.Len())
	return nil
}

func (im *importer) save(state *importProgress) error {
	content, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the progress: %w", err)
	}
	return replaceFile(im.progressFile(), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// identify returns a hash of all that decides what an import does, and how many
// lines the file has.
func (im *importer) identify() (id string, lines int, err error) {
	file, err := os.Open(im.File)
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, usage("there is no such file")
	}
	if err != nil {
		return "", 0, fmt.Errorf("opening the file: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\x00%s\x00%s\x00%s\x00%s\x00", im.sys.name, im.sys.where, im.inCase, im.Region, im.Zone)
	chunk := make([]byte, 1<<16)
	for {
		n, err := file.Read(chunk)
		sum.Write(chunk[:n])
		lines += bytes.Count(chunk[:n], []byte("\n"))
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil)), lines, nil
		}
		if err != nil {
			return "", 0, fmt.Errorf("reading the file: %w", err)
		}
	}
}

// resume reads how far an earlier try came. One of another file, of another
// stack or with other flags does not count. One with rejects begins again, as
// there may be a scope by now that was none; so does an unfinished one whose
// file of rejects is gone. The time it began first stays, so that what was taken
// changes nothing again.
func (im *importer) resume(id string) (importProgress, error) {
	fresh := importProgress{Of: id, Started: im.began.UTC()}
	content, err := os.ReadFile(im.progressFile())
	if errors.Is(err, fs.ErrNotExist) {
		return fresh, nil
	}
	if err != nil {
		return fresh, fmt.Errorf("reading the progress: %w", err)
	}
	var before importProgress
	if json.Unmarshal(content, &before) != nil || before.Of != id || before.Started.After(im.began) {
		return fresh, nil
	}
	switch info, err := os.Stat(im.rejectsFile()); {
	case before.Done && before.Counts.Rejected == 0:
		return before, nil
	case before.Done, err != nil, info.Size() < before.Rejects:
		fresh.Started = before.Started
		return fresh, nil
	}
	return before, nil
}
