package evidence

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/oklog/ulid/v2"

	"stille/shared/names"
	"stille/shared/purge"
)

// Manifest is the purge.Manifest in S3: a page is one object with its ids, and
// later a second object with their outcomes. A page's name is a ULID: pages
// list in the order in which they were begun, and no page replaces another,
// even if two workers share a shard.
type Manifest struct {
	s3     *s3.Client
	bucket string
	now    func() time.Time
}

// NewManifest returns the manifests in a bucket.
func NewManifest(client *s3.Client, bucket string, now func() time.Time) *Manifest {
	return &Manifest{s3: client, bucket: bucket, now: now}
}

const (
	idsSuffix      = ".ids.json"
	outcomesSuffix = ".outcomes.json"
)

func pagesPrefix(class, run, shard string) string {
	return names.ManifestPages + class + "/" + run + "/" + shard + "/"
}

// Begin stores a page's ids.
func (m *Manifest) Begin(ctx context.Context, class, run, shard string, ids []string) (string, error) {
	id, err := ulid.New(ulid.Timestamp(m.now()), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("naming a page of the manifest: %w", err)
	}
	page := pagesPrefix(class, run, shard) + id.String()
	return page, m.put(ctx, page+idsSuffix, ids)
}

// Finish stores the outcomes of a page's records.
func (m *Manifest) Finish(ctx context.Context, page string, outcomes map[string]purge.Outcome) error {
	return m.put(ctx, page+outcomesSuffix, outcomes)
}

// Pages returns the shard's pages in the order they were begun.
func (m *Manifest) Pages(ctx context.Context, class, run, shard string) ([]purge.Page, error) {
	var pages []purge.Page
	err := each(ctx, m.s3, m.bucket, pagesPrefix(class, run, shard), func(key string) error {
		content, err := get(ctx, m.s3, m.bucket, key)
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(key, idsSuffix):
			pages = append(pages, purge.Page{})
			return decode(key, content, &pages[len(pages)-1].IDs)
		case strings.HasSuffix(key, outcomesSuffix) && len(pages) > 0: // ".ids" sorts before ".outcomes"
			return decode(key, content, &pages[len(pages)-1].Outcomes)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	return pages, nil
}

func (m *Manifest) put(ctx context.Context, key string, what any) error {
	content, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("writing a manifest: %w", err)
	}
	if err := put(ctx, m.s3, m.bucket, key, content); err != nil {
		return fmt.Errorf("writing a manifest: %w", err)
	}
	return nil
}
