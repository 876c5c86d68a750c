package files

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"stille/shared/operator"
	"stille/shared/purge"
)

// Mend repairs a class. It goes on from the file mend-CLASS.progress of the folder,
// if an interrupted repair left one. shown is told how many records were read.
func Mend(
	ctx context.Context, o *operator.Operator, folder, class string, rate int, sleep func(context.Context, time.Duration) error, shown func(records int),
) (*purge.Mended, error) {
	file := filepath.Join(folder, "mend-"+filepath.Base(class)+".progress")
	work := purge.NewMendWork(class)
	err := readProgress(file, &work, func() bool { return work.Class == class && len(work.Segments) > 0 })
	if err != nil {
		return nil, err
	}
	answer, err := o.Mend(ctx, work, rate, sleep, func(at purge.MendWork) error {
		shown(at.Did.Scanned)
		return writeProgress(file, at)
	})
	return answer, endProgress(file, err)
}

// ReplayEvents sends past events again. It goes on from the file
// replay-events.progress of the folder, if an interrupted call left one.
func ReplayEvents(
	ctx context.Context, o *operator.Operator, folder string, since time.Time, rate int, sleep func(context.Context, time.Duration) error, shown func(entries int),
) (*operator.SentEvents, error) {
	file := filepath.Join(folder, "replay-events.progress")
	work := operator.EventsWork{Since: since}
	if err := readProgress(file, &work, func() bool { return work.Since.Equal(since) }); err != nil {
		return nil, err
	}
	answer, err := o.ReplayEvents(ctx, work, rate, sleep, func(at operator.EventsWork) error {
		shown(at.Did.Entries)
		return writeProgress(file, at)
	})
	return answer, endProgress(file, err)
}

// readProgress reads how far an interrupted command came; without a file the work
// stays as it is. fits reports whether the work that was read is the command's.
func readProgress(file string, work any, fits func() bool) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading how far the command came: %w", err)
	}
	if err := json.Unmarshal(text, work); err != nil || !fits() {
		return operator.Mistakef("%s is no progress of this command: remove the file to begin from the start", filepath.Base(file))
	}
	return nil
}

func writeProgress(file string, work any) error {
	text, err := json.Marshal(work)
	if err != nil {
		return fmt.Errorf("writing how far the command came: %w", err)
	}
	return replaceBy(file, text)
}

// endProgress removes the file of a command that came to its end without an error.
func endProgress(file string, failed error) error {
	if failed != nil {
		return failed
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("all is done, and the progress file stays: %w", err)
	}
	return nil
}
