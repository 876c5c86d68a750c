package main

import (
	"context"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/suppression"
)

type check struct {
	anyone
	Scope   string              `placeholder:"SCOPE" help:"Whose message: a brand, or a topic of it. Without it a suppression in any scope blocks, and no basis is asked for."`
	Purpose suppression.Purpose `enum:"marketing,transactional" default:"marketing" help:"marketing or transactional."`
}

func (c check) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Check(ctx, c.named(), c.Scope, c.Purpose)
	if answer != nil && answer.Why != "" {
		s.say("%s", answer.Why)
	}
	err = show(s, "check", answer, err)
	return verdict(answer != nil && answer.Send, err)
}

type add struct {
	person
	Scope  string              `placeholder:"SCOPE" help:"Whose messages stop: a brand, a topic of it, or * for all. May be left out where there is one brand."`
	Reason suppression.Reason  `enum:"${reasons}" default:"manual" help:"One of ${reasons}."`
	At     *suppression.Moment `placeholder:"TIME" help:"When the person said it; the default is now, and a time ahead is now."`
	Note   string              `check:"reference" placeholder:"REF" help:"Where the matter is written down: 1 to 64 characters of A-Za-z0-9._:/-"`
}

func (a add) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Add(ctx, a.named(), a.Scope, a.Reason, a.At, a.Note)
	return show(s, "add", answer, err)
}

type releaseCmd struct {
	person
	Scope       string             `required:"" placeholder:"SCOPE" help:"Exactly where the silence ends: a brand, a topic of it, or * for what was said for all."`
	ConsentedAt suppression.Moment `required:"" placeholder:"TIME" help:"When the person consented. A whole second means its end; up to five minutes ahead is now."`
	Evidence    string             `check:"reference" required:"" placeholder:"REF" help:"Where the consent is kept: 1 to 64 characters of A-Za-z0-9._:/-"`
	Override    bool               `help:"Lift complaints and hard bounces too: you have made sure that the person wants it, or that the address works."`
}

func (r releaseCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.Release(ctx, r.named(), r.Scope, r.ConsentedAt, r.Evidence, r.Override)
	return show(s, "release", answer, err)
}

type history struct{ person }

func (h history) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.History(ctx, h.named())
	return show(s, "history", answer, err)
}

type exportCmd struct {
	File  string `arg:"" check:"list" help:"The file to write: CSV where its name ends in .csv, NDJSON where it ends in .ndjson or .jsonl."`
	Scope string `placeholder:"SCOPE" help:"Only what stops messages of this brand or topic: said there, below it or for all brands."`
}

func (e exportCmd) Run(ctx context.Context, s *session, o *operator.Operator) error {
	shown := s.progress()
	answer, err := files.Export(ctx, o, e.File, e.Scope, func(contacts int) { shown.at(contacts, 0, "contacts") })
	shown.end()
	return show(s, "export", answer, err)
}

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
