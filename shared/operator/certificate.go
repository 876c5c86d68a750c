package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"stille/shared/certificate"
	"stille/shared/purge"
)

// Certificates is the evidence bucket.
type Certificates interface {
	// Load's error wraps certificate.ErrNone where the run has no certificate.
	Load(ctx context.Context, class, run string) (certificate.Signed, error)
	// LoadList returns the list of a shard.
	LoadList(ctx context.Context, class, run, shard string) ([]byte, error)
	// PublicKeys returns the keys that certificates may be signed with (PEM).
	PublicKeys(ctx context.Context) ([][]byte, error)
	// Report returns the report of an audit.
	Report(ctx context.Context, class, run string) ([]byte, error)
	// Runs returns the runs of a class that have files in the bucket.
	Runs(ctx context.Context, class string) ([]string, error)
}

// Evidence is the certificate of a run with all that its verification needs.
type Evidence struct {
	Run    string             `json:"run"`
	Class  string             `json:"class"`
	Files  []string           `json:"files"`  // where the caller wrote them
	Before int                `json:"before"` // how many certificates of the class precede it
	After  int                `json:"after"`  // how many others the class has
	Bundle certificate.Bundle `json:"-"`
}

// FetchCertificate fetches the certificate of a run, also of a run that the table of
// runs lost when it was set back.
func (o *Operator) FetchCertificate(ctx context.Context, id string) (*Evidence, error) {
	files, err := o.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	run, err := o.findRun(ctx, id)
	lost := errors.Is(err, purge.ErrNoRun)
	if lost {
		run, err = o.findLost(ctx, files, id, err)
	}
	if err != nil {
		return nil, err
	}
	if !lost && !run.Certified() {
		return nil, fmt.Errorf("%w yet; `stille purge show %s` says how the run stands", certificate.ErrNone, run.ID)
	}
	var b certificate.Bundle
	if b.Signed, err = files.Load(ctx, run.Class, run.ID); err != nil {
		return nil, err
	}
	b.Lists = func(shard string) ([]byte, error) { return files.LoadList(ctx, run.Class, run.ID, shard) }
	if !lost && certificate.Hash(b.JSON) != run.Certificate {
		return nil, fmt.Errorf("%w: the certificate in the bucket is not the certificate that the table of runs names", certificate.ErrInvalid)
	}
	if b.Keys, err = files.PublicKeys(ctx); err != nil {
		return nil, err
	}
	key := slices.IndexFunc(b.Keys, b.IsSignedBy)
	if key < 0 {
		return nil, fmt.Errorf("%w: no key in the bucket made its signature", certificate.ErrInvalid)
	}
	b.PublicKey = b.Keys[key]
	all, err := o.allCertificates(ctx, files, run.Class)
	if err != nil {
		return nil, err
	}
	class := make([]certificate.Signed, len(all))
	for i, c := range all {
		class[i] = c.Signed
	}
	if b.Before, err = certificate.Before(class, b.Signed); err != nil {
		return nil, err
	}
	b.After = certificate.After(class, b.Before, b.Signed)
	return &Evidence{Run: run.ID, Class: run.Class, Before: len(b.Before), After: len(b.After), Bundle: b}, nil
}

// findLost finds a run that only the bucket knows. Without it the error is unknown.
func (o *Operator) findLost(ctx context.Context, files Certificates, id string, unknown error) (purge.Run, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return purge.Run{}, err
	}
	for _, class := range policy.Classes {
		stored, err := files.Runs(ctx, class.Name)
		if err != nil {
			return purge.Run{}, err
		}
		if slices.Contains(stored, id) {
			return purge.Run{Class: class.Name, ID: id}, nil
		}
	}
	return purge.Run{}, unknown
}

// issued is a certificate as stored, with its unverified content.
type issued struct {
	certificate.Signed
	certificate.Certificate
}

// allCertificates fetches every certificate of a class that lies in the bucket,
// whether the table of runs knows it or not. What lies there of a run without a
// certificate is not issued.
func (o *Operator) allCertificates(ctx context.Context, files Certificates, class string) ([]issued, error) {
	stored, err := files.Runs(ctx, class)
	if err != nil {
		return nil, err
	}
	known, err := o.Runs.List(ctx, class)
	if err != nil {
		return nil, err
	}
	isKnown, runs := map[string]bool{}, []string{}
	for _, run := range known {
		if isKnown[run.ID] = true; run.Certified() {
			runs = append(runs, run.ID)
		}
	}
	certified := len(runs)
	runs = append(runs, slices.DeleteFunc(stored, func(id string) bool { return isKnown[id] })...)
	signed, err := purge.LoadCertificates(ctx, files.Load, class, runs)
	if err != nil {
		return nil, err
	}
	var all []issued
	for i, run := range runs {
		c := issued{Signed: signed[i]}
		switch {
		case c.JSON == nil && i >= certified: // it has other files only
			continue
		case c.JSON == nil:
			return nil, aboutCertificate(run, certificate.ErrNone)
		}
		if err := json.Unmarshal(c.JSON, &c.Certificate); err != nil {
			return nil, aboutCertificate(run, fmt.Errorf("%w: it cannot be read: %w", certificate.ErrInvalid, err))
		}
		all = append(all, c)
	}
	return all, nil
}

func aboutCertificate(run string, err error) error {
	return fmt.Errorf("the certificate of the run %s: %w", run, err)
}
