package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"stille/shared/operator"
)

type due struct {
	Keep  period `required:"" placeholder:"P6M" help:"How long the record is kept: PnY, PnM or PnD."`
	Zone  zone   `default:"Europe/Oslo" help:"Whose dates count."`
	Start words  `arg:"" optional:"" help:"When the record started: a time like 2024-08-31T10:00:00Z, or a date in the zone. Standard input, one a line, if none is given."`
}

// Help explains the calendar.
func (due) Help() string {
	return `A record is kept through the same date one period later, by the dates of the zone, or through the last day of that month if the month has no such date. The record is due from the first instant of the day after.

For each start it prints the start as given, the last day it is kept and the instant it is due from (UTC), separated by tabs.

    $ stille due --keep P6M --zone Europe/Oslo 2024-08-31T10:00:00Z
    2024-08-31T10:00:00Z	2025-02-28	2025-02-28T23:00:00Z

    $ stille due --keep P2Y <starts.txt`
}

type dueAnswer struct {
	Start       string    `json:"start"`
	KeptThrough string    `json:"keptThrough"`
	DueFrom     time.Time `json:"dueFrom"`
}

// Run answers for every start, and stops at the first start that it cannot read.
func (d due) Run(s *session) error {
	n := 0
	for text, err := range s.lines(d.Start) {
		if err != nil {
			return err
		}
		n++
		given := strings.TrimRight(text, "\r")
		if strings.TrimSpace(given) == "" && len(d.Start) == 0 {
			continue
		}
		start, err := operator.ParseStart(strings.TrimSpace(given), d.Zone.Location)
		if err != nil {
			return usage("start %d: %v", n, err)
		}
		answer := &dueAnswer{
			Start:       given,
			KeptThrough: d.Keep.LastDay(start, d.Zone.Location).String(),
			DueFrom:     d.Keep.DueFrom(start, d.Zone.Location),
		}
		err = show(s, answer, nil, func(w io.Writer, a *dueAnswer) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", a.Start, a.KeptThrough, instantText(a.DueFrom))
		})
		if err != nil {
			return err
		}
	}
	return nil
}
