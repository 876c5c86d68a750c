// Package phone stands in for AWS End User Messaging SMS, which the emulator
// lacks: it takes texts over the service's own protocol and shows them instead
// of sending them. The local stack and the tests have the same one. It promises
// to refuse what the service would refuse of a text's form.
package phone

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Sent is a text that was taken.
type Sent struct {
	ID   string `json:"id"`
	From string `json:"from"`
	To   string `json:"to"`
	Body string `json:"body"`
	Type string `json:"type"`
}

// Phone takes texts. The zero value is ready; GET /sent shows what it took, the
// oldest first.
type Phone struct {
	mu     sync.Mutex
	sent   []Sent
	refuse Refusal
}

// Refusal is an error of the service's. The zero value is none.
type Refusal struct {
	Type    string `json:"__type"` // "ThrottlingException", ...
	Message string `json:"message"`
	Reason  string `json:"Reason,omitempty"`
}

// Refuse has every text from now on refused; none with the zero value.
func (p *Phone) Refuse(with Refusal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = with
}

// Sent lists what was taken, the oldest first.
func (p *Phone) Sent() []Sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Sent{}, p.sent...)
}

// target is the only operation there is, as the AWS JSON protocol names it.
const target = "PinpointSMSVoiceV2.SendTextMessage"

// ServeHTTP is the service, and what shows what it took.
func (p *Phone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/sent":
		answer(w, http.StatusOK, "application/json", p.Sent())
	case r.Method == http.MethodPost && r.URL.Path == "/" && r.Header.Get("X-Amz-Target") == target:
		p.send(w, r)
	default:
		refuse(w, Refusal{Type: "UnknownOperationException", Message: "there is " + target + " and GET /sent"})
	}
}

func (p *Phone) send(w http.ResponseWriter, r *http.Request) {
	var in struct{ OriginationIdentity, DestinationPhoneNumber, MessageBody, MessageType string }
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		refuse(w, Refusal{Type: "SerializationException", Message: "the body is no JSON"})
		return
	}
	text := Sent{ID: strings.ToLower(rand.Text()), From: in.OriginationIdentity, To: in.DestinationPhoneNumber, Body: in.MessageBody, Type: in.MessageType}
	if field := text.wrong(); field != "" {
		refuse(w, Refusal{Type: "ValidationException", Message: field + " is missing or wrong", Reason: "FIELD_VALIDATION_FAILED"})
		return
	}
	p.mu.Lock()
	refusal := p.refuse
	if refusal == (Refusal{}) {
		p.sent = append(p.sent, text)
	}
	p.mu.Unlock()
	if refusal != (Refusal{}) {
		refuse(w, refusal)
		return
	}
	answer(w, http.StatusOK, contentType, map[string]string{"MessageId": text.ID})
}

// wrong names a field that the service would refuse, "" if there is none.
func (s Sent) wrong() string {
	const longest = 1600 // characters
	switch {
	case !regexp.MustCompile(`^\+?[1-9][0-9]{1,18}$`).MatchString(s.To):
		return "DestinationPhoneNumber"
	case !regexp.MustCompile(`^[A-Za-z0-9_:/+-]{1,256}$`).MatchString(s.From):
		return "OriginationIdentity"
	case strings.TrimSpace(s.Body) == "" || utf8.RuneCountInString(s.Body) > longest:
		return "MessageBody"
	case !slices.Contains([]string{"TRANSACTIONAL", "PROMOTIONAL"}, s.Type):
		return "MessageType"
	}
	return ""
}

const contentType = "application/x-amz-json-1.0"

func refuse(w http.ResponseWriter, with Refusal) {
	answer(w, http.StatusBadRequest, contentType, with)
}

func answer(w http.ResponseWriter, status int, kind string, body any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	// Encode fails only if the caller is gone.
	_ = json.NewEncoder(w).Encode(body)
}
