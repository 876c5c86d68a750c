package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
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
	if err := files.WriteBundle(c.Out, evidence.Bundle); err != nil {
		return err
	}
	for _, name := range []string{certificate.JSONFile, certificate.SignatureFile, certificate.PublicKeyFile} {
		evidence.Files = append(evidence.Files, filepath.Join(c.Out, name))
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

type verifyAnswer struct {
	Valid       bool                    `json:"valid"`
	Checked     []string                `json:"checked"`
	Fingerprint string                  `json:"publicKeySHA256"`
	Position    int                     `json:"position"` // in the class's chain; the first certificate is number 1
	Of          int                     `json:"of"`       // number of the class's certificates
	Certificate certificate.Certificate `json:"certificate"`
}

func (c certificateVerify) Run(s *session) error {
	b, err := certificate.ReadBundle(os.DirFS(c.Dir))
	var v certificate.Verified
	if err == nil {
		v, err = b.Verify(c.Fingerprint...)
	}
	var missing *fs.PathError
	if errors.As(err, &missing) && errors.Is(err, fs.ErrNotExist) {
		return usage("there is no %s in this folder; `stille certificate get RUN --out DIR` fetches all files", missing.Path)
	}
	if err != nil {
		return err
	}
	says, n := v.Certificate, v.Certificate.Counts
	answer := &verifyAnswer{Valid: true, Fingerprint: v.Fingerprint, Position: v.Position, Of: v.Of, Certificate: says, Checked: []string{
		fmt.Sprintf("signature: %s is what the key in %s signed (SHA-256 of the key: %s)", certificate.JSONFile, certificate.PublicKeyFile, v.Fingerprint),
		fmt.Sprintf("lists: each list in keys is the list that was signed (shards with deleted records: %d)", len(says.Lists)),
		fmt.Sprintf("deleted: it counts %d and lists as many", n.Deleted),
		fmt.Sprintf("chain: it is number %d of the %d certificates of %s; each is signed and names the one before it (keys: %d)", v.Position, v.Of, says.Class, v.Keys),
	}}
	if says.Outcome == certificate.Completed {
		answer.Checked = append(answer.Checked, fmt.Sprintf("counts: %d due are %d deleted, %d held, %d changed, %d failed and %d left",
			n.Due, n.Deleted, n.Held, n.Changed, n.Failed, n.Left))
	}
	return show(s, answer, nil, func(w io.Writer, a *verifyAnswer) {
		for _, checked := range a.Checked {
			fmt.Fprintln(w, "ok  ", checked)
		}
		fmt.Fprintf(w, "\n%s: the purge %s of %s at %s deleted %d of %d due records (%d held, %d changed, %d failed, %d left)\n", says.Outcome,
			says.Run, says.Class, instantText(says.Cutoff), n.Deleted, n.Due, n.Held, n.Changed, n.Failed, n.Left)
	})
}
