package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"stille/shared/certificate"
	"stille/shared/evidence"
	"stille/shared/schema"
)

type certificateCmd struct {
	Get    certificateGet    `cmd:"" help:"Fetch the certificate of a run."`
	Verify certificateVerify `cmd:"" help:"Verify a fetched certificate, offline."`
}

// The files of a certificate, as they are in the evidence bucket.
const (
	certificateFile = "certificate.json"
	signatureFile   = "certificate.sig"
	keysFile        = "keys.txt"
	publicKeyFile   = "public-key.pem"
)

type certificateGet struct {
	ID  string `arg:"" name:"run" help:"The run: the execution's name, as 'stille purge show' lists it."`
	Out string `required:"" placeholder:"DIR" help:"Folder to put the files into; it is made where it is not there."`
}

// Help names the files.
func (certificateGet) Help() string {
	return `Writes certificate.json, certificate.sig, keys.txt (one HMAC a deleted record) and public-key.pem.

    $ stille certificate get 0b9c2f6e-1c1d-4a53-9d8b-2f6a3e0d7c11 --out proof
    $ stille certificate verify proof`
}

type getAnswer struct {
	Run   string   `json:"run"`
	Class string   `json:"class"`
	Files []string `json:"files"`
	dir   string
}

func (a getAnswer) text(w io.Writer) {
	for _, file := range a.Files {
		fmt.Fprintln(w, file)
	}
	fmt.Fprintf(w, "\nnext: stille certificate verify %s\n", a.dir)
}

// Run fetches the files.
func (c certificateGet) Run(ctx context.Context, s *session) error {
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	run, err := findRun(ctx, s, sys, c.ID)
	if err != nil {
		return err
	}
	bucket, err := sys.output(ctx, schema.OutputEvidenceBucket)
	if err != nil {
		return err
	}
	certificates := evidence.NewCertificates(sys.files, bucket)
	sealed, err := certificates.Load(ctx, run.Class, run.ID)
	if errors.Is(err, evidence.ErrNoCertificate) {
		return fmt.Errorf("%w yet; `stille purge show %s` says how it stands", err, run.ID)
	}
	if err != nil {
		return err
	}
	key, err := certificates.PublicKey(ctx)
	if err != nil {
		return err
	}
	answer := getAnswer{Run: run.ID, Class: run.Class, dir: c.Out}
	if err := os.MkdirAll(c.Out, 0o750); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	for _, file := range []struct {
		name    string
		content []byte
	}{{certificateFile, sealed.JSON}, {signatureFile, sealed.Signature}, {keysFile, sealed.Keys}, {publicKeyFile, key}} {
		path := filepath.Join(c.Out, file.name)
		if err := os.WriteFile(path, file.content, 0o600); err != nil {
			return fmt.Errorf("--out: %w", err)
		}
		answer.Files = append(answer.Files, path)
	}
	return s.show(answer)
}

type certificateVerify struct {
	Dir string `arg:"" help:"Folder with the four files that 'stille certificate get' wrote."`
}

// Help says what is believed.
func (certificateVerify) Help() string {
	return `Needs no network and no stack. It believes public-key.pem: compare the fingerprint it prints with one you trust. OpenSSL alone can check the signature as well:

    $ stille certificate verify proof
    $ openssl dgst -sha256 -verify proof/public-key.pem -signature proof/certificate.sig proof/certificate.json`
}

type verifyAnswer struct {
	Valid       bool                    `json:"valid"`
	Checked     []string                `json:"checked"`
	Fingerprint string                  `json:"publicKeySHA256"`
	Certificate certificate.Certificate `json:"certificate"`
}

func (a verifyAnswer) text(w io.Writer) {
	for _, checked := range a.Checked {
		fmt.Fprintln(w, "ok  ", checked)
	}
	c := a.Certificate
	fmt.Fprintf(w, "\n%s: the purge %s of %s at %s deleted %d of %d due records (%d held, %d changed, %d failed)\n", c.Outcome,
		c.Run, c.Class, c.Cutoff.Format(time.RFC3339), c.Counts.Deleted, c.Counts.Due, c.Counts.Held, c.Counts.Changed, c.Counts.Failed)
}

// Run verifies the files against each other.
func (c certificateVerify) Run(s *session) error {
	var sealed certificate.Sealed
	var key []byte
	for name, into := range map[string]*[]byte{
		certificateFile: &sealed.JSON, signatureFile: &sealed.Signature, keysFile: &sealed.Keys, publicKeyFile: &key,
	} {
		content, err := os.ReadFile(filepath.Join(c.Dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			return usage("there is no %s in this folder; `stille certificate get RUN --out DIR` fetches all four files", name)
		}
		if err != nil {
			return fmt.Errorf("reading a certificate: %w", err)
		}
		*into = content
	}
	says, err := certificate.Verify(sealed, key)
	if err != nil {
		return err
	}
	answer := verifyAnswer{Valid: true, Fingerprint: fingerprint(key), Certificate: says}
	answer.Checked = []string{
		fmt.Sprintf("signature: %s is what the key in %s signed (SHA-256 of the key: %s)", certificateFile, publicKeyFile, answer.Fingerprint),
		fmt.Sprintf("list: %s is the list that was signed, hashed key by key to %s", keysFile, says.KeysHead),
		fmt.Sprintf("deleted: it counts %d and lists as many", says.Counts.Deleted),
	}
	if says.Outcome == certificate.Completed {
		answer.Checked = append(answer.Checked, fmt.Sprintf("counts: %d due are %d deleted, %d held, %d changed and %d failed",
			says.Counts.Due, says.Counts.Deleted, says.Counts.Held, says.Counts.Changed, says.Counts.Failed))
	}
	return s.show(answer)
}

// fingerprint is the SHA-256, in hex, of the public key in a PEM file.
func fingerprint(file []byte) string {
	block, _ := pem.Decode(file) // it was parsed before
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}
