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

	"stille/shared/names"
	"stille/shared/scope"
)

// person is a person of the story, reachable on both channels.
type person struct{ email, sms string }

type contact struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
}

func (p person) contacts() []contact {
	return []contact{{"email", p.email}, {"sms", p.sms}}
}

// api is the stack as seen by a marketing tool and a browser.
type api struct {
	http *http.Client
	base string
	key  string
}

// call posts a request of the tools' API and reads the answer, which must be 200.
func (a api) call(ctx context.Context, route string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	got, err := a.send(ctx, http.MethodPost, a.base+route, bytes.NewReader(body), "application/json")
	if err != nil {
		return err
	}
	if got.status != http.StatusOK {
		return fmt.Errorf("%s answers %d: %s", route, got.status, got.body)
	}
	return json.Unmarshal([]byte(got.body), answer)
}

// results calls a route whose answer has n results.
func results[Result any](ctx context.Context, a api, route string, request map[string]any, n int) ([]Result, error) {
	var answer struct{ Results []Result }
	err := a.call(ctx, route, request, &answer)
	if err == nil && len(answer.Results) != n {
		err = fmt.Errorf("%s answers %d results to %d", route, len(answer.Results), n)
	}
	return answer.Results, err
}

type decision struct {
	Send       bool   `json:"send"`
	Reason     string `json:"reason"`
	Scope      string `json:"scope"`
	Basis      string `json:"basis"`
	BasisUntil string `json:"basisUntil"`
	Evidence   string `json:"evidence"`
}

func (d decision) String() string {
	switch {
	case d.Basis != "":
		return fmt.Sprintf("send (%s %s, through %s)", d.Basis, d.Evidence, d.BasisUntil)
	case d.Send:
		return "send"
	case d.BasisUntil != "":
		return fmt.Sprintf("do not send (%s, %s, after %s)", d.Reason, d.Scope, d.BasisUntil)
	}
	return fmt.Sprintf("do not send (%s, %s)", d.Reason, d.Scope)
}

func (a api) check(ctx context.Context, in scope.Scope, contacts []contact) ([]decision, error) {
	return results[decision](ctx, a, names.RouteCheck, map[string]any{"scope": in, "contacts": contacts}, len(contacts))
}

type minted struct {
	Key     string
	URL     string
	Headers map[string]string
}

func (a api) mint(ctx context.Context, in scope.Scope, contacts []contact) ([]minted, error) {
	return results[minted](ctx, a, names.RouteLinks, map[string]any{"scope": in, "contacts": contacts}, len(contacts))
}

// answer is a complete HTTP answer.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a api) get(ctx context.Context, link string) (answer, error) {
	return a.send(ctx, http.MethodGet, link, nil, "")
}

func (a api) post(ctx context.Context, link string, form url.Values) (answer, error) {
	return a.send(ctx, http.MethodPost, link, strings.NewReader(form.Encode()), "application/x-www-form-urlencoded")
}

// send makes and sends a request. Only the tools' API gets the key.
func (a api) send(ctx context.Context, method, address string, body io.Reader, contentType string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if strings.HasPrefix(address, a.base+"/") {
		req.Header.Set("Authorization", "Bearer "+a.key)
	}
	return a.do(req)
}

func (a api) do(req *http.Request) (answer, error) {
	resp, err := a.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was only read
	read, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(read)}, err
}
