package main

// The commands that need no stack and read texts: from the arguments, or one a
// line from standard input.

import (
	"fmt"
	"io"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/sms/keyword"
)

type due struct {
	Keep  period `required:"" placeholder:"P6M" help:"How long the record is kept: PnY, PnM or PnD."`
	Zone  zone   `default:"Europe/Oslo" help:"Whose dates count."`
	Start words  `arg:"" optional:"" help:"When the record started: a time like 2024-08-31T10:00:00Z, or a date in the zone. Standard input, one a line, if none is given."`
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

type normalise struct {
	Channel contact.Channel `arg:"" enum:"email,sms" help:"email or sms."`
	Region  string          `placeholder:"NO" help:"Country, two letters, of numbers without + or 00."`
	Address words           `arg:"" optional:"" help:"Addresses or numbers. Standard input, one a line, where none is given."`
}

type normaliseAnswer struct {
	OK         bool   `json:"ok"`
	Normalised string `json:"normalised,omitempty"`
	Why        string `json:"why,omitempty"`
}

func (n normalise) Run(s *session) error {
	for address, err := range s.lines(n.Address) {
		if err != nil {
			return err
		}
		answer := normaliseAnswer{}
		c, invalid := contact.Normalise(n.Channel, address, n.Region)
		if invalid != nil {
			answer.Why = operator.WhyInvalid(invalid)
		} else {
			answer.OK, answer.Normalised = true, c.Address()
		}
		err = show(s, &answer, nil, func(w io.Writer, a *normaliseAnswer) {
			if a.OK {
				fmt.Fprintln(w, "ok", a.Normalised)
				return
			}
			fmt.Fprintln(w, "invalid", a.Why)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type smsReply struct {
	Text words `arg:"" optional:"" help:"What somebody writes back. Standard input, one a line, where none is given."`
}

type smsReplyAnswer struct {
	Reply keyword.Verdict `json:"reply"`
}

func (r smsReply) Run(s *session) error {
	for text, err := range s.lines(r.Text) {
		if err != nil {
			return err
		}
		answer := &smsReplyAnswer{keyword.Read(text)}
		if err := show(s, answer, nil, func(w io.Writer, a *smsReplyAnswer) { fmt.Fprintln(w, a.Reply) }); err != nil {
			return err
		}
	}
	return nil
}
