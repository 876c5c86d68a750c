package evidence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/oklog/ulid/v2"
	"golang.org/x/sync/errgroup"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
)

// Manifest is the purge.Manifest in S3: an object that says that the manifest is
// open, and for each page an object with its ids, one with what its records have in
// S3, and later one with the outcomes. A page's name is a ULID: pages
// list in the order in which they were begun, and no page replaces another,
// even if two workers share a shard.
type Manifest struct {
	bucket
	now func() time.Time
}

// NewManifest returns the manifests in a bucket.
func NewManifest(client *s3.Client, name string, now func() time.Time) *Manifest {
	return &Manifest{bucket{client, name}, now}
}

// removedAtOnce is how many objects one request deletes.
const removedAtOnce = 1000

// pagesAtOnce is how many pages of a shard's manifest are read at the same time.
const pagesAtOnce = 16

const (
	idsSuffix      = ".ids.json" // sorts before the others
	objectsSuffix  = ".objects.json"
	outcomesSuffix = ".outcomes.json"
	openedFile     = "opened.json"

	writing = "writing a manifest"
)

func manifestPrefix(class, run string) string {
	return names.ManifestPages + class + "/" + run + "/"
}

func pagesPrefix(class, run, shard string) string {
	return manifestPrefix(class, run) + shard + "/"
}

// Open begins the manifest of a run.
func (m *Manifest) Open(ctx context.Context, class, run string) error {
	return m.putJSON(ctx, writing, manifestPrefix(class, run)+openedFile, m.now().UTC())
}

// Opened reports whether the manifest of a run was opened and not removed.
func (m *Manifest) Opened(ctx context.Context, class, run string) (bool, error) {
	_, err := m.get(ctx, manifestPrefix(class, run)+openedFile, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Remove removes everything of the manifests of those runs that are over.
func (m *Manifest) Remove(ctx context.Context, class string, isOver func(run string) (bool, error)) error {
	prefix, over := names.ManifestPages+class+"/", map[string]bool{}
	var keys []s3types.ObjectIdentifier
	err := m.each(ctx, prefix, func(key string) (err error) {
		run, _, _ := strings.Cut(strings.TrimPrefix(key, prefix), "/")
		if _, asked := over[run]; !asked {
			over[run], err = isOver(run)
		}
		if over[run] {
			keys = append(keys, s3types.ObjectIdentifier{Key: &key})
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("removing a manifest: %w", err)
	}
	for some := range slices.Chunk(keys, removedAtOnce) {
		out, err := m.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: &m.name, Delete: &s3types.Delete{Objects: some, Quiet: aws.Bool(true)},
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
	return page, m.putJSON(ctx, writing, page+idsSuffix, ids)
}

// NoteObjects stores what a page's records have in S3.
func (m *Manifest) NoteObjects(ctx context.Context, page string, objects map[string]certificate.Objects) error {
	return m.putJSON(ctx, writing, page+objectsSuffix, objects)
}

// Finish stores the outcomes of a page's records.
func (m *Manifest) Finish(ctx context.Context, page string, outcomes map[string]purge.Outcome) error {
	return m.putJSON(ctx, writing, page+outcomesSuffix, outcomes)
}

// Pages yields the shard's pages in the order they were begun. It reads some pages at
// the same time.
func (m *Manifest) Pages(ctx context.Context, class, run, shard string) iter.Seq2[purge.Page, error] {
	return func(yield func(purge.Page, error) bool) {
		var pages []pageFiles
		flush := func() error {
			read, err := m.read(ctx, pages)
			pages = pages[:0]
			if err != nil {
				return err
			}
			for _, page := range read {
				if !yield(page, nil) {
					return errEnough
				}
			}
			return nil
		}
		err := m.each(ctx, pagesPrefix(class, run, shard), func(key string) error {
			name, _, _ := strings.Cut(strings.TrimPrefix(key, pagesPrefix(class, run, shard)), ".")
			switch begins := strings.HasSuffix(key, idsSuffix); {
			case begins && len(pages) == pagesAtOnce:
				if err := flush(); err != nil {
					return err
				}
				fallthrough
			case begins:
				pages = append(pages, pageFiles{name: name})
			case len(pages) == 0 || pages[len(pages)-1].name != name:
				return purge.ErrManifestGone
			}
			last := &pages[len(pages)-1]
			last.keys = append(last.keys, key)
			return nil
		})
		if err == nil {
			err = flush()
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(purge.Page{}, fmt.Errorf("reading a manifest: %w", err))
		}
	}
}

// errEnough ends a list.
var errEnough = errors.New("nobody wants more")

// pageFiles are the files of a page.
type pageFiles struct {
	name string
	keys []string
}

// read reads the files of pages at the same time.
func (m *Manifest) read(ctx context.Context, files []pageFiles) ([]purge.Page, error) {
	pages := make([]purge.Page, len(files))
	group, ctx := errgroup.WithContext(ctx)
	for n, page := range files {
		for _, key := range page.keys {
			group.Go(func() error {
				switch {
				case strings.HasSuffix(key, idsSuffix):
					return m.getJSON(ctx, key, &pages[n].IDs)
				case strings.HasSuffix(key, objectsSuffix):
					return m.getJSON(ctx, key, &pages[n].Objects)
				}
				return m.getJSON(ctx, key, &pages[n].Outcomes)
			})
		}
	}
	return pages, group.Wait()
}
