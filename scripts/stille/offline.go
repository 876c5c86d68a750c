package main

// The commands that need no stack. All but the last read texts: from the arguments,
// or one a line from standard input.

import (
	"path/filepath"
	"strings"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/sms/keyword"
)

type due struct {
	Keep    period `required:"" placeholder:"P6M" help:"How long the record is kept: PnY, PnM or PnD."`
	Minimum period `placeholder:"P5Y" help:"How long a law keeps the record, the class's minimum: prints the last day of that time too."`
	Zone    zone   `default:"Europe/Oslo" help:"Whose dates count."`
	Start   words  `arg:"" optional:"" help:"When the record started: a time like 2024-08-31T10:00:00Z, or a date in the zone. Standard input, one a line, if none is given."`
}

// Run answers for every start, and stops at the first start that it cannot read.
func (d due) Run(s *session) error {
	n := 0
	return s.each(d.Start, func(text string) error {
		n++
		given := strings.TrimRight(text, "\r")
		if strings.TrimSpace(given) == "" && len(d.Start) == 0 {
			return nil
		}
		answer, err := operator.Due(given, d.Keep.Period, d.Minimum.Period, d.Zone.Location)
		if err != nil {
			return usage("start %d: %v", n, err)
		}
		return show(s, "due", answer, nil)
	})
}

type normalise struct {
	Channel contact.Channel `arg:"" enum:"email,sms" help:"email or sms."`
	Address words           `arg:"" optional:"" help:"Addresses or numbers. Standard input, one a line, where none is given."`
	regional
}

func (n normalise) Run(s *session) error {
	return s.each(n.Address, func(address string) error {
		answer := operator.Normalise(operator.Person{Channel: n.Channel, Address: address, Region: n.Region})
		return show(s, "normalise", answer, nil)
	})
}

type smsReply struct {
	Text words `arg:"" optional:"" help:"What somebody writes back. Standard input, one a line, where none is given."`
}

type smsReplyAnswer struct {
	Reply keyword.Verdict `json:"reply"`
}

func (r smsReply) Run(s *session) error {
	return s.each(r.Text, func(text string) error {
		return show(s, "sms-reply", &smsReplyAnswer{keyword.Read(text)}, nil)
	})
}

type policies struct {
	Check policyCheck `cmd:"" help:"Read the retention policy and name every mistake at once."`
}

type policyCheck struct {
	File string `arg:"" optional:"" help:"The policy file; the default is infra/retention.yaml, at or above the working directory."`
}

func (p policyCheck) Run(s *session) error {
	name := p.File
	if name == "" {
		var found bool
		if name, found = findUpwards(s.folder, filepath.Join("infra", names.RetentionFile)); !found {
			return usage("there is no infra/%s at or above the working directory: say `stille policy check FILE`", names.RetentionFile)
		}
	}
	text, err := files.Read(name)
	if err != nil {
		return err
	}
	answer, err := operator.CheckPolicy(text, s.now())
	if err != nil {
		err = usage("%s:\n%v", name, err)
	}
	return show(s, "policy check", answer, err)
}
