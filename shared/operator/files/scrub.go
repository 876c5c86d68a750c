package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/operator"
)

// Scrubbed is a list of contacts divided into two files.
type Scrubbed struct {
	AsOf       time.Time            `json:"asOf"`
	Columns    operator.ColumnsUsed `json:"columns"`
	Lines      int                  `json:"lines"`
	Clean      int                  `json:"clean"`
	Suppressed int                  `json:"suppressed"`
	Why        map[string]int       `json:"why"`
	Files      []string             `json:"files"`
}

// Scrub writes the lines of list.csv that may be sent to into list.clean.csv and
// the others into list.suppressed.csv. After an error neither file is there. shown
// is told how many lines of how many are done.
func Scrub(ctx context.Context, name string, rules *operator.Scrub, flags operator.ColumnFlags, now time.Time, shown func(lines, of int)) (*Scrubbed, error) {
	s := &Scrubbed{AsOf: now.UTC(), Why: map[string]int{}, Files: []string{Beside(name, "clean"), Beside(name, "suppressed")}}
	for _, older := range s.Files { // an older answer must not pass for this one
		if err := os.Remove(older); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("removing an older file: %w", err)
		}
	}
	list, err := OpenList(name, FirstEnd)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	seen, err := list.Survey(rules.Region, now)
	if err != nil {
		return nil, err
	}
	columns, err := rules.Read(list.Columns, seen, flags)
	if err != nil {
		return nil, err
	}
	s.Columns = columns.Used()
	err = Replace(s.Files[0], func(clean io.Writer) error {
		return Replace(s.Files[1], func(suppressed io.Writer) error {
			_, err := suppressed.Write(list.Header("reason", columns.Names()))
			if err == nil {
				_, err = clean.Write(list.Head())
			}
			if err != nil {
				return fmt.Errorf("writing a file: %w", err)
			}
			return s.split(ctx, list, rules, clean, suppressed, func(lines int) { shown(lines, seen.Rows) })
		})
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// scrubAtOnce is how many lines are looked up at once, and scrubsAtOnce how many
// times at the same time: while one part of the list waits for the store, another is
// read.
const (
	scrubAtOnce  = 1000
	scrubsAtOnce = 4
)

// split writes each line of the list to one of two files.
func (s *Scrubbed) split(ctx context.Context, list *List, rules *operator.Scrub, clean, suppressed io.Writer, shown func(lines int)) error {
	for {
		parts, err := readParts(list)
		if err != nil || len(parts) == 0 {
			return err
		}
		reasons := make([][]string, len(parts))
		group, inGroup := errgroup.WithContext(ctx)
		for n, rows := range parts {
			group.Go(func() (err error) {
				reasons[n], err = rules.Reasons(inGroup, rows)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for n, rows := range parts {
			if err := s.write(list, rows, reasons[n], clean, suppressed); err != nil {
				return fmt.Errorf("writing a file: %w", err)
			}
			shown(s.Lines)
		}
	}
}

// readParts reads the next parts of a list; none at its end.
func readParts(list *List) ([][]operator.Row, error) {
	var parts [][]operator.Row
	for range scrubsAtOnce {
		rows, err := list.Rows(0, scrubAtOnce)
		if err != nil {
			return nil, err
		}
		if len(rows) > 0 {
			parts = append(parts, rows)
		}
	}
	return parts, nil
}

// write writes each line of a part to its file.
func (s *Scrubbed) write(list *List, rows []operator.Row, reasons []string, clean, suppressed io.Writer) (err error) {
	for i, r := range rows {
		s.Lines++
		if reasons[i] == "" {
			s.Clean++
			_, err = clean.Write(r.Raw)
		} else {
			s.Suppressed++
			s.Why[reasons[i]]++
			_, err = suppressed.Write(list.Behind("reason", reasons[i], r.Raw))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
