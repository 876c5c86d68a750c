package sesmail_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/sdk/go"
	"stille/shared/sdk/go/sesmail"
)

const address = "https://links.acme.example/e/AbsG2g"

func link() client.Link {
	return client.Link{URL: address, Headers: map[string]string{
		"List-Unsubscribe": "<" + address + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	}}
}

func acme() sesmail.Sender { return sesmail.Sender{Scope: "acme", ConfigurationSet: "stille"} }

func text(s string) *types.Content { return &types.Content{Data: &s} }

func simple() *types.EmailContent {
	return &types.EmailContent{Simple: &types.Message{Subject: text("News"), Body: &types.Body{Text: text("Hello")}}}
}

func template() *types.EmailContent {
	return &types.EmailContent{Template: &types.Template{TemplateName: aws.String("spring"), TemplateData: aws.String("{}")}}
}

func raw(message string) *types.EmailContent {
	return &types.EmailContent{Raw: &types.RawMessage{Data: []byte(message)}}
}

func to(content *types.EmailContent) *sesv2.SendEmailInput {
	return &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("news@acme.example"),
		Destination:      &types.Destination{ToAddresses: []string{"kari@example.no"}},
		Content:          content,
	}
}

// header is a header line as SES reads it.
type header struct{ Name, Value string }

// sent is the request that leaves the SDK's client, as far as a link is
// concerned.
type sent struct {
	ConfigurationSetName string
	EmailTags            []header
	Content              struct {
		Simple, Template *struct{ Headers []header }
		Raw              *struct{ Data []byte }
	}
}

