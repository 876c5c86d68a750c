package evidence_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/evidence"
	"stille/shared/certificate"
)

// marked is a bucket in which every file is behind a delete marker.
type marked map[string][]string // the versions of each key, the newest first

func (m marked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("versions") {
		prefix, delimiter := r.URL.Query().Get("prefix"), r.URL.Query().Get("delimiter")
		fmt.Fprint(w, "<ListVersionsResult>")
		for key, versions := range m {
			rest, found := strings.CutPrefix(key, prefix)
			folder, _, deep := strings.Cut(rest, "/")
			switch {
			case !found:
			case delimiter != "" && deep:
				fmt.Fprintf(w, "<CommonPrefixes><Prefix>%s%s/</Prefix></CommonPrefixes>", prefix, folder)
			default:
				for n := range versions {
					fmt.Fprintf(w, "<Version><Key>%s</Key><VersionId>%d</VersionId></Version>", key, n)
				}
				fmt.Fprintf(w, "<DeleteMarker><Key>%s</Key><VersionId>marker</VersionId><IsLatest>true</IsLatest></DeleteMarker>", key)
			}
		}
		fmt.Fprint(w, "</ListVersionsResult>")
		return
	}
	versions, id := m[strings.TrimPrefix(r.URL.Path, "/evidence/")], r.URL.Query().Get("versionId")
	for n, content := range versions {
		if id == fmt.Sprint(n) {
			fmt.Fprint(w, content)
			return
		}
	}
	w.Header().Set("x-amz-delete-marker", "true")
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, "<Error><Code>NoSuchKey</Code></Error>")
}

func TestDeleteMarkerHidesNoCertificate(t *testing.T) {
	server := httptest.NewServer(marked{
		"certificates/messaging/run-1/certificate.json":    {"newer", "older"},
		"certificates/messaging/run-1/certificate.json.md": {"another file"},
		"certificates/messaging/run-1/certificate.sig":     {"signature"},
		"certificates/messaging/run-1/keys/00.txt":         {"list"},
		"certificates/messages/run-2/certificate.json":     {"of another class"},
		"certificates/public-keys/ab.pem":                  {"key"},
		"certificates/public-keys/run-1/certificate.json":  {"of a class of this name"},
	})
	defer server.Close()
	files := evidence.NewCertificates(s3.New(s3.Options{
		BaseEndpoint: &server.URL, Region: "eu-north-1", UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		RetryMaxAttempts: 1, Retryer: aws.NopRetryer{},
	}), "evidence")
	signed, err := files.Load(t.Context(), "messaging", "run-1")
	if diff := cmp.Diff(certificate.Signed{JSON: []byte("newer"), Signature: []byte("signature")}, signed); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
	if list, err := files.LoadList(t.Context(), "messaging", "run-1", "00"); err != nil || string(list) != "list" {
		t.Errorf("the list is %q, error %v", list, err)
	}
	if runs, err := files.Runs(t.Context(), "messaging"); err != nil || len(runs) == 0 || runs[0] != "run-1" {
		t.Errorf("runs %v, error %v", runs, err)
	}
	if keys, err := files.PublicKeys(t.Context()); err != nil || len(keys) != 1 || string(keys[0]) != "key" {
		t.Errorf("keys %q, error %v", keys, err)
	}
	if _, err := files.Load(t.Context(), "messaging", "run-9"); !errors.Is(err, certificate.ErrNone) {
		t.Errorf("of another run: error %v", err)
	}
}
