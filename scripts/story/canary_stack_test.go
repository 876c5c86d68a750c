//go:build stack

package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/names"
	"stille/shared/retention"
)

// raw sends a request unchanged, and returns the answer.
func (s *story) raw(t *testing.T, method, url, key, contentType, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	got, err := s.api.do(req)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// knockAtTheLinks sends bad requests with personal data to a link, and passes
// on every answer.
func (s *story) knockAtTheLinks(t *testing.T, p person, link string, look func(where, text string)) {
	t.Helper()
	const form = "application/x-www-form-urlencoded"
	token := link[strings.LastIndexByte(link, '/')+1:]
	for _, knock := range []struct{ method, url, contentType, body string }{
		{http.MethodGet, s.stack.Links + "/e/" + p.email, form, ""},
		{http.MethodGet, s.stack.Links + "/s/" + token, form, ""},
		{http.MethodGet, link + "?lang=" + p.email, form, ""},
		{http.MethodGet, s.stack.Links + "/nowhere/" + p.email, form, ""},
		{http.MethodPut, link, form, p.email},
		{http.MethodOptions, link, form, ""},
		{http.MethodPost, link, "text/plain", p.email},
		{http.MethodPost, link, "multipart/form-data; boundary=" + p.sms[1:], "--" + p.sms[1:] + "\r\nno part " + p.email},
		{http.MethodPost, link, form, "action=" + p.email + "&List-Unsubscribe=" + p.sms},
		{http.MethodPost, link, form, "%zz" + p.email},
		{http.MethodPost, link, form, strings.Repeat(p.email+"&", 500)},
		{http.MethodPost, s.stack.Links + "/e/" + token + "x", form, "action=" + p.email},
	} {
		got := s.raw(t, knock.method, knock.url, "", knock.contentType, knock.body)
		if got.status >= http.StatusInternalServerError {
			t.Errorf("%s with %d bytes is answered with %d", knock.method, len(knock.body), got.status)
		}
		if got.status != http.StatusNotFound || strings.Contains(knock.url, "/e/"+token) { // the gateway's message repeats nothing of the request
			look("what the links answer", got.body)
		}
	}
}

// routes are the tools' routes, each with a request that is valid except for
// BAD.
func (s *story) routes(p person) map[string]string {
	contacts := `"contacts":[{"channel":"email","address":"` + p.email + `"},{"channel":"sms","address":"` + p.sms + `"}]`
	return map[string]string{
		names.RouteCheck:        `{"scope":"acme","purpose":"BAD",` + contacts + `}`,
		names.RouteLinks:        `{"scope":"BAD","lang":"nb",` + contacts + `}`,
		names.RouteSuppressions: `{"scope":"acme","reason":"stop","note":"BAD",` + contacts + `}`,
		names.RouteRelease:      `{"scope":"acme","consentedAt":"2026-01-01T00:00:00Z","evidence":"BAD",` + contacts + `}`,
		names.RouteRecordsEnded: `{"class":"messaging","at":null,"scope":"BAD",` + contacts + `}`,
		names.RouteRecords: `{"class":"` + retention.Messaging + `","records":[{"id":"BAD","scope":"acme","basis":"customer",` +
			`"occurredAt":"2026-01-01T00:00:00Z","contact":{"channel":"email","address":"` + p.email + `"},"data":{}}]}`,
	}
}

// knockAtTheAPI sends bad requests to every route, and passes on the answers.
func (s *story) knockAtTheAPI(t *testing.T, p person, look func(where, text string)) {
	t.Helper()
	scope := `"scope":"` + s.stack.APIKey + `"`
	keyForScope := strings.NewReplacer(`"scope":"acme"`, scope, `"scope":"BAD"`, scope, "BAD", "!")
	for route, request := range s.routes(p) {
		for name, bad := range map[string]struct{ key, body string }{
			"an address where none belongs": {s.stack.APIKey, strings.ReplaceAll(request, "BAD", p.email)},
			"a number where none belongs":   {s.stack.APIKey, strings.ReplaceAll(request, "BAD", p.sms)},
			"an API key for a scope":        {s.stack.APIKey, keyForScope.Replace(request)},
			"no JSON":                       {s.stack.APIKey, p.email},
			"a body that is cut off":        {s.stack.APIKey, request[:len(request)-2]},
			"an address for a field's name": {s.stack.APIKey, `{"` + p.email + `":1,` + request[1:]},
			"another shape":                 {s.stack.APIKey, `{"scope":{"` + p.email + `":1},"contacts":"` + p.sms + `","records":"` + p.sms + `"}`},
			"an address for a key":          {p.email, request},
			"another key":                   {s.stack.APIKey[:len(s.stack.APIKey)-1], request},
			"no key":                        {"", request},
		} {
			got := s.raw(t, http.MethodPost, s.stack.API+route, bad.key, "application/json", bad.body)
			if got.status < 400 || got.status >= 500 {
				t.Errorf("%s with %s is answered with %d", route, name, got.status)
			}
			look("what the API answers", got.body)
		}
	}
}

// tellOf makes SES and the phone report on a person, also in malformed
// messages, and waits until both were taken.
func (s *story) tellOf(t *testing.T, p person) {
	t.Helper()
	s.reportText(t, `{"eventType":"`+p.email+`","mail":{"destination":["`+p.email+`"]}}`)
	s.reportText(t, `{"eventType":"Bounce","bounce":{"bounceType":"`+p.email+`","bounceSubType":"`+p.sms+`"}}`)
	s.reportText(t, `{"eventType":"Complaint","complaint":{"complaintFeedbackType":"`+p.email+`","timestamp":"2026-01-01T00:00:00Z",`+
		`"complainedRecipients":[{"emailAddress":"`+p.sms+`"},{"emailAddress":"`+p.email+`"}]},"mail":{"tags":{"brand":["`+p.email+`"]}}}`)
	eventually(t, "the complaint is not stored", func() bool { return strings.Contains(s.answers(t, "globex", p)[0], "complaint") })
	// The recipient without an address makes the event fail, so its queue stays
	// busy.
	queues, feedback := sqs.NewFromConfig(s.stack.Config()), s.queueOf(t, names.Feedback)
	if _, err := queues.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &feedback}); err != nil {
		t.Fatal(err)
	}
	s.writeBack(t, texted{"odd-" + s.id, p.email, "stop " + p.email})
	s.writeBack(t, texted{"ignored-" + s.id, p.sms, "my address is " + p.email})
	s.writeBack(t, texted{"stop-" + s.id, p.sms, "please stop " + p.email})
	eventually(t, "the reply is not stored", func() bool { return !s.smsIn(t, p, "acme").Send && s.smsIn(t, p, "acme").Reason != "" })
}

