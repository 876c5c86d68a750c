// Package objectstest gives tests an S3 in memory that keeps the versions of
// objects, and a suite that the memory and a real S3 both pass.
package objectstest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// pageSize is how many versions S3 lists, or deletes, in one request.
const pageSize = 1000

// Memory is an S3 in memory whose buckets keep versions and take locks.
type Memory struct {
	mu      sync.Mutex
	buckets map[string]map[string][]version // bucket -> key -> versions, the newest first
	given   int                             // number of version ids given out
	before  func(operation string) error
}

type version struct {
	id     string
	marker bool // a delete marker
	held   bool // under a legal hold
}

// NewMemory returns an S3 with these buckets, all empty.
func NewMemory(buckets ...string) *Memory {
	m := &Memory{buckets: map[string]map[string][]version{}, before: func(string) error { return nil }}
	for _, bucket := range buckets {
		m.buckets[bucket] = map[string][]version{}
	}
	return m
}

// Intercept makes every operation call before with its name. If before returns
// an error, the operation returns it and does nothing.
func (m *Memory) Intercept(before func(operation string) error) { m.before = before }

// open locks the memory and returns a bucket's objects.
func (m *Memory) open(ctx context.Context, operation string, bucket *string) (objects map[string][]version, unlock func(), err error) {
	if err := m.before(operation); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	objects, ok := m.buckets[aws.ToString(bucket)]
	if !ok {
		m.mu.Unlock()
		return nil, nil, &smithy.GenericAPIError{Code: "NoSuchBucket", Message: "The specified bucket does not exist"}
	}
	return objects, m.mu.Unlock, nil
}

func (m *Memory) add(objects map[string][]version, key *string, v version) {
	m.given++
	v.id = fmt.Sprintf("version-%d", m.given)
	objects[*key] = slices.Insert(objects[*key], 0, v)
}

// PutObject adds a version.
func (m *Memory) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	objects, unlock, err := m.open(ctx, "PutObject", in.Bucket)
	if err != nil {
		return nil, err
	}
	defer unlock()
	m.add(objects, in.Key, version{held: in.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn})
	return &s3.PutObjectOutput{}, nil
}

// PutObjectLegalHold locks or unlocks the newest version.
func (m *Memory) PutObjectLegalHold(ctx context.Context, in *s3.PutObjectLegalHoldInput, _ ...func(*s3.Options)) (*s3.PutObjectLegalHoldOutput, error) {
	objects, unlock, err := m.open(ctx, "PutObjectLegalHold", in.Bucket)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if len(objects[*in.Key]) == 0 {
		return nil, &types.NoSuchKey{}
	}
	objects[*in.Key][0].held = in.LegalHold.Status == types.ObjectLockLegalHoldStatusOn
	return &s3.PutObjectLegalHoldOutput{}, nil
}

// DeleteObject adds a delete marker.
func (m *Memory) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	objects, unlock, err := m.open(ctx, "DeleteObject", in.Bucket)
	if err != nil {
		return nil, err
	}
	defer unlock()
	m.add(objects, in.Key, version{marker: true})
	return &s3.DeleteObjectOutput{}, nil
}

// ListObjectVersions lists the page after the markers under a prefix.
func (m *Memory) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	objects, unlock, err := m.open(ctx, "ListObjectVersions", in.Bucket)
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := &s3.ListObjectVersionsOutput{IsTruncated: aws.Bool(false)}
	begun := in.KeyMarker == nil
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		if !strings.HasPrefix(key, aws.ToString(in.Prefix)) {
			continue
		}
		for _, v := range objects[key] {
			switch {
			case !begun:
				begun = key == *in.KeyMarker && v.id == aws.ToString(in.VersionIdMarker)
				continue
			case len(out.Versions)+len(out.DeleteMarkers) == pageSize:
				out.IsTruncated = aws.Bool(true)
				return out, nil
			case v.marker:
				out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{Key: aws.String(key), VersionId: aws.String(v.id)})
			default:
				out.Versions = append(out.Versions, types.ObjectVersion{Key: aws.String(key), VersionId: aws.String(v.id)})
			}
			out.NextKeyMarker, out.NextVersionIdMarker = aws.String(key), aws.String(v.id)
		}
	}
	return out, nil
}

// DeleteObjects deletes versions, but no locked version. As in S3, the answer
// is 200 and lists the locked versions as errors.
func (m *Memory) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput, _ ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error) {
	objects, unlock, err := m.open(ctx, "DeleteObjects", in.Bucket)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if len(in.Delete.Objects) > pageSize {
		return nil, &smithy.GenericAPIError{Code: "MalformedXML", Message: "more than a request takes"}
	}
	out := &s3.DeleteObjectsOutput{}
	for _, o := range in.Delete.Objects {
		i := slices.IndexFunc(objects[*o.Key], func(v version) bool { return v.id == aws.ToString(o.VersionId) })
		switch {
		case i < 0:
		case objects[*o.Key][i].held:
			out.Errors = append(out.Errors, types.Error{Key: o.Key, VersionId: o.VersionId, Code: aws.String("AccessDenied"), Message: aws.String("protected by object lock")})
		default:
			objects[*o.Key] = slices.Delete(objects[*o.Key], i, i+1)
		}
	}
	return out, nil
}
