package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

type exportCmd struct {
	File string `arg:"" help:"The file to write: CSV where its name ends in .csv, NDJSON where it ends in .ndjson or .jsonl."`
}

// Help says what stands for the address.
func (exportCmd) Help() string {
	return `Writes the whole suppression list, a line for every reason of every contact in every scope: key, channel, scope, reason, first, last, source, released, and, of what a newer contact key's took over, that key. A reason stands where released is empty or not later than last.

The address is kept nowhere, so the key stands for it: the file can be counted, compared and kept as evidence, not imported elsewhere. What cannot be read is in it with the reason "unreadable", and is suppressed; then it fails (1), once the file is written. It is no snapshot: a change of the same minute may be in it or not.

    $ stille export list.csv`
}

// listed is one line of an exported list.
type listed struct {
	Key        contact.Key        `json:"key"`
	Channel    contact.Channel    `json:"channel"`
	Scope      scope.Scope        `json:"scope"`
	Reason     suppression.Reason `json:"reason"`
	First      time.Time          `json:"first,omitzero"`
	Last       time.Time          `json:"last,omitzero"`
	Source     suppression.Source `json:"source"`
	Released   time.Time          `json:"released,omitzero"`
	MergedInto contact.Key        `json:"mergedInto,omitempty"`
}

func listedColumns() []string {
	return []string{"key", "channel", "scope", "reason", "first", "last", "source", "released", "mergedInto"}
}

func (l listed) values() []string {
	return []string{
		string(l.Key), string(l.Channel), string(l.Scope), string(l.Reason), moment(l.First), moment(l.Last), string(l.Source), moment(l.Released), string(l.MergedInto),
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}

type exportAnswer struct {
	File       string `json:"file"`
	Contacts   int    `json:"contacts"` // keys, strictly: one that another took over counts too
	Lines      int    `json:"lines"`
	Unreadable int    `json:"unreadable"`
}

func (a exportAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "contacts  %d\nlines     %d, without a header\n\n%s\n", a.Contacts, a.Lines, a.File)
}

// Run writes the list.
func (e exportCmd) Run(ctx context.Context, s *session) error {
	var format func(io.Writer) (put func(listed) error, end func() error)
	switch filepath.Ext(e.File) {
	case ".csv":
		format = asCSV
	case ".ndjson", ".jsonl":
		format = asNDJSON
	default:
		return usage("the name must end in .csv, .ndjson or .jsonl")
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	answer := exportAnswer{File: e.File}
	shown := s.progress()
	err = replaceFile(e.File, func(w io.Writer) error {
		put, end := format(w)
		err := sys.suppressions.Each(ctx, func(i suppression.Item, unreadable error) error {
			answer.Contacts++
			shown.at(answer.Contacts, 0, "contacts")
			if unreadable != nil {
				answer.Unreadable++
				answer.Lines++
				return put(listed{Key: i.Key, Scope: scope.Everywhere, Reason: unreadableItem})
			}
			return answer.put(i, put)
		})
		if err != nil {
			return err
		}
		return end()
	})
	shown.end()
	if err != nil {
		return err
	}
	if err := s.show(answer); err != nil {
		return err
	}
	if answer.Unreadable > 0 {
		return fmt.Errorf("suppressions that cannot be read: %d; nothing is sent to them, and the file names their keys", answer.Unreadable)
	}
	return nil
}

// put writes every mark of an item.
func (a *exportAnswer) put(i suppression.Item, put func(listed) error) error {
	for _, in := range sortedKeys(i.Marks) {
		for _, reason := range sortedKeys(i.Marks[in]) {
			m := i.Marks[in][reason]
			a.Lines++
			err := put(listed{i.Key, i.Channel, in, reason, m.First, m.Last, m.Source, m.ReleasedAt, i.MergedInto})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func asCSV(w io.Writer) (put func(listed) error, end func() error) {
	out := csv.NewWriter(w)
	begun := out.Write(listedColumns())
	return func(l listed) error { return out.Write(l.values()) }, func() error {
		out.Flush()
		if begun != nil {
			return begun
		}
		return out.Error()
	}
}

func asNDJSON(w io.Writer) (put func(listed) error, end func() error) {
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	return func(l listed) error { return lines.Encode(l) }, out.Flush
}
