package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"stille/scripts/stackfile"
	"stille/shared/names"
	"stille/shared/scope"
)

// person is somebody of the story, reachable on both channels.
type person struct{ email, sms string }

type contact struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
}

func (p person) contacts() []contact {
	return []contact{{"email", p.email}, {"sms", p.sms}}
}

// api is the stack as a marketing tool and a browser see it.
type api struct {
	http *http.Client
	base string
	key  string
}

func newAPI(stack stackfile.Stack) api {
	return api{http: &http.Client{Timeout: 30 * time.Second}, base: stack.API, key: stack.APIKey}
}

// call posts a request of the tools' API and reads what a 200 answers.
func (a api) call(ctx context.Context, route string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+route, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.key)
	req.Header.Set("Content-Type", "application/json")
	got, err := a.do(req)
	if err != nil {
		return err
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("%s answers %d: %s", route, got.status, got.body)
	}
	return json.Unmarshal([]byte(got.body), answer)
}

type decision struct {
	Send   bool   `json:"send"`
	Reason string `json:"reason"`
	Scope  string `json:"scope"`
}

func (d decision) String() string {
	if d.Send {
		return "send"
	}
	return fmt.Sprintf("do not send (%s, %s)", d.Reason, d.Scope)
}

func (a api) check(ctx context.Context, in scope.Scope, contacts []contact) ([]decision, error) {
	var answer struct{ Results []decision }
	err := a.call(ctx, names.RouteCheck, map[string]any{"scope": in, "contacts": contacts}, &answer)
	if err == nil && len(answer.Results) != len(contacts) {
		err = fmt.Errorf("%d results for %d contacts", len(answer.Results), len(contacts))
	}
	return answer.Results, err
}

type minted struct {
	Key     string
	URL     string
	Headers map[string]string
}

func (a api) mint(ctx context.Context, in scope.Scope, contacts []contact) ([]minted, error) {
	var answer struct{ Results []minted }
	err := a.call(ctx, names.RouteLinks, map[string]any{"scope": in, "contacts": contacts}, &answer)
	if err == nil && len(answer.Results) != len(contacts) {
		err = fmt.Errorf("%d links for %d contacts", len(answer.Results), len(contacts))
	}
	return answer.Results, err
}

// answer is an HTTP answer, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a api) get(ctx context.Context, link string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return answer{}, err
	}
	return a.do(req)
}

func (a api) post(ctx context.Context, link string, form url.Values) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, link, strings.NewReader(form.Encode()))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return a.do(req)
}

func (a api) do(req *http.Request) (answer, error) {
	resp, err := a.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(body)}, err
}
