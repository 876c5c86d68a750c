package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/names"
)

// starts is the number of starts of each program.
const starts = 61

// BenchmarkStart measures the time from the start of check's process to the
// first answer against a bare handler. The store answers at once. Reading the
// store costs every program the SDK's own start and four first requests: the
// difference between bare and reach. Start leaves that difference out.
func BenchmarkStart(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		programs := buildPrograms(b, "functions/check", "scripts/bench/bare", "scripts/bench/reach")
		h := apitest.New(b)
		event, err := json.Marshal(h.Post(`{"scope":"acme","contacts":[{"channel":"email","address":"kari@example.no"}]}`))
		if err != nil {
			b.Fatal(err)
		}
		server := httptest.NewServer(emptyStore(b, h))
		defer server.Close()
		took := make(map[string][]time.Duration)
		for range starts {
			for name, program := range programs {
				once, body := firstAnswer(b, program, server.URL, event)
				if name == "check" && !strings.Contains(body, `"send":true`) {
					b.Fatalf("check answered: %s", body)
				}
				took[name] = append(took[name], once)
			}
		}
		check, bare, reach := median(took["check"]), median(took["bare"]), median(took["reach"])
		b.ReportMetric(milliseconds(startWithoutStore(check, bare, reach)), "Start-ours-ms")
		b.ReportMetric(milliseconds(bare), "Start-raw-ms")
		b.ReportMetric(milliseconds(check), "StartWithStore-ours-ms")
		b.ReportMetric(milliseconds(reach), "StartWithStore-raw-ms")
	})
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

func startWithoutStore(check, bare, reach time.Duration) time.Duration { return check - (reach - bare) }

// Reading the store took seven of the ten milliseconds that check took more
// than the bare handler.
func TestStartLeavesTheStoreOut(t *testing.T) {
	const ms = time.Millisecond
	if got := startWithoutStore(15*ms, 5*ms, 12*ms); got != 8*ms {
		t.Errorf("%v, want 8ms", got)
	}
}

// firstAnswer starts a program and returns the time to its first answer, and
// the answer's body. The answer must have the status 200.
func firstAnswer(b *testing.B, program, endpoint string, event []byte) (time.Duration, string) {
	b.Helper()
	began := time.Now()
	p, err := startProcess(b.Context(), program, endpoint)
	if err != nil {
		b.Fatal(err)
	}
	defer p.end()
	answer, err := p.invoke(b.Context(), event)
	took := time.Since(began)
	if err != nil {
		b.Fatal(err)
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal([]byte(answer), &response); err != nil || response.StatusCode != http.StatusOK {
		b.Fatalf("%s answered: %.200s", program, answer)
	}
	return took, response.Body
}

// emptyStore answers at once for Secrets Manager and DynamoDB: it has the key
// sets with their canaries, the tool of the house, and no suppression.
func emptyStore(b *testing.B, h *apitest.House) http.HandlerFunc {
	b.Helper()
	canaries, err := h.Contacts.Canaries()
	if err != nil {
		b.Fatal(err)
	}
	item := attributes{names.AttrKey: {S: "canaries"}}
	for id, canary := range canaries {
		item[id] = attribute{S: string(canary)}
	}
	tool := fmt.Sprintf(`{"Item":{"hash":{"S":%q},"name":{"S":"bench"},"rights":{"L":[{"S":%q}]},"scopes":{"L":[{"S":"*"}]},"createdAt":{"S":"2026-11-22T03:00:00Z"}}}`,
		access.Hash(h.APIKey), access.Check)
	return func(w http.ResponseWriter, req *http.Request) {
		var asked struct {
			call
			SecretId string //nolint:revive,staticcheck // the name in AWS's API
		}
		if err := json.NewDecoder(req.Body).Decode(&asked); err != nil {
			http.Error(w, "no request", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		answer := `{}`
		switch {
		case strings.HasSuffix(req.Header.Get("X-Amz-Target"), ".GetSecretValue"):
			secret, _ := h.GetSecretValue(req.Context(), &secretsmanager.GetSecretValueInput{SecretId: &asked.SecretId})
			answer = marshal(secret)
		case asked.TableName == benchStack.Table(names.TableTools):
			answer = tool
		case asked.Key[names.AttrKey].S == "canaries":
			answer = marshal(map[string]any{"Item": item})
		}
		_, _ = w.Write([]byte(answer))
	}
}
