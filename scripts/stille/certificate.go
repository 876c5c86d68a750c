package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"stille/shared/certificate"
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
	return show(s, evidence, nil, func(w io.Writer, a *operator.Evidence) {
		for _, file := range a.Files {
			fmt.Fprintln(w, file)
		}
		fmt.Fprintf(w, "%s: %d before it\n", filepath.Join(c.Out, certificate.BeforeFolder), a.Before)
		if a.After > 0 {
			fmt.Fprintf(w, "%s: %d others\n", filepath.Join(c.Out, certificate.AfterFolder), a.After)
		}
		next(w, "stille certificate verify "+c.Out)
	})
}

type certificateVerify struct {
	Dir         string   `arg:"" help:"Folder that 'stille certificate get' wrote."`
	Fingerprint []string `sep:"none" placeholder:"SHA256" help:"Trust only the public key with this fingerprint: 64 hexadecimal digits, with or without colons. Repeatable, because the key of a class may have been rotated."`
}

func (c certificateVerify) Run(s *session) error {
	answer, err := files.VerifyCertificate(c.Dir, c.Fingerprint)
	return show(s, answer, err, func(w io.Writer, a *files.Verification) {
		for _, checked := range a.Checked {
			fmt.Fprintln(w, "ok  ", checked)
		}
		says, n := a.Certificate, a.Certificate.Counts
		fmt.Fprintf(w, "\n%s: the purge %s of %s at %s deleted %d of %d due records (%d held, %d changed, %d failed, %d left)\n", says.Outcome,
			says.Run, says.Class, instantText(says.Cutoff), n.Deleted, n.Due, n.Held, n.Changed, n.Failed, n.Left)
	})
}
