package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/suppression"
)

type scrub struct {
	File    string              `arg:"" help:"CSV, or NDJSON where its name ends in .ndjson or .jsonl."`
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Without it a suppression in any scope blocks."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
	Channel contact.Channel     `enum:"email,sms," default:"" help:"email or sms: look at this channel's addresses only. Without it every address of a line must be one to send to."`
	Region  string              `placeholder:"NO" help:"Country, two letters, of numbers without + or 00."`
}

// Help names the columns and the files.
func (scrub) Help() string {
	return `Takes out of a list of contacts those that may not be sent to. The list has the columns channel and address, or email, or phone, or several of these; other columns stay as they are.

FILE.clean gets the lines that may be sent to, FILE.suppressed the others, each behind the reason: in their order, byte for byte. The read is strong. In doubt a line is not in FILE.clean: for example where the line or its address cannot be read. After a failure there is no FILE.clean. The answer holds for the moment: send soon, or ask again.

    $ stille scrub spring.csv --scope acme/newsletter`
}

type scrubAnswer struct {
	AsOf       time.Time      `json:"asOf"`
	Lines      int            `json:"lines"`
	Clean      int            `json:"clean"`
	Suppressed int            `json:"suppressed"`
	Why        map[string]int `json:"why"`
	Files      []string       `json:"files"`
}

func (a *scrubAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "as of       %s\nlines       %d\nclean       %d\nsuppressed  %d\n", instantText(a.AsOf), a.Lines, a.Clean, a.Suppressed)
	for _, why := range slices.Sorted(maps.Keys(a.Why)) {
		fmt.Fprintf(w, "  %d: %s\n", a.Why[why], why)
	}
	fmt.Fprintln(w)
	for _, file := range a.Files {
		fmt.Fprintln(w, file)
	}
}

// Run writes both files.
func (c scrub) Run(ctx context.Context, s *session, o *operator.Operator) error {
	rules, err := o.Scrub(ctx, c.Scope, operator.Scrub{Purpose: c.Purpose, Channel: c.Channel, Region: c.Region})
	if err != nil {
		return err
	}
	file, err := files.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	list, err := files.ReadContacts(c.File, file, operator.ScrubColumns(), false)
	if err != nil {
		return err
	}
	if !(list.Has("channel") && list.Has("address")) && !list.Has("email") && !list.Has("phone") {
		return usage("the header names neither channel and address, nor email, nor phone")
	}
	answer := &scrubAnswer{AsOf: s.now().UTC(), Why: map[string]int{}, Files: []string{c.File + ".clean", c.File + ".suppressed"}}
	for _, older := range answer.Files { // nobody must take an older answer for this one
		if err := os.Remove(older); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing an older file: %w", err)
		}
	}
	err = files.Replace(answer.Files[0], func(clean io.Writer) error {
		return files.Replace(answer.Files[1], func(suppressed io.Writer) error {
			return answer.split(ctx, s, list, rules, clean, suppressed)
		})
	})
	if err != nil {
		return err
	}
	return show(s, answer, nil, func(w io.Writer, a *scrubAnswer) { a.text(w) })
}

// scrubAtOnce is how many lines are asked for at once.
const scrubAtOnce = 1000

// split writes each line of the list to one of two files.
func (a *scrubAnswer) split(ctx context.Context, s *session, list *files.Contacts, rules *operator.Scrub, clean, suppressed io.Writer) error {
	shown := s.progress()
	defer shown.end()
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
			a.Lines++
			if reasons[i] == "" {
				a.Clean++
				_, err = clean.Write(r.Raw)
			} else {
				a.Suppressed++
				a.Why[reasons[i]]++
				_, err = suppressed.Write(list.Behind(reasons[i], r.Raw))
			}
			if err != nil {
				return fmt.Errorf("writing a file: %w", err)
			}
		}
		shown.at(a.Lines, 0, "lines")
	}
}
