package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"

	"stille/shared/api"
	"stille/shared/api/gateway"
	"stille/shared/names"
)

// Specification is the OpenAPI file of the tools' API.
type Specification struct {
	validator.Validator
	tree map[string]any
}

// Reading and compiling the file is slow, so the tests of a process share it.
var specification = sync.OnceValues(load) //nolint:gochecknoglobals // one file a process

func load() (*Specification, error) {
	repository, err := root()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(repository, "shared", "api", "openapi.yaml"))
	if err != nil {
		return nil, err
	}
	var s Specification
	if err := yaml.Unmarshal(text, &s.tree); err != nil {
		return nil, err
	}
	components, _ := s.tree["components"].(map[string]any)
	seal(components["schemas"])
	sealed, err := json.Marshal(s.tree)
	if err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(sealed)
	if err != nil {
		return nil, err
	}
	checks, errs := validator.NewValidator(document, config.WithFormatAssertions())
	s.Validator = checks
	return &s, errors.Join(errs...)
}

// seal forbids the fields that the schemas do not name: a client must ignore an unknown
// field, but no answer of today may have one.
func seal(node any) {
	switch node := node.(type) {
	case map[string]any:
		if node["properties"] != nil {
			node["additionalProperties"] = false
		}
		for _, inside := range node {
			seal(inside)
		}
	case []any:
		for _, inside := range node {
			seal(inside)
		}
	}
}

// OpenAPI reads the OpenAPI file.
func OpenAPI(t testing.TB) *Specification {
	t.Helper()
	s, err := specification()
	must(t, err)
	return s
}

// At returns the node at a place of the file; it follows references. It fails the
// test if there is none.
func (s *Specification) At(t testing.TB, names ...string) any {
	t.Helper()
	var at any = s.tree
	for _, name := range names {
		inside, ok := s.follow(at).(map[string]any)
		if !ok || inside[name] == nil {
			t.Fatalf("the OpenAPI file has nothing at %s", strings.Join(names, " "))
		}
		at = inside[name]
	}
	return s.follow(at)
}

// follow returns the target of a reference, and any other node unchanged.
func (s *Specification) follow(at any) any {
	node, ok := at.(map[string]any)
	ref, isRef := node["$ref"].(string)
	if !ok || !isRef {
		return at
	}
	at = s.tree
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		at, _ = at.(map[string]any)[name]
	}
	return at
}

// Texts returns the list of texts at a place of the file, sorted.
func (s *Specification) Texts(t testing.TB, names ...string) []string {
	t.Helper()
	list, ok := s.At(t, names...).([]any)
	if !ok {
		t.Fatalf("the OpenAPI file has no list at %s", strings.Join(names, " "))
	}
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = fmt.Sprint(one)
	}
	return slices.Sorted(slices.Values(texts))
}

// Examples returns the example bodies of a media type, by name.
func (s *Specification) Examples(t testing.TB, media ...string) map[string]string {
	t.Helper()
	bodies := map[string]string{}
	examples, _ := s.At(t, append(media, "examples")...).(map[string]any)
	for name := range examples {
		body, err := json.Marshal(s.At(t, append(media, "examples", name, "value")...))
		must(t, err)
		bodies[name] = string(body)
	}
	return bodies
}

// Route returns the route of a function of the tools' API, or "".
func Route(function string) string {
	return map[string]string{
		names.Check: names.RouteCheck, names.Mint: names.RouteLinks, names.Suppress: names.RouteSuppressions,
		names.Release: names.RouteRelease, names.Record: names.RouteRecords, names.End: names.RouteRecordsEnded,
	}[function]
}

// Conforms fails the test if the file does not allow the answer for the route, or
// does not allow a request that was accepted.
func (s *Specification) Conforms(t testing.TB, route, body string, resp gateway.Response) {
	t.Helper()
	asked, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://api.example"+route, strings.NewReader(body))
	must(t, err)
	asked.Header = http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer key"}}
	answer := &http.Response{StatusCode: resp.StatusCode, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(resp.Body)))}
	for name, value := range resp.Headers {
		answer.Header.Set(name, value)
	}
	if ok, errs := s.ValidateHttpResponse(asked, answer); !ok {
		t.Errorf("%s answers %d with what the OpenAPI file does not say: %v", route, resp.StatusCode, errs)
	}
	if resp.StatusCode != http.StatusOK {
		return
	}
	asked.Body = io.NopCloser(strings.NewReader(body))
	if ok, errs := s.ValidateHttpRequestSync(asked); !ok {
		t.Errorf("%s accepts what the OpenAPI file does not allow: %v", route, errs)
	}
}

// AnswersItsExamples posts each example request of the file to the call behind the
// route, which must answer 200.
func (h *House) AnswersItsExamples(t testing.TB, call api.Call) {
	t.Helper()
	examples := OpenAPI(t).Examples(t, "paths", h.route, "post", "requestBody", "content", "application/json")
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		if resp := h.Serve(t, call, h.Post(examples[name])); resp.StatusCode != http.StatusOK {
			t.Errorf("the example %s is answered with %d: %s", name, resp.StatusCode, resp.Body)
		}
	}
}
