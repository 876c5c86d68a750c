package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"stille/shared/operator"
)

// Scrubbed is a list of contacts divided into two files.
type Scrubbed struct {
	AsOf       time.Time      `json:"asOf"`
	Lines      int            `json:"lines"`
	Clean      int            `json:"clean"`
	Suppressed int            `json:"suppressed"`
	Why        map[string]int `json:"why"`
	Files      []string       `json:"files"`
}

// Scrub writes the lines of a list that may be sent to into FILE.clean and the
// others into FILE.suppressed. After an error neither file is there. shown is
// told how many lines are done.
func Scrub(ctx context.Context, name string, rules *operator.Scrub, now time.Time, shown func(lines int)) (*Scrubbed, error) {
	file, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	list, err := ReadContacts(name, file, operator.ScrubColumns(), false)
	if err != nil {
		return nil, err
	}
	if !(list.Has("channel") && list.Has("address")) && !list.Has("email") && !list.Has("phone") {
		return nil, operator.Mistakef("the header names neither channel and address, nor email, nor phone")
	}
	s := &Scrubbed{AsOf: now.UTC(), Why: map[string]int{}, Files: []string{name + ".clean", name + ".suppressed"}}
	for _, older := range s.Files { // an older answer must not pass for this one
		if err := os.Remove(older); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("removing an older file: %w", err)
		}
	}
	err = Replace(s.Files[0], func(clean io.Writer) error {
		return Replace(s.Files[1], func(suppressed io.Writer) error {
			return s.split(ctx, list, rules, clean, suppressed, shown)
		})
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// scrubAtOnce is how many lines are looked up at once.
const scrubAtOnce = 1000

// split writes each line of the list to one of two files.
func (s *Scrubbed) split(ctx context.Context, list *Contacts, rules *operator.Scrub, clean, suppressed io.Writer, shown func(lines int)) error {
	_, err := clean.Write(list.Header)
	if err == nil {
		_, err = suppressed.Write(list.Behind("reason", list.Header))
	}
	if err != nil {
		return fmt.Errorf("writing a file: %w", err)
	}
	for {
		rows, err := list.Rows(0, scrubAtOnce)
		if err != nil || len(rows) == 0 {
			return err
		}
		reasons, err := rules.Reasons(ctx, rows)
		if err != nil {
			return err
		}
		for i, r := range rows {
			s.Lines++
			if reasons[i] == "" {
				s.Clean++
				_, err = clean.Write(r.Raw)
			} else {
				s.Suppressed++
				s.Why[reasons[i]]++
				_, err = suppressed.Write(list.Behind(reasons[i], r.Raw))
			}
			if err != nil {
				return fmt.Errorf("writing a file: %w", err)
			}
		}
		shown(s.Lines)
	}
}
