package purge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stille/shared/certificate"
	"stille/shared/retention"
)

// Signer signs a SHA-256 digest (DER, ECDSA P-256).
type Signer interface {
	Sign(ctx context.Context, digest []byte) ([]byte, error)
}

// Certificates keeps the three files of a run's certificate.
type Certificates interface {
	Store(ctx context.Context, class, run string, sealed certificate.Sealed) error
}

// Certifier ends a run.
type Certifier struct {
	Runs         Chain
	Signer       Signer
	Certificates Certificates
	CodeVersion  string
}

// chainAttempts is how often a certificate is made again because another run
// of the class was certified in between.
const chainAttempts = 5

// Certify seals the run's certificate, stores it and makes it the newest of
// the class's chain. A run that has one keeps it.
func (c Certifier) Certify(ctx context.Context, class retention.Class, run Run, outcome certificate.Outcome, account Account, endedAt time.Time) (Run, error) {
	proof := ""
	if outcome == certificate.Completed {
		proof = certificate.ProofIndex
		if run.Audit {
			proof = certificate.ProofScan
		}
	}
	run.Outcome, run.Counts, run.EndedAt = outcome, account.Counts, endedAt.UTC()
	for range chainAttempts {
		// A repeated step may find that the one before it came to its end after all.
		before, err := c.Runs.Get(ctx, class.Name, run.ID)
		if err == nil && before.Certified() {
			return before, nil
		}
		if err != nil && !errors.Is(err, ErrNoRun) {
			return run, err
		}
		previous, err := c.Runs.Head(ctx, class.Name)
		if err != nil {
			return run, err
		}
		sealed, err := certificate.Seal(certificate.Certificate{
			Run: run.ID, Class: class.Name, Outcome: outcome, PlanHash: run.PlanHash, PolicyHash: run.PolicyHash,
			ApprovedBy: run.ApprovedBy, Cutoff: run.Cutoff, StartedAt: run.StartedAt, EndedAt: run.EndedAt, Counts: account.Counts,
			Proof: proof, Previous: previous, CodeVersion: c.CodeVersion,
			BackupGoneOn: retention.BackupGoneOn(run.EndedAt).String(),
			TZData:       retention.Fingerprint(class.Location()),
		}, account.Keys, func(digest []byte) ([]byte, error) { return c.Signer.Sign(ctx, digest) })
		if err != nil {
			return run, err
		}
		if err := c.Certificates.Store(ctx, class.Name, run.ID, sealed); err != nil {
			return run, err
		}
		run.Certificate = certificate.Hash(sealed.JSON)
		err = c.Runs.Certify(ctx, run, previous)
		if !errors.Is(err, ErrChainMoved) {
			return run, err
		}
	}
	return run, fmt.Errorf("certifying a purge of %s: %w", class.Name, ErrChainMoved)
}
