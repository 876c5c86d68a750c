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
	work, err := readMendWork(file, class)
	if err != nil {
		return nil, err
	}
	answer, err := o.Mend(ctx, work, rate, sleep, func(at purge.MendWork) error {
		shown(at.Did.Scanned)
		text, err := json.Marshal(at)
		if err != nil {
			return fmt.Errorf("writing how far the repair is: %w", err)
		}
		return replaceBy(file, text)
	})
	if err != nil {
		return answer, err
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return answer, fmt.Errorf("the repair is done, and its progress file stays: %w", err)
	}
	return answer, nil
}

// readMendWork reads how far an interrupted repair of the class came.
func readMendWork(file, class string) (purge.MendWork, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return purge.NewMendWork(class), nil
	}
	if err != nil {
		return purge.MendWork{}, fmt.Errorf("reading how far the repair is: %w", err)
	}
	var work purge.MendWork
	if err := json.Unmarshal(text, &work); err != nil || work.Class != class || len(work.Segments) == 0 {
		return work, operator.Mistakef("%s is no progress of this repair: remove the file to begin from the start", filepath.Base(file))
	}
	return work, nil
}
