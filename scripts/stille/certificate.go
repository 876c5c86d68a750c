package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stille/shared/aws/evidence"
	"stille/shared/certificate"
	"stille/shared/names"
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
	return `Writes certificate.json, certificate.sig, keys.txt (one HMAC a deleted record), public-key.pem, and in chain/ the certificates of the class before it, from its first one on, so that all can be verified without the stack.

    $ stille certificate get 0b9c2f6e-1c1d-4a53-9d8b-2f6a3e0d7c11 --out proof
    $ stille certificate verify proof`
}

type getAnswer struct {
	Run    string   `json:"run"`
	Class  string   `json:"class"`
	Files  []string `json:"files"`
	Before int      `json:"before"` // certificates of the class before it, in chain/
	dir    string
}

func (a getAnswer) text(w io.Writer) {
	for _, file := range a.Files {
		fmt.Fprintln(w, file)
	}
	fmt.Fprintf(w, "%s: %d before it\n", filepath.Join(a.dir, chainFolder), a.Before)
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
	certificates, err := sys.certificates(ctx)
	if err != nil {
		return err
	}
	if !run.Certified() {
		return fmt.Errorf("%w yet; `stille purge show %s` says how it stands", evidence.ErrNoCertificate, run.ID)
	}
	sealed, err := certificates.Load(ctx, run.Class, run.ID)
	if err != nil {
		return err
	}
	before, err := fetchChain(ctx, sys, certificates, run, sealed.JSON)
	if err != nil {
		return err
	}
	key, err := certificates.PublicKey(ctx)
	if err != nil {
		return err
	}
	answer := getAnswer{Run: run.ID, Class: run.Class, Before: len(before), dir: c.Out}
	for _, file := range []struct {
		name    string
		content []byte
	}{{certificateFile, sealed.JSON}, {signatureFile, sealed.Signature}, {keysFile, sealed.Keys}, {publicKeyFile, key}} {
		path := filepath.Join(c.Out, file.name)
		if err := writeFile(path, file.content); err != nil {
			return err
		}
		answer.Files = append(answer.Files, path)
	}
	if err := writeChain(c.Out, before); err != nil {
		return err
	}
	return s.show(answer)
}

// certificates are those of the stack.
func (s *system) certificates(ctx context.Context) (*evidence.Certificates, error) {
	bucket, err := s.output(ctx, names.OutputEvidenceBucket)
	if err != nil {
		return nil, err
	}
	return evidence.NewCertificates(s.files, bucket), nil
}

// writeFile writes a file and the folder it is in.
func writeFile(path string, content []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}

type certificateVerify struct {
	Dir         string `arg:"" help:"Folder that 'stille certificate get' wrote."`
	Fingerprint string `placeholder:"SHA256" help:"Fail unless the public key has this fingerprint: 64 hexadecimal digits, with or without colons."`
}

// Help says what is believed.
func (certificateVerify) Help() string {
	return `Needs no network and no stack. It checks the signature, the list, the counts and the chain of the class's certificates from the first one on; it cannot see one that came later. It believes public-key.pem: give the fingerprint of a key you trust, or compare the one it prints with that of the key in KMS. OpenSSL alone can check the signature as well:

    $ stille certificate verify proof
    $ openssl dgst -sha256 -verify proof/public-key.pem -signature proof/certificate.sig proof/certificate.json
    $ aws kms get-public-key --key-id alias/stille-certificates --query PublicKey --output text | base64 -d | sha256sum`
}

type verifyAnswer struct {
	Valid       bool                    `json:"valid"`
	Checked     []string                `json:"checked"`
	Fingerprint string                  `json:"publicKeySHA256"`
	Position    int                     `json:"position"` // in the class's chain; its first certificate is 1
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
			return usage("there is no %s in this folder; `stille certificate get RUN --out DIR` fetches all files", name)
		}
		if err != nil {
			return fmt.Errorf("reading a certificate: %w", err)
		}
		*into = content
	}
	fingerprint, err := certificate.Fingerprint(key)
	if err != nil {
		return err
	}
	trusted := strings.ReplaceAll(c.Fingerprint, ":", "")
	if trusted != "" && !strings.EqualFold(trusted, fingerprint) {
		return fmt.Errorf("%w: the key in %s is another: its fingerprint is %s", certificate.ErrInvalid, publicKeyFile, fingerprint)
	}
	says, err := certificate.Verify(sealed, key)
	if err != nil {
		return err
	}
	before, err := readChain(c.Dir)
	if err != nil {
		return err
	}
	if err := certificate.Chain(before, sealed.Signed, key); err != nil {
		return err
	}
	answer := verifyAnswer{Valid: true, Fingerprint: fingerprint, Position: len(before) + 1, Certificate: says}
	answer.Checked = []string{
		fmt.Sprintf("signature: %s is what the key in %s signed (SHA-256 of the key: %s)", certificateFile, publicKeyFile, fingerprint),
		fmt.Sprintf("list: %s is the list that was signed, hashed key by key to %s", keysFile, says.KeysHead),
		fmt.Sprintf("deleted: it counts %d and lists as many", says.Counts.Deleted),
		fmt.Sprintf("chain: it is number %d of %s, and each is signed and names the one before it", answer.Position, says.Class),
	}
	if says.Outcome == certificate.Completed {
		answer.Checked = append(answer.Checked, fmt.Sprintf("counts: %d due are %d deleted, %d held, %d changed and %d failed",
			says.Counts.Due, says.Counts.Deleted, says.Counts.Held, says.Counts.Changed, says.Counts.Failed))
	}
	return s.show(answer)
}
