package vectorstest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/google/go-cmp/cmp"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
	"stille/shared/sdk/vectorstest"
)

// post plays API and SES without a network, for a client of either.
type post struct {
	mail *vectorstest.Mail
	n    int
}

func (p post) RoundTrip(r *http.Request) (*http.Response, error) { return p.Do(r) }

func (p post) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	wire := p.mail.Wire(p.mail.Answer(p.n, strings.TrimPrefix(r.URL.Path, "/"), body))
	if len(wire) == 0 {
		return nil, errors.New("reset")
	}
	return http.ReadResponse(bufio.NewReader(bytes.NewReader(wire)), r)
}

// sender returns a sender through the ordinary client of SES.
func sender(t *testing.T, mail *vectorstest.Mail, n int, scope string) sesmail.Sender {
	t.Helper()
	way := post{mail, n}
	api, err := client.New("https://api.example", vectorstest.Key, client.WithTransport(way), client.WithRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	return sesmail.Sender{API: api, Scope: scope, ConfigurationSet: "stille", SES: sesv2.New(sesv2.Options{
		Region: "eu-north-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: way,
	})}
}

// quick is SES without the work of its ordinary client.
type quick struct{ post }

func (q quick) SendEmail(_ context.Context, in *sesv2.SendEmailInput, _ ...func(*sesv2.Options)) (*sesv2.SendEmailOutput, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	answer := q.mail.Answer(q.n, "v2/email/outbound-emails", body)
	if answer.Status != nil {
		return nil, errors.New("refused")
	}
	var out sesv2.SendEmailOutput
	return &out, json.Unmarshal([]byte(answer.Body), &out)
}

func (q quick) SendBulkEmail(_ context.Context, in *sesv2.SendBulkEmailInput, _ ...func(*sesv2.Options)) (*sesv2.SendBulkEmailOutput, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	answer := q.mail.Answer(q.n, "v2/email/outbound-bulk-emails", body)
	if answer.Status != nil {
		return nil, errors.New("refused")
	}
	var out sesv2.SendBulkEmailOutput
	return &out, json.Unmarshal([]byte(answer.Body), &out)
}

func newMail(t *testing.T) (*vectorstest.Mail, []vectorstest.MailCase) {
	t.Helper()
	all, err := vectorstest.All()
	if err != nil {
		t.Fatal(err)
	}
	mail, err := vectorstest.NewMail(all, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := vectorstest.MailCases()
	if err != nil {
		t.Fatal(err)
	}
	return mail, cases
}

func TestTheGoSenderDoesWhatTheCasesSay(t *testing.T) {
	t.Parallel()
	mail, cases := newMail(t)
	for n, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			scope := c.Scope
			if scope == "" {
				scope = "acme"
			}
			outcomes, err := send(t, sender(t, mail, n, scope), c.Message)
			if err != nil {
				t.Fatal(err)
			}
			sent := 0
			for i, o := range outcomes {
				got := map[string]any{"sent": o.Sent, "reason": o.Reason, "detail": o.Detail}
				want := map[string]any{}
				for name := range got {
					want[name] = got[name]
				}
				for name, value := range c.Outcomes[i] {
					want[name] = value
				}
				if diff := cmp.Diff(want, got); diff != "" || o.Sent == (o.MessageID == "") {
					t.Errorf("outcome %d (-want +got)\n%s", i, diff)
				}
				if text := fmt.Sprintf("%+v", o); strings.Contains(text, "@") {
					t.Error("an address is shown")
				}
				if o.Sent {
					sent++
				}
			}
			if seen := mail.Seen(n); seen.Wrong != "" || seen.Mails != sent || len(outcomes) != len(c.Outcomes) {
				t.Errorf("%d of %d outcomes are sent, SES saw %d mails and %q", sent, len(outcomes), seen.Mails, seen.Wrong)
			}
		})
	}
}

// send sends a request of SendEmail, or of SendBulkEmail.
func send(t *testing.T, s sesmail.Sender, message []byte) ([]sesmail.Outcome, error) {
	t.Helper()
	var one sesv2.SendEmailInput
	var many sesv2.SendBulkEmailInput
	if err := errors.Join(json.Unmarshal(message, &one), json.Unmarshal(message, &many)); err != nil {
		t.Fatal(err)
	}
	if many.BulkEmailEntries != nil {
		return s.SendBulk(t.Context(), &many)
	}
	return s.Send(t.Context(), &one)
}

func TestAMessageWithoutRecipientsIsRefused(t *testing.T) {
	mail, _ := newMail(t)
	for _, in := range []*sesv2.SendEmailInput{nil, {}} {
		if outcomes, err := sender(t, mail, 0, "acme").Send(t.Context(), in); !errors.Is(err, sesmail.ErrRefused) || len(outcomes) > 0 {
			t.Errorf("%d outcomes, error %v", len(outcomes), err)
		}
	}
	for _, message := range []string{`{"Destination":{"ToAddresses":["kari@example.no"]}}`, `{"BulkEmailEntries":[{}]}`} {
		if _, err := send(t, sesmail.Sender{}, []byte(message)); err == nil {
			t.Error("a sender without clients sends")
		}
	}
	if _, err := send(t, sender(t, mail, 0, "acme"), []byte(`{"BulkEmailEntries":[]}`)); !errors.Is(err, sesmail.ErrRefused) {
		t.Errorf("no entries: %v", err)
	}
}

// Half of all answers of the API must not be believed; most of these have a yes in
// them. One in eight calls of SES fails.
func TestNoFaultSendsToTheSilent(t *testing.T) {
	t.Parallel()
	mail, cases := newMail(t)
	s := sender(t, mail, len(cases), "acme")
	s.SES = quick{post{mail, len(cases)}}
	sent := 0
	for n := range rounds {
		sent += sendOnce(t, s, n)
	}
	seen := mail.Seen(len(cases))
	if seen.Wrong != "" || sent != seen.Mails || sent < rounds/20 {
		t.Errorf("%d sent, SES saw %d, and %q", sent, seen.Mails, seen.Wrong)
	}
}

// sendOnce sends one message, or every tenth time a bulk, and returns how many were
// sent.
func sendOnce(t *testing.T, s sesmail.Sender, n int) int {
	address := func(n int) string { return fmt.Sprintf("%s%d@example.no", []string{"no.", ""}[n%2], n%5000) }
	message := fmt.Sprintf(`{"Destination":{"ToAddresses":[%q]},"Content":{"Simple":{"Subject":{"Data":"News"},"Body":{"Text":{"Data":"Hello"}}}}}`, address(n))
	if n%10 < 2 {
		var entries []string
		count := 1 + n%3
		if n%100 == 0 {
			count = 51 // more than one call of SES
		}
		for more := range count {
			entries = append(entries, fmt.Sprintf(`{"Destination":{"ToAddresses":[%q]}}`, address(n+more)))
		}
		message = `{"DefaultContent":{"Template":{"TemplateName":"spring"}},"BulkEmailEntries":[` + strings.Join(entries, ",") + `]}`
	}
	outcomes, err := send(t, s, []byte(message))
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, o := range outcomes {
		if o.Sent {
			sent++
		}
		if o.Sent == (o.Reason != "") {
			t.Fatalf("sent is %v, for the reason %q", o.Sent, o.Reason)
		}
	}
	return sent
}
