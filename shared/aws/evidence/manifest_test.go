package evidence_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stille/shared/aws/evidence"
	"stille/shared/aws/objects/objectstest"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
)

func newManifest(t *testing.T) (*objectstest.Files, *evidence.Manifest) {
	t.Helper()
	b := objectstest.NewFiles(5)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{
		BaseEndpoint: &server.URL, Region: "eu-north-1", UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		RetryMaxAttempts: 1, Retryer: aws.NopRetryer{}, RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
	var mu sync.Mutex
	at := time.Date(2026, 11, 22, 2, 30, 0, 0, time.UTC)
	return b, evidence.NewManifest(client, "manifests", func() time.Time { // no two pages begin at once
		mu.Lock()
		defer mu.Unlock()
		at = at.Add(time.Millisecond)
		return at
	})
}

func TestManifestKeepsItsPromises(t *testing.T) {
	_, manifest := newManifest(t)
	purgetest.Manifest(t, manifest, "run-1")
}

func TestManyPagesAreReadInOrder(t *testing.T) {
	_, manifest := newManifest(t)
	for n := range 40 {
		page, err := manifest.Begin(t.Context(), "messaging", "run-1", "00", []string{fmt.Sprint(n)})
		if err == nil && n%2 == 0 {
			err = manifest.Finish(t.Context(), page, map[string]purge.Outcome{fmt.Sprint(n): purge.Deleted})
		}
		if err != nil {
			t.Fatal(err)
		}
		pages, err := purgetest.Pages(manifest.Pages(t.Context(), "messaging", "run-1", "00"))
		if err != nil || len(pages) != n+1 {
			t.Fatalf("%d of %d pages, error %v", len(pages), n+1, err)
		}
		for of, page := range pages {
			if id := fmt.Sprint(of); len(page.IDs) != 1 || page.IDs[0] != id || (page.Outcomes[id] == purge.Deleted) != (of%2 == 0) {
				t.Fatalf("page %d of %d is %+v", of, n+1, page)
			}
		}
	}
	for page := range manifest.Pages(t.Context(), "messaging", "run-1", "00") { // a reader may stop early
		if page.IDs[0] != "0" {
			t.Errorf("it begins with %v", page.IDs)
		}
		break
	}
}

func TestPageWithoutItsIDsIsGone(t *testing.T) {
	for _, lost := range []int{0, 1} {
		files, manifest := newManifest(t)
		for n := range 2 {
			page, err := manifest.Begin(t.Context(), "messaging", "run-1", "00", []string{"a"})
			if err == nil {
				err = manifest.Finish(t.Context(), page, map[string]purge.Outcome{"a": purge.Deleted})
			}
			if err != nil {
				t.Fatal(err)
			}
			if n == lost {
				files.Lose("manifests/" + page + ".ids.json")
			}
		}
		if _, err := purgetest.Pages(manifest.Pages(t.Context(), "messaging", "run-1", "00")); !errors.Is(err, purge.ErrManifestGone) {
			t.Errorf("the ids of page %d are lost: error %v", lost, err)
		}
	}
}