// send sends through the SDK's own client and returns what arrives.
func send(t *testing.T, in *sesv2.SendEmailInput) (sent, string) {
	t.Helper()
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v2/email/outbound-emails" {
			t.Errorf("%s %s", r.Method, r.URL.Path)
		}
		body, _ = io.ReadAll(r.Body)
		io.WriteString(w, `{"MessageId":"1"}`)
	}))
	defer server.Close()
	client := sesv2.New(sesv2.Options{
		BaseEndpoint: &server.URL, Region: "eu-north-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	if _, err := client.SendEmail(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	var got sent
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	return got, string(body)
}

func TestEveryFormOfContentLeavesWithBothHeaders(t *testing.T) {
	lines := []header{{"List-Unsubscribe", "<" + address + ">"}, {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}}
	before := []types.MessageHeader{{Name: aws.String("X-Campaign"), Value: aws.String("spring")}}
	const text = "List-Unsubscribe: <" + address + ">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
	for _, test := range []struct {
		name    string
		content *types.EmailContent
		want    func(*sent)
	}{
		{"simple", simple(), func(s *sent) { s.Content.Simple = &struct{ Headers []header }{lines} }},
		{"simple, with another header", func() *types.EmailContent {
			c := simple()
			c.Simple.Headers = before
			return c
		}(), func(s *sent) {
			s.Content.Simple = &struct{ Headers []header }{append([]header{{"X-Campaign", "spring"}}, lines...)}
		}},
		{"template", template(), func(s *sent) { s.Content.Template = &struct{ Headers []header }{lines} }},
		{"template, with another header", func() *types.EmailContent {
			c := template()
			c.Template.Headers = before
			return c
		}(), func(s *sent) {
			s.Content.Template = &struct{ Headers []header }{append([]header{{"X-Campaign", "spring"}}, lines...)}
		}},
		{"raw", raw("From: news@acme.example\r\nTo: kari@example.no\r\n\r\nHello\r\n"), func(s *sent) {
			s.Content.Raw = &struct{ Data []byte }{[]byte(text + "From: news@acme.example\r\nTo: kari@example.no\r\n\r\nHello\r\n")}
		}},
		{"raw, with the line ends of Unix", raw("From: news@acme.example\nSubject: a\n b\n\nHello\r\n"), func(s *sent) {
			s.Content.Raw = &struct{ Data []byte }{[]byte(strings.ReplaceAll(text, "\r", "") + "From: news@acme.example\nSubject: a\n b\n\nHello\r\n")}
		}},
		{"raw, with header-like text in its body", raw("From: a@acme.example\r\n\r\nList-Unsubscribe: none\r\n"), func(s *sent) {
			s.Content.Raw = &struct{ Data []byte }{[]byte(text + "From: a@acme.example\r\n\r\nList-Unsubscribe: none\r\n")}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := to(test.content)
			if err := acme().AddLink(in, link()); err != nil {
				t.Fatal(err)
			}
			want := sent{ConfigurationSetName: "stille", EmailTags: []header{{"brand", "acme"}}}
			test.want(&want)
			got, body := send(t, in)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if strings.Contains(body, "ListManagementOptions") {
				t.Error("SES would replace the link")
			}
		})
	}
}

func TestTheTagIsTheBrandOfTheScope(t *testing.T) {
	in := to(simple())
	in.EmailTags = []types.MessageTag{{Name: aws.String("campaign"), Value: aws.String("spring")}}
	sender := sesmail.Sender{Scope: "acme/newsletter", ConfigurationSet: "stille"}
	if err := sender.AddLink(in, link()); err != nil {
		t.Fatal(err)
	}
	got, _ := send(t, in)
	if diff := cmp.Diff([]header{{"campaign", "spring"}, {"brand", "acme"}}, got.EmailTags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestWhatIsThereAlreadyAndRightStays(t *testing.T) {
	in := to(simple())
	in.ConfigurationSetName = aws.String("stille")
	in.EmailTags = []types.MessageTag{{Name: aws.String("brand"), Value: aws.String("acme")}}
	if err := acme().AddLink(in, link()); err != nil {
		t.Fatal(err)
	}
	got, _ := send(t, in)
	if diff := cmp.Diff([]header{{"brand", "acme"}}, got.EmailTags); diff != "" || got.ConfigurationSetName != "stille" {
		t.Errorf("set %s, tags (-want +got):\n%s", got.ConfigurationSetName, diff)
	}
}

func TestRawRecipientsCountWithoutADestination(t *testing.T) {
	in := to(raw("From: a@acme.example\r\nTo: Kari Nordmann <kari@example.no>\r\n\r\n"))
	in.Destination = nil
	if err := acme().AddLink(in, link()); err != nil {
		t.Error(err)
	}
}

func TestARefusedMessageIsUnchanged(t *testing.T) {
	const mime = "From: a@acme.example\r\n"
	with := func(change func(*sesv2.SendEmailInput)) *sesv2.SendEmailInput {
		in := to(simple())
		change(in)
		return in
	}
	for _, test := range []struct {
		name, says string
		in         *sesv2.SendEmailInput
	}{
		{"no message", "no content", nil},
		{"no content", "no content", to(nil)},
		{"empty content", "0 of them", to(&types.EmailContent{})},
		{"two forms of content", "2 of them", to(&types.EmailContent{Simple: simple().Simple, Template: template().Template})},
		{"SES's own list management", "ListManagementOptions", with(func(in *sesv2.SendEmailInput) {
			in.ListManagementOptions = &types.ListManagementOptions{ContactListName: aws.String("all")}
		})},
		{"another configuration set", "configuration set other", with(func(in *sesv2.SendEmailInput) { in.ConfigurationSetName = aws.String("other") })},
		{"another brand's tag", "another brand", with(func(in *sesv2.SendEmailInput) {
			in.EmailTags = []types.MessageTag{{Name: aws.String("brand"), Value: aws.String("globex")}}
		})},
		{"two recipients", "several recipients", with(func(in *sesv2.SendEmailInput) { in.Destination.BccAddresses = []string{"ola@example.com"} })},
		{"simple with a link", "already", with(func(in *sesv2.SendEmailInput) {
			in.Content.Simple.Headers = []types.MessageHeader{{Name: aws.String("list-unsubscribe"), Value: aws.String("<x>")}}
		})},
		{"template with a link", "already", with(func(in *sesv2.SendEmailInput) {
			in.Content = template()
			in.Content.Template.Headers = []types.MessageHeader{{Name: aws.String("List-Unsubscribe-Post"), Value: aws.String("x")}}
		})},
		{"raw with a link", "already", to(raw(mime + "LIST-UNSUBSCRIBE: <x>\r\n\r\n"))},
		{"raw with half a link", "already", to(raw(mime + "List-Unsubscribe-Post: x\r\n\r\n"))},
		{"raw and signed", "signed", to(raw("DKIM-Signature: v=1\r\n" + mime + "\r\n"))},
		{"raw to two people", "several recipients", to(raw(mime + "To: a@example.no\r\nCc: b@example.no\r\n\r\n"))},
		{"raw to unnamed recipients", "several recipients", to(raw(mime + "To: a@example.no; b@example.no\r\n\r\n"))},
		{"raw without data", "header lines", to(raw(""))},
		{"raw without a header", "header lines", to(raw("\r\nHello"))},
		{"raw that begins in the midst of a line", "header lines", to(raw(" folded\r\n" + mime + "\r\n"))},
		{"raw text", "header lines", to(raw("Hello Kari!\r\n\r\n"))},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, _ := json.Marshal(test.in)
			err := acme().AddLink(test.in, link())
			if !errors.Is(err, sesmail.ErrRefused) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want %q", err, test.says)
			}
			if strings.Contains(err.Error(), "@") || strings.Contains(err.Error(), "AbsG2g") {
				t.Error("the error holds an address or a link")
			}
			after, _ := json.Marshal(test.in)
			if diff := cmp.Diff(string(before), string(after)); diff != "" {
				t.Errorf("message (-before +after):\n%s", diff)
			}
		})
	}
}

