package api_test

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/scope"
	"stille/shared/suppression"
)

func routes() []string {
	return []string{names.RouteCheck, names.RouteLinks, names.RouteRecords, names.RouteRecordsEnded, names.RouteSuppressions, names.RouteRelease}
}

func TestTheFileIsOpenAPI31(t *testing.T) {
	spec := apitest.OpenAPI(t)
	if ok, errs := spec.ValidateDocument(); !ok {
		for _, err := range errs {
			t.Error(err)
		}
	}
	if version := spec.At(t, "openapi"); version != "3.1.0" {
		t.Errorf("it is of version %v", version)
	}
}

func TestTheFileHasEveryRouteAndNoOther(t *testing.T) {
	paths, _ := apitest.OpenAPI(t).At(t, "paths").(map[string]any)
	if diff := cmp.Diff(routes(), slices.Sorted(maps.Keys(paths))); diff != "" {
		t.Errorf("(-code +file)\n%s", diff)
	}
}

func TestTheFilesExamplesAreWhatItAllows(t *testing.T) {
	spec := apitest.OpenAPI(t)
	for _, route := range routes() {
		asked := slices.Collect(maps.Values(spec.Examples(t, "paths", route, "post", "requestBody", "content", "application/json")))
		answers, _ := spec.At(t, "paths", route, "post", "responses").(map[string]any)
		for status := range answers {
			media, _ := spec.At(t, "paths", route, "post", "responses", status, "content").(map[string]any)
			for kind := range media {
				given := spec.Examples(t, "paths", route, "post", "responses", status, "content", kind)
				if len(asked) == 0 || len(given) == 0 {
					t.Errorf("%s lacks an example of the request or of %s", route, status)
				}
				for _, body := range given {
					code, err := strconv.Atoi(status)
					if err != nil {
						t.Fatal(err)
					}
					for _, question := range asked {
						spec.Conforms(t, route, question, gateway.Response{StatusCode: code, Headers: map[string]string{"content-type": kind, "www-authenticate": "Bearer"}, Body: body})
					}
				}
			}
		}
	}
}

// loud is a test that is told of what fails, without failing itself.
type loud struct {
	testing.TB
	errors int
}

func (l *loud) Helper() {}

func (l *loud) Errorf(string, ...any) { l.errors++ }