// hear subscribes a queue to the bus.
func (s *story) hear(t *testing.T) (queue string) {
	t.Helper()
	cfg := s.stack.Config()
	name, bus := aws.String("canary-"+s.id[:2]), aws.String(names.DefaultStack.Bus())
	made, err := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: name})
	if err != nil {
		t.Fatal(err)
	}
	events := eventbridge.NewFromConfig(cfg)
	if _, err := events.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: name, EventBusName: bus, EventPattern: aws.String(`{"source":["stille"]}`)}); err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:sqs:" + s.stack.Region + ":000000000000:" + *name
	if _, err := events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: name, EventBusName: bus, Targets: []eb.Target{{Id: aws.String("q"), Arn: &arn}}}); err != nil {
		t.Fatal(err)
	}
	return aws.ToString(made.QueueUrl)
}

// The places where a canary may be for a moment, and from which it must
// disappear.
const (
	queuesLeft = "the queues, once all is done"
	onTheBus   = "the bus"
)

// lookIntoTheQueues searches every queue after the messages about people were
// taken, and searches the events.
func (s *story) lookIntoTheQueues(t *testing.T, heard string, look func(where, text string)) {
	t.Helper()
	queues := sqs.NewFromConfig(s.stack.Config())
	got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &heard, MaxNumberOfMessages: 10, WaitTimeSeconds: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range got.Messages {
		look(onTheBus, aws.ToString(m.Body))
	}
	if err := await(t.Context(), func(context.Context) (bool, error) {
		return s.takenFrom(t, names.Feedback) && s.takenFrom(t, names.SMSReply), nil
	}); err != nil {
		t.Fatalf("%v: what tells of people is still in a queue", err)
	}
	all := s.raw(t, http.MethodGet, s.stack.Endpoint+"/_ministack/sqs/messages", "", "", "")
	if all.status != http.StatusOK {
		t.Fatalf("the emulator answers %d", all.status)
	}
	look(queuesLeft, all.body)
}

// takenFrom reports whether a function's queue is empty.
func (s *story) takenFrom(t *testing.T, function string) bool {
	t.Helper()
	a := attributes(t, sqs.NewFromConfig(s.stack.Config()), s.queueOf(t, function))
	return a["ApproximateNumberOfMessages"] == "0" && a["ApproximateNumberOfMessagesNotVisible"] == "0"
}

func TestNoDoorKeepsPersonalData(t *testing.T) {
	s := tellNew(t, io.Discard)
	p, heard := s.newPerson("knocks"), s.hear(t)
	minted, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	canaries := []string{p.email, p.sms[1:], p.sms[3:], s.stack.APIKey[:20], "knocks." + s.id}
	for _, m := range minted {
		canaries = append(canaries, m.URL[strings.LastIndexByte(m.URL, '/')+1:])
	}
	looked := map[string]int{}
	look := func(where, text string) {
		looked[where]++
		for n, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("canary %d is in %s", n, where)
			}
		}
	}
	s.knockAtTheLinks(t, p, minted[0].URL, func(where, text string) {
		// A page's form returns to its link and to no other.
		look(where, strings.ReplaceAll(text, canaries[5], ""))
	})
	s.knockAtTheAPI(t, p, look)
	s.tellOf(t, p)
	for _, command := range [][]string{{"history", "email", p.email}, {"hold", "set", "--case", "knocks", "--reason", "claim", "--contact", "sms", p.sms}} {
		out, err := s.operator(t.Context(), command...)
		if err != nil {
			t.Fatal(err)
		}
		look("what the CLI prints", out)
	}
	s.lookIntoTables(t, look)
	s.lookIntoLogs(t, look)
	s.lookIntoBuckets(t, look)
	s.lookIntoTheQueues(t, heard, look)
	stack := names.DefaultStack
	for _, place := range []string{
		"what the links answer", "what the API answers", "what the CLI prints", onTheBus, queuesLeft,
		stack.Table(names.TableSuppressions), stack.Table(names.TableLedger), stack.Table(names.TableHolds),
		s.stack.Logs + names.UnsubscribeEmail, s.stack.Logs + names.Feedback, s.stack.Logs + names.SMSReply, s.stack.Logs + names.Check,
	} {
		if looked[place] == 0 {
			t.Errorf("there was nothing to look into in %s", place)
		}
	}
}
