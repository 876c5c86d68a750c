package main

import (
	"context"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/suppression"
)

type importCmd struct {
	File    string             `arg:"" check:"file" help:"CSV, NDJSON or JSON: a list of opt-outs."`
	Channel contact.Channel    `enum:"email,sms," default:"" help:"email or sms: of an address whose line names no channel. Without it the form of the address decides."`
	Scope   string             `placeholder:"SCOPE" help:"Whose messages stop where a line does not say: a brand, a topic of it, or * for all. May be left out where there is one brand."`
	Reason  suppression.Reason `enum:"${reasons}," default:"" placeholder:"REASON" help:"Why, where a line does not say: one of ${reasons}. The default is what a known export means, else imported."`
	Zone    zone               `placeholder:"ZONE" help:"Of times without a zone, like Europe/Oslo. The default is the policy's, or the zone of a known export."`
	DryRun  bool               `help:"Read the file, change nothing, write no file."`
	Map     []operator.Mapping `sep:"none" placeholder:"COLUMN=FIELD" help:"What a column tells: channel, address, scope, reason, since or source. May be repeated."`
	regional
	columnFlags
}

// columnFlags are the flags about the columns that name contacts.
type columnFlags struct {
	Email  []string `name:"email-column" sep:"none" placeholder:"COLUMN" help:"A column of e-mail addresses. May be repeated."`
	Phone  []string `name:"phone-column" sep:"none" placeholder:"COLUMN" help:"A column of phone numbers. May be repeated."`
	Ignore []string `name:"ignore-column" sep:"none" placeholder:"COLUMN" help:"A column that looks like addresses or numbers, and is passed over. May be repeated."`
}

func (c columnFlags) columns() operator.ColumnFlags {
	return operator.ColumnFlags{Email: c.Email, Phone: c.Phone, Ignore: c.Ignore}
}

func (c importCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	columns := c.columns()
	columns.Map = c.Map
	im, err := o.Import(ctx, operator.ImportSettings{
		Scope: c.Scope, Channel: c.Channel, Reason: c.Reason, Region: c.Region, Zone: c.Zone.Location, DryRun: c.DryRun, Columns: columns,
	})
	if err != nil {
		return err
	}
	shown := s.progress()
	answer, err := files.Import(ctx, c.File, im, func(lines, of int) {
		if shown.since.IsZero() && lines > 0 {
			s.say("going on behind row %d", lines)
		}
		shown.at(lines, of, "lines")
	})
	shown.end()
	return show(s, "import", answer, err)
}

type scrub struct {
	File    string              `arg:"" check:"file" help:"CSV with any separator, line ends and encoding, or NDJSON where its name ends in .ndjson or .jsonl."`
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Without it a suppression in any scope blocks, and no basis is asked for."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
	Channel contact.Channel     `enum:"email,sms," default:"" help:"email or sms: look at this channel's addresses only. Without it every address of a line must be one to send to."`
	regional
	columnFlags
}

func (c scrub) Run(ctx context.Context, s *session, o *operator.Operator) error {
	rules, err := o.Scrub(ctx, c.Scope, operator.Scrub{Purpose: c.Purpose, Channel: c.Channel, Region: c.Region})
	if err != nil {
		return err
	}
	shown := s.progress()
	scrubbed, err := files.Scrub(ctx, c.File, rules, c.columns(), s.now(), func(lines, of int) { shown.at(lines, of, "lines") })
	shown.end()
	return show(s, "scrub", scrubbed, err)
}
