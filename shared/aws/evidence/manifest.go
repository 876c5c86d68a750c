package evidence

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"stille/shared/names"
	"stille/shared/purge"
)

// Manifest is the purge.Manifest in S3: an object that says that the manifest is
// open, and for each page an object with its ids, and later a second object with
// their outcomes. A page's name is a ULID: pages
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

// removedAtOnce is how many objects one request deletes.
const removedAtOnce = 1000

// readAtOnce is how many files of a shard's manifest are read at the same time.
const readAtOnce = 16

const (
	idsSuffix      = ".ids.json"
	outcomesSuffix = ".outcomes.json"
	openedFile     = "opened.json"
)

func manifestPrefix(class, run string) string {
	return names.ManifestPages + class + "/" + run + "/"
}

func pagesPrefix(class, run, shard string) string {
	return manifestPrefix(class, run) + shard + "/"
}

// Open begins the manifest of a run.
func (m *Manifest) Open(ctx context.Context, class, run string) error {
	return m.put(ctx, manifestPrefix(class, run)+openedFile, m.now().UTC())
}

// Opened reports whether the manifest of a run was opened and not removed.
func (m *Manifest) Opened(ctx context.Context, class, run string) (bool, error) {
	_, err := get(ctx, m.s3, m.bucket, manifestPrefix(class, run)+openedFile, "")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Remove removes everything of the manifest of a run.
func (m *Manifest) Remove(ctx context.Context, class, run string) error {
	var keys []s3types.ObjectIdentifier
	err := each(ctx, m.s3, m.bucket, manifestPrefix(class, run), func(key string) error {
		keys = append(keys, s3types.ObjectIdentifier{Key: &key})
		return nil
	})
	if err != nil {
		return fmt.Errorf("removing a manifest: %w", err)
	}
	for some := range slices.Chunk(keys, removedAtOnce) {
		out, err := m.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: &m.bucket, Delete: &s3types.Delete{Objects: some, Quiet: aws.Bool(true)},
		})
		if err == nil && len(out.Errors) > 0 {
			err = errors.New(aws.ToString(out.Errors[0].Code))
		}
		if err != nil {
			return fmt.Errorf("removing a manifest: %w", err)
		}
	}
	return nil
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
	var pages []*purge.Page
	begun := "" // the last page
	group, inGroup := errgroup.WithContext(ctx)
	group.SetLimit(readAtOnce)
	read := func(key string, into any) {
		group.Go(func() error {
			content, err := get(inGroup, m.s3, m.bucket, key, "")
			if err != nil {
				return err
			}
			return decode(key, content, into)
		})
	}
	err := each(ctx, m.s3, m.bucket, pagesPrefix(class, run, shard), func(key string) error {
		switch {
		case strings.HasSuffix(key, idsSuffix):
			pages, begun = append(pages, &purge.Page{}), strings.TrimSuffix(key, idsSuffix)
			read(key, &pages[len(pages)-1].IDs)
		case strings.TrimSuffix(key, outcomesSuffix) != begun: // ".ids" sorts before ".outcomes"
			return purge.ErrManifestGone
		default:
			read(key, &pages[len(pages)-1].Outcomes)
		}
		return nil
	})
	if failed := group.Wait(); err == nil {
		err = failed
	}
	if err != nil {
		return nil, fmt.Errorf("reading a manifest: %w", err)
	}
	all := make([]purge.Page, len(pages))
	for n, page := range pages {
		all[n] = *page
	}
	return all, nil
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
