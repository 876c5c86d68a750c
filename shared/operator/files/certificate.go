package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/retention"
)

// Verification is a certificate whose folder was verified, and what was checked.
type Verification struct {
	Valid       bool                    `json:"valid"`
	Checked     []string                `json:"checked"`
	Fingerprint string                  `json:"publicKeySHA256"`
	Position    int                     `json:"position"` // in the class's chain; the first certificate is number 1
	Of          int                     `json:"of"`       // number of the class's certificates
	Certificate certificate.Certificate `json:"certificate,omitzero"`
	Drill       *operator.Drilled       `json:"drill,omitempty"` // of a drill, which is in no chain
}

// VerifyCertificate verifies the files of a folder against each other. It trusts the
// keys with the fingerprints; without any, every key in the folder.
func VerifyCertificate(folder string, fingerprints []string) (*Verification, error) {
	b, err := certificate.ReadBundle(os.DirFS(folder))
	var v certificate.Verified
	if err == nil {
		if drilled := readDrill(b.JSON); drilled != nil {
			return verifyDrill(b, drilled, fingerprints)
		}
		v, err = b.Verify(fingerprints...)
	}
	var missing *fs.PathError
	if errors.As(err, &missing) && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
		return nil, operator.Mistakef("there is no %s in this folder; `stille certificate get RUN --out DIR` fetches all files", missing.Path)
	}
	if err != nil {
		return nil, err
	}
	says, n := v.Certificate, v.Certificate.Counts
	checked := []string{
		signatureChecked(v.Fingerprint),
		fmt.Sprintf("lists: each list in keys is the list that was signed (shards with deleted records: %d)", len(says.Lists)),
		fmt.Sprintf("deleted: it counts %d and lists as many", n.Deleted),
		fmt.Sprintf("chain: it is number %d of the %d certificates of %s; each is signed and names the one before it (keys: %d)", v.Position, v.Of, says.Class, v.Keys),
	}
	if says.Outcome == certificate.Completed {
		checked = append(checked, fmt.Sprintf("counts: %d due are %d deleted, %d held, %d changed, %d failed and %d left",
			n.Due, n.Deleted, n.Held, n.Changed, n.Failed, n.Left))
	}
	return &Verification{Valid: true, Checked: checked, Fingerprint: v.Fingerprint, Position: v.Position, Of: v.Of, Certificate: says}, nil
}

func signatureChecked(fingerprint string) string {
	return fmt.Sprintf("signature: %s is what the key in %s signed (SHA-256 of the key: %s)", certificate.JSONFile, certificate.PublicKeyFile, fingerprint)
}

// readDrill reads the certificate of a drill; nil if it is none.
func readDrill(file []byte) *operator.Drilled {
	var drilled operator.Drilled
	if err := json.Unmarshal(file, &drilled); err != nil || drilled.Drill == "" {
		return nil
	}
	return &drilled
}

func verifyDrill(b certificate.Bundle, drilled *operator.Drilled, fingerprints []string) (*Verification, error) {
	signer, err := b.VerifySignature(fingerprints...)
	if err != nil {
		return nil, err
	}
	return &Verification{Valid: true, Checked: []string{signatureChecked(signer)}, Fingerprint: signer, Drill: drilled}, nil
}

// WriteDrill writes the certificate of a drill into a separate folder, and notes the
// file in the certificate.
func WriteDrill(folder string, drilled *operator.Drilled) error {
	folder = filepath.Join(folder, fmt.Sprintf("drill-%s-%s-%s", drilled.Drill, drilled.Class, drilled.StartedAt.Format(timed)))
	if err := drilled.Bundle.Each(func(name string, content []byte) error { return Write(filepath.Join(folder, name), content) }); err != nil {
		return fmt.Errorf("the drill is over, and its certificate is not written: %w", err)
	}
	drilled.File = filepath.Join(folder, certificate.JSONFile)
	return nil
}

// WriteCertificate writes the files of a certificate, in place of what an earlier
// call wrote, and notes them in it.
func WriteCertificate(dir string, e *operator.Evidence) error {
	b := e.Bundle
	for n := range retention.Shards {
		err := os.Remove(filepath.Join(dir, certificate.ListFile(retention.ShardName(n))))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("--out: %w", err)
		}
	}
	if err := b.Each(func(name string, content []byte) error { return Write(filepath.Join(dir, name), content) }); err != nil {
		return err
	}
	for folder, written := range map[string]int{certificate.BeforeFolder: len(b.Before), certificate.AfterFolder: len(b.After)} {
		if err := removeFrom(dir, folder, written+1); err != nil {
			return err
		}
	}
	for _, name := range []string{certificate.JSONFile, certificate.SignatureFile, certificate.PublicKeyFile} {
		e.Files = append(e.Files, filepath.Join(dir, name))
	}
	return nil
}

// removeFrom removes the certificates of a folder from number n on.
func removeFrom(dir, folder string, n int) error {
	for ; ; n++ {
		for _, name := range []string{certificate.JSONFile, certificate.SignatureFile} {
			err := os.Remove(filepath.Join(dir, certificate.Place(folder, n), name))
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("--out: %w", err)
			}
		}
	}
}
