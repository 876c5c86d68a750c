package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/apitest"
	"stille/shared/api/gateway"
	"stille/shared/names"
	"stille/shared/sdk/go"
)

const (
	apiKey = "stille_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"
	one    = "0P7oMZsW0vTtXSJUGb9mQxGDHGlkA1NtVJ3CUlEOLyhIqT1c"
)

// server answers every request, in the place of the network.
type server func(*http.Request) (*http.Response, error)

func (s server) RoundTrip(r *http.Request) (*http.Response, error) { return s(r) }

func answering(status int, kind, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(strings.NewReader(body))}
}

// says is a server that gives the same answer again and again.
func says(status int, kind, body string) server {
	return func(*http.Request) (*http.Response, error) { return answering(status, kind, body), nil }
}

func connect(t testing.TB, s server, options ...client.Option) *client.Client {
	t.Helper()
	c, err := client.New("https://api.example", apiKey, append(options, client.WithTransport(s), client.WithClock(noon))...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// noon is the time of every answer of these tests.
func noon() time.Time { return time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC) }

func kari(n int) []client.Contact {
	contacts := make([]client.Contact, n)
	for i := range contacts {
		contacts[i] = client.Contact{Channel: client.Email, Address: fmt.Sprintf("kari.%d@example.no", i)}
	}
	return contacts
}

func checked(results ...string) string {
	return `{"asOf":"2026-11-22T03:00:00Z","results":[` + strings.Join(results, ",") + `]}`
}

const (
	yes = `{"send":true,"key":"` + one + `"}`
	no  = `{"send":false,"reason":"unsubscribed","scope":"acme","since":"2026-11-20T08:00:00Z","key":"` + one + `"}`
)

func TestAWholeAnswerIsBelieved(t *testing.T) {
	answers, err := connect(t, says(200, "application/json", checked(yes, no, `{"send":false,"reason":"invalid-address"}`))).Check(t.Context(), client.Question{Contacts: kari(3)})
	if err != nil {
		t.Fatal(err)
	}
	var sends []bool
	for _, a := range answers {
		sends = append(sends, a.MaySend())
	}
	if diff := cmp.Diff([]bool{true, false, false}, sends); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	since := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	if a := answers[1]; a.Reason != "unsubscribed" || a.Scope != "acme" || !a.Since.Equal(since) || a.Key != one {
		t.Errorf("it says %+v", a)
	}
}

func TestAZeroResultAndNilClientSayNo(t *testing.T) {
	if (client.Result{}).MaySend() {
		t.Error("the zero result says yes")
	}
	var none *client.Client
	results, err := none.Check(t.Context(), client.Question{Contacts: kari(2)})
	if err == nil || len(results) != 2 || results[0].MaySend() || results[1].Reason != client.Unavailable {
		t.Errorf("a nil client: error %v, %+v", err, results)
	}
	if none.MaySend(t.Context(), client.Email, "kari@example.no", "acme") {
		t.Error("a nil client says yes")
	}
}

func TestMaySendAsksAboutOneContact(t *testing.T) {
	for answer, want := range map[string]bool{checked(yes): true, checked(no): false, checked(yes, yes): false, "": false} {
		var asked string
		c := connect(t, func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			asked = string(body)
			return answering(200, "application/json", answer), err
		})
		if got := c.MaySend(t.Context(), client.Email, "kari@example.no", "acme"); got != want {
			t.Errorf("%v to %s", got, answer)
		}
		if asked != `{"scope":"acme","contacts":[{"channel":"email","address":"kari@example.no"}]}` {
			t.Errorf("asked %s", asked)
		}
	}
}

func TestUnknownMembersAreIgnored(t *testing.T) {
	for name, body := range map[string]string{
		"in a result":          checked(strings.Replace(yes, "{", `{"basis":"consent","evidence":{"form":[17]},`, 1)),
		"beside the results":   strings.Replace(checked(yes), "{", `{"dryRun":true,`, 1),
		"in a negative result": checked(strings.Replace(no, "{", `{"basisUntil":null,`, 1)),
	} {
		results, err := connect(t, says(200, "application/json", body)).Check(t.Context(), client.Question{Contacts: kari(1)})
		if err != nil || results[0].MaySend() == strings.Contains(name, "negative") {
			t.Errorf("%s: error %v, %+v", name, err, results)
		}
	}
}

