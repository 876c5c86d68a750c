package operator

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"stille/shared/certificate"
	"stille/shared/purge"
)

// Certificates is the evidence bucket.
type Certificates interface {
	// Load's error wraps certificate.ErrNone where the run has no certificate.
	Load(ctx context.Context, class, run string) (certificate.Signed, error)
	// LoadList returns the list of a shard.
	LoadList(ctx context.Context, class, run, shard string) ([]byte, error)
	// PublicKey's error wraps certificate.ErrNone before the first certificate.
	PublicKey(ctx context.Context) ([]byte, error)
}

// Evidence is the certificate of a run with all that its verification needs.
type Evidence struct {
	Run    string             `json:"run"`
	Class  string             `json:"class"`
	Files  []string           `json:"files"`  // where the caller wrote them
	Before int                `json:"before"` // how many certificates of the class precede it
	Bundle certificate.Bundle `json:"-"`
}

// FetchCertificate fetches the certificate of a run.
func (o *Operator) FetchCertificate(ctx context.Context, id string) (*Evidence, error) {
	run, err := o.findRun(ctx, id)
	if err != nil {
		return nil, err
	}
	if !run.Certified() {
		return nil, fmt.Errorf("%w yet; `stille purge show %s` says how the run stands", certificate.ErrNone, run.ID)
	}
	files, err := o.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	var b certificate.Bundle
	if b.Signed, err = files.Load(ctx, run.Class, run.ID); err != nil {
		return nil, err
	}
	b.Lists = func(shard string) ([]byte, error) { return files.LoadList(ctx, run.Class, run.ID, shard) }
	if certificate.Hash(b.JSON) != run.Certificate {
		return nil, fmt.Errorf("%w: the certificate in the bucket is not the one that the table of runs names", certificate.ErrInvalid)
	}
	if b.PublicKey, err = files.PublicKey(ctx); err != nil {
		return nil, err
	}
	all, err := o.allCertificates(ctx, files, run.Class)
	if err != nil {
		return nil, err
	}
	if b.Before, err = certificate.Before(all, b.Signed); err != nil {
		return nil, err
	}
	return &Evidence{Run: run.ID, Class: run.Class, Before: len(b.Before), Bundle: b}, nil
}

// certificatesAtOnce is how many certificates are fetched at the same time.
const certificatesAtOnce = 16

// allCertificates fetches the certificates of all runs of a class.
func (o *Operator) allCertificates(ctx context.Context, files Certificates, class string) ([]certificate.Signed, error) {
	runs, err := o.Runs.List(ctx, class)
	if err != nil {
		return nil, err
	}
	all := make([]certificate.Signed, len(runs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(certificatesAtOnce)
	for i, run := range runs {
		if !run.Certified() {
			continue
		}
		group.Go(func() error {
			var err error
			if all[i], err = files.Load(ctx, class, run.ID); err != nil {
				return aboutCertificate(run, err)
			}
			return nil
		})
	}
	return all, group.Wait()
}

func aboutCertificate(run purge.Run, err error) error {
	return fmt.Errorf("the certificate of the run %s: %w", run.ID, err)
}
