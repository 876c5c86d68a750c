// Package objects deletes S3 objects that belong to records. It promises that a
// deleted object had no version and no delete marker left when S3 was last
// asked. It never lifts a lock. Its errors carry no key, because a key may tell
// something about a person.
package objects

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"stille/shared/retention"
)

// ErrUndeletable means that S3 did not delete an object: for example, the
// object is locked, or S3 did not answer.
var ErrUndeletable = errors.New("an object cannot be deleted")

// Versions is the part of S3 that Deleter needs.
type Versions interface {
	ListObjectVersions(context.Context, *s3.ListObjectVersionsInput, ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error)
	DeleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error)
}

// Deleter deletes objects with all their versions.
type Deleter struct{ s3 Versions }

// NewDeleter returns a deleter of objects.
func NewDeleter(client Versions) *Deleter { return &Deleter{client} }

// Delete deletes versions and delete markers of an object, by their ids. It succeeds
// only if S3 lists no other version afterwards. The error wraps ErrUndeletable, or is
// the context's.
func (d *Deleter) Delete(ctx context.Context, object retention.Object, versions []string) error {
	for some := range slices.Chunk(versions, mostDeletes) {
		if err := d.delete(ctx, object, some); err != nil {
			return err
		}
	}
	for version, err := range d.Versions(ctx, object) {
		switch {
		case err != nil:
			return err
		case slices.Contains(versions, version):
			return fmt.Errorf("%w: S3 reports it deleted and still lists it", ErrUndeletable)
		}
		return fmt.Errorf("%w: it has further versions", ErrUndeletable)
	}
	return nil
}

// mostDeletes is how many versions S3 deletes in one request.
const mostDeletes = 1000

// Versions yields the ids of the versions and delete markers of an object; none for a
// missing object. It ends with the first error, which wraps ErrUndeletable, or is the
// context's.
func (d *Deleter) Versions(ctx context.Context, object retention.Object) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		pages := s3.NewListObjectVersionsPaginator(d.s3, &s3.ListObjectVersionsInput{Bucket: &object.Bucket, Prefix: &object.Key})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield("", undeletable(ctx, err))
				return
			}
			found := versionsIn(page, object)
			for _, version := range found {
				if !yield(version, nil) {
					return
				}
			}
			if len(found) < len(page.Versions)+len(page.DeleteMarkers) {
				return // the other keys with this prefix come last
			}
		}
	}
}

// versionsIn are the object's versions and delete markers in a page of S3's list.
func versionsIn(page *s3.ListObjectVersionsOutput, object retention.Object) []string {
	var versions []string
	add := func(key, version *string) {
		if aws.ToString(key) == object.Key {
			versions = append(versions, aws.ToString(version))
		}
	}
	for _, v := range page.Versions {
		add(v.Key, v.VersionId)
	}
	for _, m := range page.DeleteMarkers {
		add(m.Key, m.VersionId)
	}
	return versions
}

// delete deletes versions. S3 answers 200 even if it deleted some, or none.
func (d *Deleter) delete(ctx context.Context, object retention.Object, versions []string) error {
	all := make([]types.ObjectIdentifier, len(versions))
	for i := range versions {
		all[i] = types.ObjectIdentifier{Key: &object.Key, VersionId: &versions[i]}
	}
	out, err := d.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &object.Bucket, Delete: &types.Delete{Objects: all, Quiet: aws.Bool(true)},
	})
	switch {
	case err != nil:
		return undeletable(ctx, err)
	case len(out.Errors) > 0:
		return fmt.Errorf("%w: %s", ErrUndeletable, aws.ToString(out.Errors[0].Code))
	}
	return nil
}

// undeletable names the failure by S3's code alone: the rest of an error may
// hold the requested address, and with it the key.
func undeletable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: %s", ErrUndeletable, refused.ErrorCode())
	}
	return fmt.Errorf("%w: S3 does not answer", ErrUndeletable)
}
