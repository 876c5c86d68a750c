package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

func TestTransactionalChecksAreCountedByTool(t *testing.T) {
	h := apitest.New(t)
	h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(asking("acme", "transactional", email+","+sms+`,{"channel":"email"}`)))
	var line map[string]any
	if err := json.Unmarshal(h.Logs.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	delete(line, "time")
	want := map[string]any{
		"level": "INFO", "msg": "transactional check", "tool": "crm", "TransactionalChecks": 3.0,
		"_aws": map[string]any{
			"Timestamp": float64(h.Now.UnixMilli()),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": "stille", "Dimensions": []any{[]any{"stackName", "tool"}},
				"Metrics": []any{map[string]any{"Name": "TransactionalChecks", "Unit": "Count"}},
			}},
		},
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("the line (-want +got):\n%s", diff)
	}
	h.NoLeak(t, nil)
}

func TestOnlyWhatWasAskedAsTransactionalIsCounted(t *testing.T) {
	for name, test := range map[string]struct {
		purpose string
		rights  []access.Right
		status  int
	}{
		"a marketing check": {"marketing", access.Rights(), http.StatusOK},
		"a refused call":    {"transactional", []access.Right{access.Check}, http.StatusForbidden},
	} {
		h := apitest.New(t)
		h.Tool.Rights = test.rights
		resp := h.Serve(t, newHandler(h, &suppressiontest.List{}).call(), h.Post(asking("acme", test.purpose, email)))
		if resp.StatusCode != test.status || h.Logs.Len() > 0 {
			t.Errorf("%s: status %d, log %q", name, resp.StatusCode, h.Logs.String())
		}
	}
}

func TestTheExamplesOfCheckAreAnswered(t *testing.T) {
	h := apitest.New(t)
	over := newHandler(h, &suppressiontest.List{})
	over.checker.Records = &shelf{}
	h.AnswersItsExamples(t, over.call())
}

func TestCheckHasItsFront(t *testing.T) {
	apitest.Front(t, access.Check, asking("acme", "", email), func(h *apitest.House) api.Call { return newHandler(h, &suppressiontest.List{}).call() })
}

func TestTheOpenAPIFileHasTheDoubts(t *testing.T) {
	doubts := apitest.OpenAPI(t).Texts(t, "components", "schemas", "Doubt", "properties", "reason", "enum")
	if diff := cmp.Diff([]string{suppression.InvalidAddress, suppression.UnknownScope, suppression.Unreadable}, doubts); diff != "" {
		t.Errorf("(-code +file)\n%s", diff)
	}
}

func TestOpenAPIHasTheReasonsOfABasis(t *testing.T) {
	lacking := apitest.OpenAPI(t).Texts(t, "components", "schemas", "NoBasis", "properties", "reason", "enum")
	if diff := cmp.Diff([]string{suppression.BasisExpired, suppression.NoBasis}, lacking); diff != "" {
		t.Errorf("(-code +file)\n%s", diff)
	}
}