// cut is a body that breaks off: a reader that goes on would find two whole answers.
type cut struct{}

func (cut) Read(p []byte) (int, error) { return copy(p, checked(yes, yes)), io.ErrUnexpectedEOF }

func (cut) Close() error { return nil }

func TestEveryIncompleteAnswerIsANo(t *testing.T) {
	const jsonType = "application/json"
	for _, test := range []struct {
		name   string
		server server
	}{
		{"no connection", func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") }},
		{"an answer that is cut off", func(*http.Request) (*http.Response, error) {
			resp := answering(200, jsonType, "")
			resp.Body = cut{}
			return resp, nil
		}},
		{"another status of success", says(203, jsonType, checked(yes, yes))},
		{"a redirect", func(r *http.Request) (*http.Response, error) {
			if r.Host != "api.example" {
				return answering(200, jsonType, checked(yes, yes)), nil
			}
			resp := answering(307, jsonType, checked(yes, yes))
			resp.Header.Set("Location", "https://elsewhere.example/v1/check")
			return resp, nil
		}},
		{"a bad request", says(400, "application/problem+json", `{"title":"x","status":400}`)},
		{"an error with a yes in it", says(500, jsonType, checked(yes, yes))},
		{"a page", says(200, "text/html", checked(yes, yes))},
		{"nothing", says(200, jsonType, "")},
		{"no JSON", says(200, jsonType, "OK")},
		{"half an answer", says(200, jsonType, checked(yes, yes)[:60])},
		{"more behind the answer", says(200, jsonType, checked(yes, yes)+"{}")},
		{"null", says(200, jsonType, "null")},
		{"true", says(200, jsonType, "true")},
		{"a list", says(200, jsonType, "["+yes+","+yes+"]")},
		{"no results", says(200, jsonType, `{"asOf":"2026-11-22T03:00:00Z"}`)},
		{"results that are null", says(200, jsonType, checked("null", "null"))},
		{"one result too few", says(200, jsonType, checked(yes))},
		{"one result too many", says(200, jsonType, checked(yes, yes, yes))},
		{"no time", says(200, jsonType, `{"results":[`+yes+`,`+yes+`]}`)},
		{"an invalid time", says(200, jsonType, strings.Replace(checked(yes, yes), "2026-11-22T03:00:00Z", "now", 1))},
		{"one result that says nothing", says(200, jsonType, checked(yes, `{"key":"`+one+`"}`))},
		{"one result that says null", says(200, jsonType, checked(yes, `{"send":null,"key":"`+one+`"}`))},
		{"a yes in words", says(200, jsonType, checked(yes, `{"send":"true","key":"`+one+`"}`))},
		{"a yes in numbers", says(200, jsonType, checked(yes, `{"send":1,"key":"`+one+`"}`))},
		{"a yes in capitals", says(200, jsonType, checked(yes, strings.Replace(yes, "send", "SEND", 1)))},
		{"yes and no", says(200, jsonType, checked(yes, `{"send":false,"send":true,"key":"`+one+`"}`))},
		{"a yes with a reason", says(200, jsonType, checked(yes, strings.Replace(no, "false", "true", 1)))},
		{"a yes with an empty reason", says(200, jsonType, checked(yes, `{"send":true,"reason":"","key":"`+one+`"}`))},
		{"a yes to nobody", says(200, jsonType, checked(yes, `{"send":true}`))},
		{"a yes to an empty key", says(200, jsonType, checked(yes, `{"send":true,"key":""}`))},
		{"a no without a reason", says(200, jsonType, checked(yes, `{"send":false,"key":"`+one+`"}`))},
		{"bytes that are no UTF-8", says(200, jsonType, checked(yes, "{\"send\":true,\"key\":\"\xff\"}"))},
		{"an answer without end", func(*http.Request) (*http.Response, error) {
			resp := answering(200, jsonType, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(checked(yes, yes)), strings.NewReader(strings.Repeat(" ", 9<<20))))
			return resp, nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			answers, err := connect(t, test.server, client.WithRetries(0)).Check(t.Context(), client.Question{Contacts: kari(2)})
			if err == nil || len(answers) != 2 || answers[0].MaySend() || answers[1].MaySend() {
				t.Errorf("error %v and %d answers: %+v", err, len(answers), answers)
			}
		})
	}
}

