package vectorstest

import (
	"bytes"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed mail.json
var mails []byte

// MailCase is one message that a sender is given, and what must become of it.
type MailCase struct {
	Name     string                       `json:"name"`
	Scope    string                       `json:"scope"`   // acme if it is empty
	Message  json.RawMessage              `json:"message"` // a request of SES v2: SendBulkEmail, where it has BulkEmailEntries
	Outcomes []map[string]any             `json:"outcomes"`
	Mails    []map[string]json.RawMessage `json:"mails"` // members of the requests, or of the entries, that SES gets
	Links    json.RawMessage              `json:"links"` // the results, where they are not as usual
	Check    json.RawMessage              `json:"check"` // of the first check
	SES      string                       `json:"ses"`   // SES's error, the status of the first entry, or short
}

// MailCases returns the cases of the sender.
func MailCases() ([]MailCase, error) {
	var all []MailCase
	err := json.Unmarshal(mails, &all)
	return all, err
}

// Mail plays the API and SES for senders. Whose address begins with "no" may not
// be sent to.
type Mail struct {
	cases []MailCase
	now   func() time.Time
	seen  []MailSeen
	bad   []Answer // what must not be believed
}

// MailSeen is what was seen of one case's sender.
type MailSeen struct {
	Mails   int      `json:"mails"`
	Wrong   string   `json:"wrong"`
	checked []string // who may be sent to, as the latest request was told
}

// NewMail takes the answers that must not be believed from the vectors.
func NewMail(all []Vector, now func() time.Time) (*Mail, error) {
	cases, err := MailCases()
	if err != nil {
		return nil, fmt.Errorf("mail.json: %w", err)
	}
	m := &Mail{cases: cases, now: now, seen: make([]MailSeen, len(cases)+1)}
	for _, v := range all {
		var asked struct{ Contacts []json.RawMessage }
		one := json.Unmarshal(v.Calls[0].With, &asked) == nil && len(asked.Contacts) == 1
		unclear := one && v.Calls[0].Call == "check" && string(v.Calls[0].Expect) == `"unavailable"` && len(v.Calls) == 1
		slow := slices.Contains([]string{"slow", "hang", "hang-body", "drip", "drip-head", "long"}, v.Answers[0].Fault)
		if unclear && !slow && len(v.Answers) == 1 && len(v.Answers[0].Body) < 1000 && !strings.Contains(v.Answers[0].Body, "@1") {
			m.bad = append(m.bad, v.Answers[0])
		}
	}
	return m, nil
}

// Answer answers a request of case n: one beyond the last case is played with
// faults.
func (m *Mail) Answer(n int, route string, body []byte) Answer {
	seen := &m.seen[n]
	var c *MailCase
	if n < len(m.cases) {
		c = &m.cases[n]
	}
	var asked struct {
		Contacts []struct{ Address string }
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		seen.Wrong = "a body is not JSON"
	}
	var addresses []string
	for _, contact := range asked.Contacts {
		addresses = append(addresses, contact.Address)
	}
	switch route {
	case "v2/email/outbound-emails":
		return m.mail(c, seen, body)
	case "v2/email/outbound-bulk-emails":
		return m.bulk(c, seen, body)
	}
	seen.checked = nil
	if c == nil && rand.IntN(2) == 0 { //nolint:gosec // any of the faults
		fault := m.bad[rand.IntN(len(m.bad))] //nolint:gosec // likewise
		fault.Body = strings.ReplaceAll(fault.Body, strings.Repeat("A", 48), key(addresses[0]))
		return fault
	}
	if route == "v1/links" {
		return m.results("links", links(addresses), c, addresses)
	}
	seen.checked = slices.DeleteFunc(slices.Clone(addresses), func(address string) bool { return strings.HasPrefix(address, "no") })
	return m.results("check", checks(addresses), c, addresses)
}

func (m *Mail) results(route string, usual []map[string]any, c *MailCase, addresses []string) Answer {
	results, _ := json.Marshal(usual) //nolint:errchkjson // maps of text
	switch {
	case c != nil && route == "links" && c.Links != nil:
		results = c.Links
	case c != nil && route == "check" && c.Check != nil:
		results, c.Check = c.Check, nil
	}
	results = bytes.ReplaceAll(results, []byte("@key@"), []byte(key(addresses[0])))
	return Answer{Body: fill(fmt.Sprintf(`{"asOf":"@now@","results":%s}`, results), m.now())}
}

// mail takes one message.
func (m *Mail) mail(c *MailCase, seen *MailSeen, body []byte) Answer {
	if len(seen.checked) > 1 {
		seen.Wrong = "several recipients were checked at once"
	}
	seen.take(c, body)
	seen.checked = nil
	if c != nil && c.SES != "" || c == nil && rand.IntN(8) == 0 { //nolint:gosec // one in eight
		return refusal()
	}
	seen.Mails++
	return Answer{Body: fmt.Sprintf(`{"MessageId":"m-%d"}`, seen.Mails)}
}

func refusal() Answer {
	status, name := http.StatusBadRequest, "MessageRejected"
	return Answer{Status: &status, Headers: map[string]*string{"x-amzn-ErrorType": &name}, Body: `{"message":"kari@example.no is not verified"}`}
}

// short is the SES of a case whose answer has no results.
const short = "short"

// bulk takes the messages of one SendBulkEmail.
func (m *Mail) bulk(c *MailCase, seen *MailSeen, body []byte) Answer {
	var sent struct {
		ConfigurationSetName string
		BulkEmailEntries     []json.RawMessage
	}
	const most = 50
	if json.Unmarshal(body, &sent) != nil || sent.ConfigurationSetName != "stille" || len(sent.BulkEmailEntries) > most {
		seen.Wrong = "SES got no SendBulkEmail"
	}
	broken := c == nil && rand.IntN(8) == 0 //nolint:gosec // one in eight
	var results []map[string]string
	for _, entry := range sent.BulkEmailEntries {
		seen.take(c, entry)
		switch {
		case c != nil && c.SES == short:
		case c != nil && c.SES != "" && len(results) == 0, c == nil && rand.IntN(8) == 0: //nolint:gosec // likewise
			results = append(results, map[string]string{"Status": "ACCOUNT_THROTTLED", "Error": "kari@example.no"})
		case !broken:
			seen.Mails++
			results = append(results, map[string]string{"Status": "SUCCESS", "MessageId": fmt.Sprintf("m-%d", seen.Mails)})
		}
	}
	seen.checked = nil
	if broken {
		return refusal()
	}
	told, _ := json.Marshal(map[string]any{"BulkEmailEntryResults": results}) //nolint:errchkjson // maps of text
	return Answer{Body: string(told)}
}

// take looks at what goes to one recipient: a message, or an entry.
func (seen *MailSeen) take(c *MailCase, body []byte) {
	var sent struct {
		Destination           struct{ ToAddresses, CcAddresses, BccAddresses []string }
		ListManagementOptions any
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &sent) != nil || json.Unmarshal(body, &members) != nil {
		seen.Wrong = "SES got no JSON"
		return
	}
	to := slices.Concat(sent.Destination.ToAddresses, sent.Destination.CcAddresses, sent.Destination.BccAddresses)
	asked := slices.IndexFunc(seen.checked, func(address string) bool { return len(to) == 1 && strings.Contains(to[0], address) })
	switch {
	case len(to) != 1:
		seen.Wrong = "a message does not go to one recipient"
	case sent.ListManagementOptions != nil:
		seen.Wrong = "SES would replace the link"
	case asked < 0:
		seen.Wrong = "a message was sent to somebody who was not checked right before: " + to[0]
	case c == nil && !strings.Contains(string(body), strings.TrimPrefix(key(seen.checked[asked]), "key-")):
		seen.Wrong = "a message holds the link of another recipient"
	case c != nil && seen.Mails >= len(c.Mails):
		seen.Wrong = "too many messages were sent"
	case c != nil && seen.Wrong == "":
		seen.Wrong = different(c.Mails[seen.Mails], members)
	}
}

// different names the first member that is not as it must be.
func different(want, got map[string]json.RawMessage) string {
	for name, text := range want {
		var w, g any
		_ = json.Unmarshal(text, &w) // mail.json is JSON
		if json.Unmarshal(got[name], &g) != nil || !reflect.DeepEqual(w, readable(g)) {
			return fmt.Sprintf("%s is %s, want %s", name, got[name], text)
		}
	}
	return ""
}

// readable replaces the data of a template, JSON in a text, by what it says.
func readable(value any) any {
	members, _ := value.(map[string]any)
	for name, member := range members {
		var data any
		if text, ok := member.(string); ok && strings.HasSuffix(name, "TemplateData") && json.Unmarshal([]byte(text), &data) == nil {
			members[name] = data
		} else {
			readable(member)
		}
	}
	return value
}

// Wire is an answer as it travels; nothing, where the connection breaks.
func (m *Mail) Wire(a Answer) []byte {
	if a.Fault != "" {
		return nil
	}
	told := func(text string) string { return fill(text, m.now()) }
	body := encode(told(a.Body), a.Encode)
	return append([]byte(head(a, len(body), false, told)), body...)
}

// Seen returns what was seen of case n.
func (m *Mail) Seen(n int) MailSeen { return m.seen[n] }

func key(address string) string { return "key-" + hex.EncodeToString([]byte(strings.ToLower(address))) }

func url(address string) string {
	return "https://l.example/e/" + hex.EncodeToString([]byte(strings.ToLower(address))) + "?lang=nb&v=1"
}

func links(addresses []string) []map[string]any {
	var all []map[string]any
	for _, address := range addresses {
		all = append(all, map[string]any{"key": key(address), "url": url(address), "headers": map[string]string{
			"List-Unsubscribe": "<" + url(address) + ">", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		}})
	}
	return all
}

func checks(addresses []string) []map[string]any {
	var all []map[string]any
	for _, address := range addresses {
		result := map[string]any{"send": true, "key": key(address)}
		if strings.HasPrefix(address, "no") {
			result["send"], result["reason"] = false, "unsubscribed"
		}
		all = append(all, result)
	}
	return all
}

// serveMail answers a sender's request to mail/N/ROUTE, and mail/cases.
func (s *Server) serveMail(w http.ResponseWriter, r *http.Request, path string) {
	number, route, _ := strings.Cut(path, "/")
	n, err := strconv.Atoi(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch body, failed := io.ReadAll(r.Body); {
	case path == "cases":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(mails)
	case err != nil || n >= len(s.mail.seen) || failed != nil:
		http.NotFound(w, r)
	case route == "seen":
		_ = json.NewEncoder(w).Encode(s.mail.seen[n])
	default:
		answer := s.mail.Answer(n, route, body)
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			s.mail.seen[n].Wrong = "the connection cannot be taken over"
			return
		}
		defer connection.Close() //nolint:errcheck // the client may be gone
		s.write(connection, answer, 0)
	}
}
