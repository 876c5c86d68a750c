package phone_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/sms/phone"
)

// post sends a request of the service's protocol and returns the answer's
// status and text.
func post(t *testing.T, p *phone.Phone, target, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", target)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const send = "PinpointSMSVoiceV2.SendTextMessage"

func TestWhatTheServiceWouldRefuseIsRefused(t *testing.T) {
	const from, to, body, kind = `"OriginationIdentity":"+4759440000"`, `"DestinationPhoneNumber":"+4791234567"`, `"MessageBody":"Hei"`, `"MessageType":"TRANSACTIONAL"`
	text := func(fields ...string) string { return "{" + strings.Join(fields, ",") + "}" }
	for _, c := range []struct{ name, target, body, says string }{
		{"another operation", "PinpointSMSVoiceV2.SendVoiceMessage", text(from, to, body, kind), "UnknownOperationException"},
		{"no JSON", send, "From=1", "SerializationException"},
		{"nobody to send to", send, text(from, body, kind), "DestinationPhoneNumber"},
		{"a name to send to", send, text(from, `"DestinationPhoneNumber":"Kari"`, body, kind), "DestinationPhoneNumber"},
		{"nobody who sends", send, text(to, body, kind), "OriginationIdentity"},
		{"no text", send, text(from, to, `"MessageBody":" "`, kind), "MessageBody"},
		{"too long a text", send, text(from, to, `"MessageBody":"`+strings.Repeat("å", 1601)+`"`, kind), "MessageBody"},
		{"another type", send, text(from, to, body, `"MessageType":"MARKETING"`), "MessageType"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p phone.Phone
			status, answer := post(t, &p, c.target, c.body)
			if status != http.StatusBadRequest || !strings.Contains(answer, c.says) || len(p.Sent()) != 0 {
				t.Errorf("status %d, %d sent: %s", status, len(p.Sent()), answer)
			}
		})
	}
}

func TestWhatWasSentIsShownInItsOrder(t *testing.T) {
	var p phone.Phone
	server := httptest.NewServer(&p)
	defer server.Close()
	shown := func() []phone.Sent {
		t.Helper()
		resp, err := http.Get(server.URL + "/sent")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		var sent []phone.Sent
		if err := json.Unmarshal(body, &sent); err != nil || sent == nil {
			t.Fatalf("no list: %s", body)
		}
		return sent
	}
	if got := shown(); len(got) != 0 {
		t.Errorf("shown at first: %v", got)
	}
	for _, body := range []string{"en", "to"} {
		if status, answer := post(t, &p, send, `{"OriginationIdentity":"+4759440000","DestinationPhoneNumber":"+4791234567","MessageBody":"`+body+`","MessageType":"TRANSACTIONAL"}`); status != http.StatusOK {
			t.Fatalf("status %d: %s", status, answer)
		}
	}
	var bodies []string
	for _, s := range shown() {
		bodies = append(bodies, s.Body)
	}
	if diff := cmp.Diff([]string{"en", "to"}, bodies); diff != "" {
		t.Errorf("shown (-want +got)\n%s", diff)
	}
}