func TestALinkThatIsNoneIsRefused(t *testing.T) {
	const get, post = "List-Unsubscribe", "List-Unsubscribe-Post"
	for _, test := range []struct {
		name, says string
		spoil      func(*client.Link)
	}{
		{"an SMS link, without headers", "e-mail contact", func(l *client.Link) { l.Headers = nil }},
		{"without one-click", post, func(l *client.Link) { delete(l.Headers, post) }},
		{"another one-click", "must be", func(l *client.Link) { l.Headers[post] = "List-Unsubscribe=Two-Clicks" }},
		{"a line break", "line break", func(l *client.Link) { l.Headers[get] += "\r\nBcc: ola@example.com" }},
		{"a bare line feed", "line break", func(l *client.Link) { l.Headers[post] += "\nX: y" }},
		{"a letter beyond ASCII", "no header may", func(l *client.Link) { l.Headers[get] += "å" }},
		{"too long", "996", func(l *client.Link) { l.Headers[get] += strings.Repeat(" ", 996) }},
		{"a header with another link", "does not hold the link", func(l *client.Link) { l.URL += "x" }},
		{"without its address", "does not hold the link", func(l *client.Link) { l.URL, l.Headers[get] = "", "<>" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad, in := link(), to(simple())
			test.spoil(&bad)
			err := acme().AddLink(in, bad)
			if !errors.Is(err, sesmail.ErrRefused) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want %q", err, test.says)
			}
			if in.Content.Simple.Headers != nil || in.ConfigurationSetName != nil || in.EmailTags != nil {
				t.Error("the message was changed")
			}
		})
	}
}

func TestASenderThatIsNoneIsRefused(t *testing.T) {
	for name, sender := range map[string]sesmail.Sender{
		"no scope":             {ConfigurationSet: "stille"},
		"every scope":          {Scope: "*", ConfigurationSet: "stille"},
		"no scope at all":      {Scope: "Acme AS", ConfigurationSet: "stille"},
		"no configuration set": {Scope: "acme"},
	} {
		t.Run(name, func(t *testing.T) {
			in := to(simple())
			if err := sender.AddLink(in, link()); !errors.Is(err, sesmail.ErrRefused) || in.Content.Simple.Headers != nil {
				t.Errorf("error %v", err)
			}
		})
	}
}