func TestTheFileIsStrict(t *testing.T) {
	const key = `"0P7oMZsW0vTtXSJUGb9mQxGDHGlkA1NtVJ3CUlEOLyhIqT1c"`
	const question = `{"contacts":[{"channel":"email","address":"kari@example.no"}]}`
	const asOf = `{"asOf":"2026-11-22T03:00:00Z","results":[`
	for _, test := range []struct {
		name, route, body string
		status            int
		answer            string
	}{
		{"send with a reason", names.RouteCheck, question, 200, asOf + `{"send":true,"reason":"stop","key":` + key + `}]}`},
		{"no send without a reason", names.RouteCheck, question, 200, asOf + `{"send":false,"key":` + key + `}]}`},
		{"a reason there is not", names.RouteCheck, question, 200, asOf + `{"send":false,"reason":"bored","key":` + key + `}]}`},
		{"a field there is not", names.RouteCheck, question, 200, asOf + `{"send":true,"address":"x","key":` + key + `}]}`},
		{"a field beside the results", names.RouteCheck, question, 200, `{"asOf":"2026-11-22T03:00:00Z","more":1,"results":[]}`},
		{"an invalid time", names.RouteCheck, question, 200, `{"asOf":"now","results":[]}`},
		{"an invalid key", names.RouteCheck, question, 200, asOf + `{"send":true,"key":"kari"}]}`},
		{"a status there is not", names.RouteCheck, question, 418, `{"title":"x","status":418}`},
		{"a problem with more", names.RouteCheck, question, 400, `{"title":"x","status":400,"body":"x"}`},
		{"headers that are others", names.RouteLinks, question, 200, `{"results":[{"key":` + key + `,"url":"https://x.example/e/t","headers":{"X":"1"}}]}`},
		{"released, with a reason", names.RouteRelease, `{"scope":"acme","contacts":[{"channel":"sms"}],"consentedAt":"2026-11-22T03:00:00Z","evidence":"e"}`, 200,
			`{"results":[{"released":true,"reason":"not-suppressed","key":` + key + `}]}`},
		{"a request that should not have been accepted", names.RouteRelease, `{"scope":"acme","contacts":[]}`, 200, `{"results":[]}`},
		{"a request with an erasure", names.RouteSuppressions, strings.Replace(question, "{", `{"reason":"erasure",`, 1), 200, `{"results":[]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			kind := map[bool]string{true: "application/json", false: "application/problem+json"}[test.status == http.StatusOK]
			heard := &loud{TB: t}
			apitest.OpenAPI(t).Conforms(heard, test.route, test.body, gateway.Response{
				StatusCode: test.status, Headers: map[string]string{"content-type": kind}, Body: test.answer,
			})
			if heard.errors == 0 {
				t.Error("the file allows it")
			}
		})
	}
}

func TestOnlyRequestsAreClosedToFurtherFields(t *testing.T) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Components struct {
			Schemas map[string]struct {
				Type   any `yaml:"type"`
				Closed any `yaml:"additionalProperties"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for name, schema := range file.Components.Schemas {
		request := strings.HasSuffix(name, "Request") || name == "Contact" || name == "Record"
		if schema.Type == "object" && (schema.Closed == false) != request {
			t.Errorf("%s: additionalProperties is %v", name, schema.Closed)
		}
	}
}

func sorted[S ~string](all ...S) []string {
	texts := make([]string, len(all))
	for i, one := range all {
		texts[i] = string(one)
	}
	return slices.Sorted(slices.Values(texts))
}

func TestTheFileListsWhatTheCodeKnows(t *testing.T) {
	spec := apitest.OpenAPI(t)
	var used []string
	for _, route := range routes() {
		used = append(used, spec.Texts(t, "paths", route, "post", "x-rights")...)
	}
	named := func(schema string) []string { return spec.Texts(t, "components", "schemas", schema, "enum") }
	of := func(schema, field string) []string {
		return spec.Texts(t, "components", "schemas", schema, "properties", field, "enum")
	}
	for _, test := range []struct {
		name       string
		code, file []string
	}{
		{"rights", sorted(access.Rights()...), named("Right")},
		{"rights that the routes need", sorted(access.Rights()...), slices.Compact(slices.Sorted(slices.Values(used)))},
		{"channels", sorted(contact.Email, contact.SMS), named("Channel")},
		{"reasons", sorted(suppression.Reasons()...), named("Reason")},
		{"reasons that a tool may give", sorted(suppression.Reported()...), of("SuppressRequest", "reason")},
		{"refusals of a release", sorted(suppression.NeedsOperator, suppression.OlderThanOptOut, suppression.NotSuppressed), of("NotReleased", "reason")},
		{"purposes", sorted(suppression.Marketing, suppression.Transactional, ""), named("Purpose")},
		{"languages", sorted(scope.Languages()...), spec.Texts(t, "components", "schemas", "LinksRequest", "properties", "lang", "examples")},
	} {
		if diff := cmp.Diff(test.code, test.file); diff != "" {
			t.Errorf("%s (-code +file)\n%s", test.name, diff)
		}
	}
	if got := spec.At(t, "components", "schemas", "InvalidAddress", "const"); got != suppression.InvalidAddress {
		t.Errorf("an address that cannot be read is %v", got)
	}
	if got := spec.At(t, "components", "schemas", "Contacts", "maxItems"); got != uint64(api.MaxContacts) {
		t.Errorf("at most %v contacts", got)
	}
	if got := spec.At(t, "x-limits", "bodyBytes"); got != uint64(api.MaxBody) {
		t.Errorf("at most %v bytes", got)
	}
}

func TestWhatValidatesTheFileIsInNoFunction(t *testing.T) {
	listed := exec.Command("go", "list", "-deps", "../../functions/...")
	listed.Stderr = os.Stderr
	deps, err := listed.Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(deps), "stille/shared/api\n") {
		t.Error("there was nothing to look through")
	}
	for dep := range strings.Lines(string(deps)) {
		if strings.Contains(dep, "pb33f") || strings.Contains(dep, "jsonschema") || strings.Contains(dep, "toolapitest") {
			t.Errorf("a function brings along %s", dep)
		}
	}
}
