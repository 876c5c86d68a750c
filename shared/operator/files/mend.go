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
	fits := func(work purge.MendWork) bool { return work.Class == class && len(work.Segments) > 0 }
	return resumed(file, purge.NewMendWork(class), fits, func(work purge.MendWork, save func(purge.MendWork) error) (*purge.Mended, error) {
		return o.Mend(ctx, work, rate, sleep, func(at purge.MendWork) error {
			shown(at.Did.Scanned)
			return save(at)
		})
	})
}

// ReplayEvents sends past events again. It goes on from the file
// replay-events.progress of the folder, if an interrupted call left one.
func ReplayEvents(
	ctx context.Context, o *operator.Operator, folder string, since time.Time, rate int, sleep func(context.Context, time.Duration) error, shown func(entries int),
) (*operator.SentEvents, error) {
	file := filepath.Join(folder, "replay-events.progress")
	fits := func(work operator.EventsWork) bool { return work.Since.Equal(since) }
	return resumed(file, operator.EventsWork{Since: since}, fits, func(work operator.EventsWork, save func(operator.EventsWork) error) (*operator.SentEvents, error) {
		return o.ReplayEvents(ctx, work, rate, sleep, func(at operator.EventsWork) error {
			shown(at.Did.Entries)
			return save(at)
		})
	})
}

// resumed does work: all of it, or from where a file says that an interrupted
// command came. The work hands every step to save, and the file is removed once the
// work is done. fits reports whether the work of the file is the command's.
func resumed[W, A any](file string, work W, fits func(W) bool, do func(work W, save func(W) error) (*A, error)) (*A, error) {
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading how far the command came: %w", err)
	}
	if err == nil && (json.Unmarshal(text, &work) != nil || !fits(work)) {
		return nil, operator.Mistakef("%s is no progress of this command: remove the file to begin from the start", filepath.Base(file))
	}
	answer, err := do(work, func(at W) error {
		text, err := json.Marshal(at)
		if err != nil {
			return fmt.Errorf("writing how far the command came: %w", err)
		}
		return replaceBy(file, text)
	})
	if err != nil {
		return answer, err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return answer, fmt.Errorf("all is done, and the progress file stays: %w", err)
	}
	return answer, nil
}
