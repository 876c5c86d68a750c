// Package objects deletes S3 objects that belong to records. It promises that a
// deleted object had no version and no delete marker left when S3 was last
// asked. It never lifts a lock. Its errors carry no key, because a key may tell
// something about a person.
package objects

import (
	"context"
	"errors"
	"fmt"
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

// Delete deletes every version and delete marker of an object, and asks again
// until S3 lists none. A missing object counts as deleted. The error wraps
// ErrUndeletable, or is the context's.
func (d *Deleter) Delete(ctx context.Context, object retention.Object) error {
	var before []types.ObjectIdentifier
	for {
		versions, err := d.versions(ctx, object)
		if err != nil {
			return undeletable(ctx, err)
		}
		if len(versions) == 0 {
			return nil
		}
		if slices.ContainsFunc(before, func(v types.ObjectIdentifier) bool {
			return aws.ToString(v.VersionId) == aws.ToString(versions[0].VersionId)
		}) {
			return fmt.Errorf("%w: S3 reports it deleted and still lists it", ErrUndeletable)
		}
		if err := d.delete(ctx, object.Bucket, versions); err != nil {
			return err
		}
		before = versions
	}
}

// versions lists the object's first versions and delete markers, as many as one
// request deletes. S3 lists them before those of every other key with this
// prefix, so after a deletion the remaining ones come first.
func (d *Deleter) versions(ctx context.Context, object retention.Object) ([]types.ObjectIdentifier, error) {
	page, err := d.s3.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &object.Bucket, Prefix: &object.Key})
	if err != nil {
		return nil, err
	}
	return versionsIn(page, object), nil
}

// Count returns the number of versions and delete markers of an object. The error
// wraps ErrUndeletable, or is the context's.
func (d *Deleter) Count(ctx context.Context, object retention.Object) (int, error) {
	count := 0
	pages := s3.NewListObjectVersionsPaginator(d.s3, &s3.ListObjectVersionsInput{Bucket: &object.Bucket, Prefix: &object.Key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return 0, undeletable(ctx, err)
		}
		found := len(versionsIn(page, object))
		count += found
		if found < len(page.Versions)+len(page.DeleteMarkers) {
			break // the other keys with this prefix come last
		}
	}
	return count, nil
}

// versionsIn are the object's versions and delete markers in a page of S3's list.
func versionsIn(page *s3.ListObjectVersionsOutput, object retention.Object) []types.ObjectIdentifier {
	var versions []types.ObjectIdentifier
	add := func(key, version *string) {
		if aws.ToString(key) == object.Key {
			versions = append(versions, types.ObjectIdentifier{Key: key, VersionId: version})
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
func (d *Deleter) delete(ctx context.Context, bucket string, versions []types.ObjectIdentifier) error {
	out, err := d.s3.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &bucket, Delete: &types.Delete{Objects: versions, Quiet: aws.Bool(true)},
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
