package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"stille/shared/aws/evidence"
	"stille/shared/certificate"
	"stille/shared/purge"
)

// chainFolder holds the certificates before one, each in a folder named by its
// place in the class's chain.
const chainFolder = "chain"

func chainFile(dir string, place int, name string) string {
	return filepath.Join(dir, chainFolder, fmt.Sprintf("%06d", place), name)
}

// certificatesAtOnce is how many are fetched at the same time.
const certificatesAtOnce = 16

// fetchChain returns the certificates of the class before that of the run, the
// first one first. The table knows their order, and which run each is of.
func fetchChain(ctx context.Context, sys *system, certificates *evidence.Certificates, run purge.Run, encoded []byte) ([]certificate.Signed, error) {
	if certificate.Hash(encoded) != run.Certificate {
		return nil, fmt.Errorf("%w: the bucket's is not the one that the table of runs names", certificate.ErrInvalid)
	}
	all, err := sys.runs.List(ctx, run.Class)
	if err != nil {
		return nil, err
	}
	byHash := map[string]purge.Run{}
	for _, one := range all {
		byHash[one.Certificate] = one
	}
	fetched, err := fetchSigned(ctx, certificates, all)
	if err != nil {
		return nil, err
	}
	var before []certificate.Signed
	for {
		var says certificate.Certificate
		if err := json.Unmarshal(encoded, &says); err != nil {
			return nil, fmt.Errorf("%w: it is not readable: %w", certificate.ErrInvalid, err)
		}
		if says.Previous == "" {
			slices.Reverse(before)
			return before, nil
		}
		one, known := byHash[says.Previous]
		if !known || len(before) > len(all) {
			return nil, fmt.Errorf("%w: no run of %s has the certificate before it, %s", certificate.ErrInvalid, run.Class, says.Previous)
		}
		before, encoded = append(before, fetched[one.ID]), fetched[one.ID].JSON
	}
}

// fetchSigned fetches the certificates of the runs that have one.
func fetchSigned(ctx context.Context, certificates *evidence.Certificates, runs []purge.Run) (map[string]certificate.Signed, error) {
	all := make([]certificate.Signed, len(runs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(certificatesAtOnce)
	for n, run := range runs {
		if !run.Certified() {
			continue
		}
		group.Go(func() error {
			var err error
			if all[n], err = certificates.LoadSigned(ctx, run.Class, run.ID); err != nil {
				return fmt.Errorf("the certificate of the run %s: %w", run.ID, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	fetched := map[string]certificate.Signed{}
	for n, run := range runs {
		fetched[run.ID] = all[n]
	}
	return fetched, nil
}

// writeChain writes the certificates before the one in the folder, and removes
// those behind them that an earlier call wrote.
func writeChain(dir string, before []certificate.Signed) error {
	for n, signed := range before {
		for name, content := range map[string][]byte{certificateFile: signed.JSON, signatureFile: signed.Signature} {
			if err := writeFile(chainFile(dir, n+1, name), content); err != nil {
				return err
			}
		}
	}
	for place := len(before) + 1; ; place++ {
		for _, name := range []string{certificateFile, signatureFile} {
			err := os.Remove(chainFile(dir, place, name))
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("--out: %w", err)
			}
		}
	}
}

// readChain reads what writeChain wrote: a place that is empty ends it, and the
// certificate that follows shows that one is missing.
func readChain(dir string) ([]certificate.Signed, error) {
	var before []certificate.Signed
	for place := 1; ; place++ {
		var signed certificate.Signed
		for name, into := range map[string]*[]byte{certificateFile: &signed.JSON, signatureFile: &signed.Signature} {
			content, err := os.ReadFile(chainFile(dir, place, name))
			if errors.Is(err, fs.ErrNotExist) {
				return before, nil
			}
			if err != nil {
				return nil, fmt.Errorf("reading a certificate: %w", err)
			}
			*into = content
		}
		before = append(before, signed)
	}
}
