package sesmail_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
)

// A mail to one recipient, with its link, its check and the call of SES, against
// the call of SES by the same client and two plain calls. All servers answer at once.
func BenchmarkSenderMail(b *testing.B) {
	const key = "0P7oMZsW0vTtXSJUGb9mQxGDHGlkA1NtVJ3CUlEOLyhIqT1c"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		answer := `{"MessageId":"1"}`
		switch {
		case strings.HasSuffix(r.URL.Path, "/links"):
			answer = `{"results":[{"key":"` + key + `","url":"` + address + `","headers":{"List-Unsubscribe":"<` + address + `>","List-Unsubscribe-Post":"List-Unsubscribe=One-Click"}}]}`
		case strings.HasSuffix(r.URL.Path, "/check"):
			answer = `{"asOf":"` + time.Now().UTC().Format(time.RFC3339) + `","results":[{"send":true,"key":"` + key + `"}]}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	api, err := client.New(server.URL, "stille_key")
	if err != nil {
		b.Fatal(err)
	}
	ses := sesv2.New(sesv2.Options{
		BaseEndpoint: &server.URL, Region: "eu-north-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	sender := sesmail.Sender{API: api, SES: ses, Scope: "acme", ConfigurationSet: "stille"}
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			for _, route := range []string{"/v1/links", "/v1/check"} {
				answer, err := http.Post(server.URL+route, "application/json", bytes.NewReader([]byte(`{"scope":"acme","contacts":[{"channel":"email","address":"kari@example.no"}]}`)))
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
			if _, err := ses.SendEmail(b.Context(), to(simple())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			if outcomes, err := sender.Send(b.Context(), to(simple())); err != nil || !outcomes[0].Sent {
				b.Fatal(err, outcomes)
			}
		}
	})
}
