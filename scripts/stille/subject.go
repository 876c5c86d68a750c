package main

import (
	"context"
	"errors"
	"fmt"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/files"
)

type subjects struct {
	Export   subjectExport   `cmd:"" help:"Everything that is stored about a contact, in a file (GDPR 15 and 20)."`
	Erase    subjectErase    `cmd:"" help:"Silence a contact for good, and have its records go with the next purges (GDPR 17)."`
	Restrict subjectRestrict `cmd:"" help:"Keep a contact's records from being deleted or used for marketing (GDPR 18)."`

	Unrestrict subjectUnrestrict `cmd:"" help:"End a contact's restrictions."`
	Proof      subjectProof      `cmd:"" help:"What became of each record of an erasure."`
}

// subject is the contact that a request is about, or the contacts of a file.
type subject struct {
	Channel contact.Channel `arg:"" optional:"" default:"" enum:"email,sms," help:"email or sms."`
	Address string          `arg:"" optional:"" help:"The address or number; put -- before an address that begins with a dash."`
	File    string          `check:"file" placeholder:"FILE" help:"The request is about every contact of a file: CSV or NDJSON with channel and address."`
	Out     string          `default:"." placeholder:"DIR" help:"Folder to put the receipt into; it is made if it does not exist."`
	regional
}

// Validate refuses an address that cannot be read, and a request about nobody.
func (r subject) Validate() error {
	if (r.Address == "") == (r.File == "") || r.File != "" && r.Channel != "" {
		return errors.New("say CHANNEL ADDRESS, or --file FILE")
	}
	if err := r.regional.Validate(); err != nil || r.File != "" {
		return err
	}
	return r.named().Check()
}

func (r subject) named() operator.Person {
	return operator.Person{Channel: r.Channel, Address: r.Address, Region: r.Region}
}

// each makes the request for each contact. A file is read whole first. A contact
// whose request fails does not stop the others.
func (r subject) each(ctx context.Context, request func(operator.Person) error) error {
	if r.File == "" {
		return request(r.named())
	}
	rows, err := files.ReadKept(r.File, r.Region)
	var people []operator.Person
	if err == nil {
		people, err = operator.PeopleOf(rows)
	}
	if err != nil {
		return fmt.Errorf("--file: %w", err)
	}
	var failed []error
	for i, person := range people {
		if ctx.Err() != nil {
			return operator.ErrInterrupted
		}
		if err := request(person); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", rows[i].Where, err))
		}
	}
	return errors.Join(failed...)
}

// met makes a request, keeps its receipt in a folder and shows its answer.
func met[T any, R interface {
	*T
	Own() *operator.Receipt
}](s *session, section, folder string, request func(operator.Person) (*T, error)) func(operator.Person) error {
	return func(p operator.Person) error {
		answer, err := request(p)
		if answer != nil {
			err = errors.Join(err, files.WriteReceipt(folder, R(answer)))
		}
		return show(s, section, answer, err)
	}
}

type subjectExport struct{ subject }

func (e subjectExport) Run(ctx context.Context, s *session, o *operator.Operator) error {
	return e.each(ctx, func(p operator.Person) error {
		answer, content, err := o.ExportSubject(ctx, p)
		if answer == nil {
			return err
		}
		if err := files.WriteExport(e.Out, answer, content); err != nil {
			return err
		}
		return show(s, "subject export", answer, err)
	})
}

type subjectErase struct {
	subject
	Case string `check:"reference" placeholder:"REF" help:"Where the request is written down: 1 to 64 characters of A-Za-z0-9._:/-"`
}

func (e subjectErase) Run(ctx context.Context, s *session, o *operator.Operator) error {
	request := func(p operator.Person) (*operator.Erased, error) { return o.Erase(ctx, p, e.Case) }
	return e.each(ctx, met(s, "subject erase", e.Out, request))
}

type subjectRestrict struct {
	subject
	Case   string `check:"reference" required:"" placeholder:"ID" help:"The case: 1 to 64 characters of A-Za-z0-9._:/-"`
	Reason string `check:"reference" default:"art-18" placeholder:"R" help:"Why, in a word or a reference of the same characters; art-18, as in GDPR, where it is left out."`
}

func (r subjectRestrict) Run(ctx context.Context, s *session, o *operator.Operator) error {
	request := func(p operator.Person) (*operator.Restricted, error) { return o.Restrict(ctx, p, r.Case, r.Reason) }
	return r.each(ctx, met(s, "subject restrict", r.Out, request))
}

type subjectUnrestrict struct {
	subject
	Case string `check:"reference" placeholder:"ID" help:"End the restriction of this case alone."`
}

func (r subjectUnrestrict) Run(ctx context.Context, s *session, o *operator.Operator) error {
	request := func(p operator.Person) (*operator.Unrestricted, error) { return o.Unrestrict(ctx, p, r.Case) }
	return r.each(ctx, met(s, "subject unrestrict", r.Out, request))
}

type subjectProof struct {
	Receipt string          `arg:"" help:"The file that the erasure left."`
	erased  operator.Erased // what the file says
}

// Validate reads the file.
func (p *subjectProof) Validate() error {
	content, err := files.Read(p.Receipt)
	if err == nil {
		p.erased, err = operator.ReadErasure(content)
	}
	if err != nil {
		return fmt.Errorf("<receipt>: %w", err)
	}
	return nil
}

func (p *subjectProof) Run(ctx context.Context, s *session, o *operator.Operator) error {
	answer, err := o.ProveErasure(ctx, p.erased)
	err = show(s, "subject proof", answer, err)
	return verdict(answer != nil && answer.Waiting == 0, err)
}
