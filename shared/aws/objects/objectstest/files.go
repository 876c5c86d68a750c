package objectstest

import (
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Files is S3 over HTTP, in memory, without versions: files by their bucket and key.
type Files struct {
	listed int // keys in one answer

	mu     sync.Mutex
	stored map[string]string
}

// NewFiles returns an S3 without files that lists a few keys in one answer.
func NewFiles(listed int) *Files { return &Files{listed: listed, stored: map[string]string{}} }

// Lose deletes a file as an operator would, by its bucket and key.
func (f *Files) Lose(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.stored, name)
}

// ServeHTTP answers a request of the SDK.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	bucket, _, _ := strings.Cut(name, "/")
	body, _ := io.ReadAll(r.Body) // a missing part is a wrong file
	switch query := r.URL.Query(); {
	case query.Has("list-type"):
		f.list(w, bucket+"/", query.Get("prefix"), query.Get("continuation-token"))
	case query.Has("versions"):
		f.listVersions(w, bucket+"/", query.Get("prefix"), query.Get("delimiter"))
	case query.Has("delete"):
		var asked struct{ Object []struct{ Key string } }
		if err := xml.Unmarshal(body, &asked); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		for _, object := range asked.Object {
			delete(f.stored, bucket+"/"+object.Key)
		}
		fmt.Fprint(w, "<DeleteResult></DeleteResult>")
	case r.Method == http.MethodPut:
		f.stored[name] = string(body)
	case f.stored[name] == "":
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<Error><Code>NoSuchKey</Code></Error>")
	default:
		fmt.Fprint(w, f.stored[name])
	}
}

// keys lists what follows the bucket and the prefix in the names of its files, sorted.
func (f *Files) keys(bucket, prefix string) []string {
	var rests []string
	for name := range maps.Keys(f.stored) {
		if rest, found := strings.CutPrefix(name, bucket+prefix); found {
			rests = append(rests, rest)
		}
	}
	slices.Sort(rests)
	return rests
}

func (f *Files) list(w io.Writer, bucket, prefix, after string) {
	fmt.Fprint(w, "<ListBucketResult>")
	listed := 0
	for _, rest := range f.keys(bucket, prefix) {
		if prefix+rest <= after {
			continue
		}
		if listed++; listed > f.listed {
			fmt.Fprintf(w, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", after)
			break
		}
		after = prefix + rest
		fmt.Fprintf(w, "<Contents><Key>%s</Key></Contents>", after)
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

// listVersions lists every file, or the folders where a delimiter is given.
func (f *Files) listVersions(w io.Writer, bucket, prefix, delimiter string) {
	fmt.Fprint(w, "<ListVersionsResult>")
	last := ""
	for _, rest := range f.keys(bucket, prefix) {
		folder, _, deep := strings.Cut(rest, "/")
		switch {
		case delimiter == "" || !deep:
			fmt.Fprintf(w, "<Version><Key>%s%s</Key><VersionId>null</VersionId></Version>", prefix, rest)
		case folder != last:
			fmt.Fprintf(w, "<CommonPrefixes><Prefix>%s%s/</Prefix></CommonPrefixes>", prefix, folder)
			last = folder
		}
	}
	fmt.Fprint(w, "</ListVersionsResult>")
}
