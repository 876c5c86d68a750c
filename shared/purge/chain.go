package purge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"stille/shared/certificate"
)

// ErrChainForked means that the certificates of a class are not one chain, or that
// the head in the table of runs is not in the chain.
var ErrChainForked = errors.New("the evidence bucket and the table of runs disagree on the class's certificates: see RUNBOOK.md")

// certificatesAtOnce is how many certificates are read at the same time.
const certificatesAtOnce = 16

// end is the hash of the certificate that the run's certificate must follow: the
// head in the table of runs, or, where the bucket has certificates of runs that the
// table does not know, the end of the bucket's chain. The table was set back then.
func (c Certifier) end(ctx context.Context, run Run, head string) (string, error) {
	stored, err := c.Evidence.Runs(ctx, run.Class)
	if err != nil {
		return "", err
	}
	known, err := c.Runs.List(ctx, run.Class)
	if err != nil {
		return "", err
	}
	certified := map[string]bool{run.ID: false} // known runs, and whether each is certified
	for _, other := range known {
		certified[other.ID] = other.Certified() && other.ID != run.ID
	}
	unknown := func(id string) bool { _, is := certified[id]; return !is }
	if !slices.ContainsFunc(stored, unknown) {
		return head, nil
	}
	// A known run without a certificate will seal again what it has in the bucket.
	stored = slices.DeleteFunc(stored, func(id string) bool { return !unknown(id) && !certified[id] })
	all, err := LoadCertificates(ctx, c.Evidence.Load, run.Class, stored)
	all = slices.DeleteFunc(all, func(s certificate.Signed) bool { return s.JSON == nil })
	if err != nil || len(all) == 0 {
		return head, err
	}
	keys, err := c.Evidence.PublicKeys(ctx)
	if err != nil {
		return "", err
	}
	end, err := certificate.End(all, keys...)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrChainForked, err)
	}
	if head != "" && !slices.ContainsFunc(all, func(s certificate.Signed) bool { return certificate.Hash(s.JSON) == head }) {
		return "", ErrChainForked
	}
	return end, nil
}

// LoadCertificates reads the certificates of runs, in their order. The certificate of a
// run that has other files only is empty.
func LoadCertificates(
	ctx context.Context, load func(ctx context.Context, class, run string) (certificate.Signed, error), class string, runs []string,
) ([]certificate.Signed, error) {
	all := make([]certificate.Signed, len(runs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(certificatesAtOnce)
	for i, run := range runs {
		group.Go(func() (err error) {
			if all[i], err = load(ctx, class, run); err != nil && !errors.Is(err, certificate.ErrNone) {
				return fmt.Errorf("the certificate of the run %s: %w", run, err)
			}
			return nil
		})
	}
	return all, group.Wait()
}
