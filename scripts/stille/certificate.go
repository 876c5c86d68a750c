package main

import (
	"context"

	"stille/shared/operator"
	"stille/shared/operator/files"
)

type certificateCmd struct {
	Get    certificateGet    `cmd:"" help:"Fetch the certificate of a run."`
	Verify certificateVerify `cmd:"" help:"Verify a fetched certificate, offline."`
}

type certificateGet struct {
	ID  string `arg:"" name:"run" help:"The run: the execution's name, as 'stille purge show' lists it."`
	Out string `required:"" placeholder:"DIR" help:"Folder to write the files to; it is made if it does not exist."`
}

func (c certificateGet) Run(ctx context.Context, s *session, o *operator.Operator) error {
	evidence, err := o.FetchCertificate(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := files.WriteCertificate(c.Out, evidence); err != nil {
		return err
	}
	return show(s, "certificate get", evidence, nil)
}

type certificateVerify struct {
	Dir         string   `arg:"" help:"Folder that 'stille certificate get' or a drill wrote."`
	Fingerprint []string `sep:"none" placeholder:"SHA256" help:"Trust only the public key with this fingerprint: 64 hexadecimal digits, with or without colons. Repeatable, because the key of a class may have been rotated."`
}

func (c certificateVerify) Run(s *session) error {
	answer, err := files.VerifyCertificate(c.Dir, c.Fingerprint)
	return show(s, "certificate verify", answer, err)
}

type proof struct {
	Class string `arg:"" help:"A class of the retention policy."`
	ID    string `arg:"" check:"record" help:"The record's id."`
}

func (p proof) Run(ctx context.Context, s *session, o *operator.Operator) error {
	proof, err := o.Prove(ctx, p.Class, p.ID)
	err = show(s, "proof", proof, err)
	return verdict(proof != nil && proof.Fate != operator.FateUnknown, err)
}
