package objectstest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/objects"
	"stille/shared/retention"
)

// S3 is what the suite needs of a client.
type S3 interface {
	objects.Versions
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	PutObjectLegalHold(context.Context, *s3.PutObjectLegalHoldInput, ...func(*s3.Options)) (*s3.PutObjectLegalHoldOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
}

// Bucket is an empty bucket of a test, with versions and locks.
type Bucket struct {
	S3   S3
	Name string
}

// Put adds a version of an object.
func (b Bucket) Put(t testing.TB, key string) { b.put(t, key, "") }

// PutLocked adds a version that nobody can delete until Unlock.
func (b Bucket) PutLocked(t testing.TB, key string) { b.put(t, key, types.ObjectLockLegalHoldStatusOn) }

func (b Bucket) put(t testing.TB, key string, lock types.ObjectLockLegalHoldStatus) {
	t.Helper()
	_, err := b.S3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &b.Name, Key: &key, Body: strings.NewReader("a letter"), ObjectLockLegalHoldStatus: lock,
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Unlock lifts the lock of the newest version.
func (b Bucket) Unlock(t testing.TB, key string) {
	t.Helper()
	_, err := b.S3.PutObjectLegalHold(t.Context(), &s3.PutObjectLegalHoldInput{
		Bucket: &b.Name, Key: &key, LegalHold: &types.ObjectLockLegalHold{Status: types.ObjectLockLegalHoldStatusOff},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Hide puts a delete marker over an object.
func (b Bucket) Hide(t testing.TB, key string) {
	t.Helper()
	if _, err := b.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &b.Name, Key: &key}); err != nil {
		t.Fatal(err)
	}
}

// Left counts the remaining versions and delete markers, by key.
func (b Bucket) Left(t testing.TB) map[string]int {
	t.Helper()
	page, err := b.S3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &b.Name})
	if err != nil {
		t.Fatal(err)
	}
	left := map[string]int{}
	for _, v := range page.Versions {
		left[aws.ToString(v.Key)]++
	}
	for _, m := range page.DeleteMarkers {
		left[aws.ToString(m.Key)]++
	}
	return left
}

// Suite checks that objects are deleted from a bucket as package objects
// promises.
func Suite(t *testing.T, b Bucket) {
	deleter := objects.NewDeleter(b.S3)
	for _, key := range []string{"letters", "letters/1.pdf", "letters/10", "letters/1/a", "other/letters/1"} {
		b.Put(t, key)
	}
	neighbours := b.Left(t)
	expect := func(t *testing.T, more map[string]int) {
		t.Helper()
		want := map[string]int{}
		for _, some := range []map[string]int{neighbours, more} {
			for key, n := range some {
				want[key] += n
			}
		}
		if diff := cmp.Diff(want, b.Left(t)); diff != "" {
			t.Errorf("what is left (-want +got):\n%s", diff)
		}
	}
	for name, prepare := range map[string]func(t *testing.T, key string){
		"one version":                     func(t *testing.T, key string) { b.Put(t, key) },
		"several versions":                func(t *testing.T, key string) { b.Put(t, key); b.Put(t, key); b.Put(t, key) },
		"a delete marker over versions":   func(t *testing.T, key string) { b.Put(t, key); b.Put(t, key); b.Hide(t, key) },
		"versions over a delete marker":   func(t *testing.T, key string) { b.Put(t, key); b.Hide(t, key); b.Put(t, key) },
		"nothing but a delete marker":     func(t *testing.T, key string) { b.Hide(t, key) },
		"nothing at all":                  func(*testing.T, string) {},
		"a lock that was lifted meantime": func(t *testing.T, key string) { b.PutLocked(t, key); b.Unlock(t, key) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"letters/1", "brev/søknad nr. 1+2 & %41?#.pdf"} {
				prepare(t, key)
				object := retention.Object{Bucket: b.Name, Key: key}
				versions, err := Versions(t, deleter, object)
				if err != nil || len(versions) != b.Left(t)[key] {
					t.Errorf("it has %d versions, error %v", len(versions), err)
				}
				if err := deleter.Delete(t.Context(), object, versions); err != nil {
					t.Error(err)
				}
			}
			expect(t, nil)
		})
	}
	t.Run("a locked version stays and is reported", func(t *testing.T) {
		b.Put(t, "letters/1")
		b.PutLocked(t, "letters/1")
		versions := b.refuses(t, deleter, b.Name)
		if left := b.Left(t)["letters/1"]; left == 0 {
			t.Error("it is gone")
		}
		b.Unlock(t, "letters/1")
		if err := deleter.Delete(t.Context(), retention.Object{Bucket: b.Name, Key: "letters/1"}, versions); err != nil {
			t.Error(err)
		}
		expect(t, nil)
	})
	t.Run("a version that was added stays and is reported", func(t *testing.T) {
		object := retention.Object{Bucket: b.Name, Key: "letters/1"}
		b.Put(t, object.Key)
		versions, err := Versions(t, deleter, object)
		if err != nil {
			t.Fatal(err)
		}
		b.Put(t, object.Key)
		if err := deleter.Delete(t.Context(), object, versions); !errors.Is(err, objects.ErrUndeletable) {
			t.Errorf("error %v", err)
		}
		expect(t, map[string]int{object.Key: 1})
		if versions, err = Versions(t, deleter, object); err != nil {
			t.Fatal(err)
		}
		if err := deleter.Delete(t.Context(), object, versions); err != nil {
			t.Error(err)
		}
	})
	t.Run("a missing bucket", func(t *testing.T) { b.refuses(t, deleter, b.Name+"-gone") })
}

// Versions returns the ids of the versions of an object.
func Versions(t *testing.T, of *objects.Deleter, object retention.Object) ([]string, error) {
	t.Helper()
	var versions []string
	for version, err := range of.Versions(t.Context(), object) {
		if err != nil {
			return nil, err
		}
		versions = append(versions, version)
	}
	return versions, nil
}

// refuses checks that an object cannot be deleted, and that no error holds the key.
// It returns the object's versions.
func (b Bucket) refuses(t *testing.T, deleter *objects.Deleter, bucket string) []string {
	t.Helper()
	object := retention.Object{Bucket: bucket, Key: "letters/1"}
	versions, listing := Versions(t, deleter, object)
	failures := []error{deleter.Delete(t.Context(), object, versions)}
	if bucket != b.Name {
		failures = append(failures, listing)
	}
	for _, err := range failures {
		if !errors.Is(err, objects.ErrUndeletable) || strings.Contains(err.Error(), "letters") {
			t.Errorf("error %v, want ErrUndeletable and no key", err)
		}
	}
	return versions
}
