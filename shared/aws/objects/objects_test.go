package objects_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/objects"
	"stille/shared/aws/objects/objectstest"
	"stille/shared/retention"
)

var letter = retention.Object{Bucket: "letters", Key: "kari@example.no.pdf"}

func TestAnObjectGoesWithAllItsVersions(t *testing.T) {
	objectstest.Suite(t, objectstest.Bucket{S3: objectstest.NewMemory("letters"), Name: "letters"})
}

func TestMoreVersionsThanOneRequestTakes(t *testing.T) {
	memory := objectstest.NewMemory("letters")
	bucket := objectstest.Bucket{S3: memory, Name: "letters"}
	for range 2500 {
		bucket.Put(t, letter.Key)
	}
	bucket.Put(t, letter.Key+"x")
	versions, err := objectstest.Versions(t, objects.NewDeleter(memory), letter)
	if len(versions) != 2500 || err != nil {
		t.Errorf("%d versions, error %v", len(versions), err)
	}
	calls := map[string]int{}
	memory.Intercept(func(operation string) error { calls[operation]++; return nil })
	if err := objects.NewDeleter(memory).Delete(t.Context(), letter, versions); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"ListObjectVersions": 1, "DeleteObjects": 3}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{letter.Key + "x": 1}, bucket.Left(t)); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// idle is an S3 that reports deletions and makes none.
type idle struct{ *objectstest.Memory }

func (idle) DeleteObjects(context.Context, *s3.DeleteObjectsInput, ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error) {
	return &s3.DeleteObjectsOutput{}, nil
}

func TestStillListedObjectIsUndeletable(t *testing.T) {
	memory := objectstest.NewMemory("letters")
	objectstest.Bucket{S3: memory, Name: "letters"}.Put(t, letter.Key)
	versions, err := objectstest.Versions(t, objects.NewDeleter(memory), letter)
	if err != nil {
		t.Fatal(err)
	}
	if err := objects.NewDeleter(idle{memory}).Delete(t.Context(), letter, versions); !errors.Is(err, objects.ErrUndeletable) {
		t.Errorf("error %v", err)
	}
}

func TestErrorHoldsNoKey(t *testing.T) {
	for _, operation := range []string{"ListObjectVersions", "DeleteObjects"} {
		memory := objectstest.NewMemory("letters")
		objectstest.Bucket{S3: memory, Name: "letters"}.Put(t, letter.Key)
		memory.Intercept(func(began string) error {
			if began == operation {
				return errors.New(`Get "https://letters.s3.amazonaws.com/?prefix=` + letter.Key + `": connection refused`)
			}
			return nil
		})
		err := objects.NewDeleter(memory).Delete(t.Context(), letter, []string{"1"})
		if !errors.Is(err, objects.ErrUndeletable) || strings.Contains(err.Error(), letter.Key) {
			t.Errorf("%s: error %v", operation, err)
		}
	}
}

func TestCancelledDeletionIsAnError(t *testing.T) {
	memory := objectstest.NewMemory("letters")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := objects.NewDeleter(memory).Delete(ctx, letter, nil); !errors.Is(err, context.Canceled) || errors.Is(err, objects.ErrUndeletable) {
		t.Errorf("error %v, want the context's", err)
	}
}