func TestAMalformedAddressIsNotSent(t *testing.T) {
	asked := 0
	c := connect(t, func(*http.Request) (*http.Response, error) {
		asked++
		return answering(200, "application/json", checked(yes)), nil
	})
	answers, err := c.Check(t.Context(), client.Question{Contacts: []client.Contact{{Channel: client.Email, Address: "kari\xff@example.no"}}})
	if err == nil || asked != 0 || len(answers) != 1 || answers[0].MaySend() {
		t.Errorf("error %v after %d calls", err, asked)
	}
}

func TestManyContactsAreAskedInParts(t *testing.T) {
	for _, fails := range []int{0, 3} {
		var parts []int
		c := connect(t, func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			n := strings.Count(string(body), "kari.")
			parts = append(parts, n)
			if len(parts) == fails {
				return answering(400, "application/json", "{}"), err
			}
			results := strings.TrimSuffix(strings.Repeat(yes+",", n-1)+no, ",")
			return answering(200, "application/json", checked(results)), err
		})
		answers, err := c.Check(t.Context(), client.Question{Scope: "acme", Contacts: kari(2500)})
		if diff := cmp.Diff([]int{1000, 1000, 500}, parts); diff != "" || len(answers) != 2500 || (err != nil) != (fails > 0) {
			t.Fatalf("error %v and %d answers; parts (-want +got)\n%s", err, len(answers), diff)
		}
		for i, a := range answers {
			if want := fails == 0 && i != 999 && i != 1999 && i != 2499; a.MaySend() != want {
				t.Errorf("contact %d: send %v, want %v", i, a.MaySend(), want)
			}
		}
	}
}

func TestNobodyIsNoQuestion(t *testing.T) {
	c := connect(t, func(*http.Request) (*http.Response, error) { return nil, errors.New("it was asked") })
	if answers, err := c.Check(context.Background(), client.Question{}); err != nil || len(answers) != 0 {
		t.Errorf("%d answers, error %v", len(answers), err)
	}
}

// known is an answer without the members that a client must ignore.
func known(t *testing.T, body string) string {
	t.Helper()
	var answer struct {
		AsOf    json.RawMessage              `json:"asOf"`
		Results []map[string]json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	for _, result := range answer.Results {
		maps.DeleteFunc(result, func(name string, _ json.RawMessage) bool {
			return !slices.Contains([]string{"send", "reason", "scope", "since", "key"}, name)
		})
		if result["key"] != nil {
			result["key"] = json.RawMessage(`"` + one + `"`) // a client knows no form of keys
		}
	}
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Whatever bytes come back with status 200: a yes is one only where the OpenAPI
// file allows the answer, apart from members that are not in the file.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		checked(yes), checked(no), checked(yes, yes), strings.Replace(checked(yes), "{", `{"new":1,`, 2), checked(), checked("null"), `{}`, `null`, `[` + yes + `]`, checked(yes) + "x",
		checked(`{"send":true}`), checked(`{"send":true,"send":false,"key":"` + one + `"}`), checked(strings.Replace(no, "false", "true", 1)),
		strings.Replace(checked(yes), "send", "ſend", 1), strings.ToUpper(checked(yes)),
	} {
		f.Add(seed)
	}
	spec := apitest.OpenAPI(f)
	f.Fuzz(func(t *testing.T, body string) {
		answers, err := connect(t, says(200, "application/json", body)).Check(t.Context(), client.Question{Contacts: kari(1)})
		if len(answers) != 1 {
			t.Fatalf("%d answers", len(answers))
		}
		if !answers[0].MaySend() {
			return
		}
		if err != nil {
			t.Fatal("a yes with an error")
		}
		spec.Conforms(t, names.RouteCheck, `{"contacts":[{"channel":"email","address":"kari@example.no"}]}`, gateway.Response{
			StatusCode: 200, Headers: map[string]string{"content-type": "application/json"}, Body: known(t, body),
		})
	})
}
