//go:build stack

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"stille/shared/aws/dynamo"
	contacts "stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/suppression"
)

// TestAFailingStoreLosesNoOptOut cuts the e-mail links and the drain of their
// queue off from DynamoDB, and reconnects them. Kari opts out meanwhile. Ola
// and Per opted out before, opt out again and then consent again; Per opts out
// once more after that.
func TestAFailingStoreLosesNoOptOut(t *testing.T) {
	s := tellNew(t, io.Discard)
	kari, ola, per := s.newReader(t, "kari"), s.newReader(t, "ola"), s.newReader(t, "per")
	for _, r := range []reader{ola, per} {
		if got := s.optOutByMail(t, r.link); got.status != http.StatusOK {
			t.Fatalf("before: status %d", got.status)
		}
	}
	t.Cleanup(func() { s.giveStoreBack(t, names.Drain); s.giveStoreBack(t, names.UnsubscribeEmail) })
	s.takeStoreAway(t, names.UnsubscribeEmail)
	s.takeStoreAway(t, names.Drain)

	page, err := s.api.get(t.Context(), kari.link)
	if err := isPage(page); err != nil {
		t.Errorf("the page that asks needs no store: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.api.post(t.Context(), kari.link, url.Values{"action": {"unsubscribe"}})
	if err != nil || !waits(answer) || !strings.Contains(answer.body, "Your choice is noted") {
		t.Fatalf("the page's button: status %d, error %v", answer.status, err)
	}
	for _, r := range []reader{ola, per} {
		if got := s.optOutByMail(t, r.link); !waits(got) || !strings.Contains(got.body, "will be carried out") {
			t.Fatalf("one-click: status %d", got.status)
		}
		s.consentAnew(t, r)
	}
	if got := s.optOutByMail(t, per.link); !waits(got) {
		t.Fatalf("one-click: status %d", got.status)
	}
	for _, r := range []reader{kari, ola, per} {
		if err := s.expect(t.Context(), r.person, true, true); err != nil {
			t.Errorf("%s, while the opt-out waits: %v", r.name, err)
		}
	}
	s.lookIntoTheOutageQueue(t, kari, ola, per)

	s.giveStoreBack(t, names.Drain)
	// A failed message comes again after 30 seconds.
	if err := await(t.Context(), func(context.Context) (bool, error) { return s.left(t) == 0, nil }); err != nil {
		t.Fatalf("%v: %d messages", err, s.left(t))
	}
	for _, r := range []reader{kari, ola, per} {
		if err := s.expect(t.Context(), r.person, r.name == "ola", true); err != nil {
			t.Errorf("%s, once the store is back: %v", r.name, err)
		}
	}
	history, err := s.list().History(t.Context(), ola.key)
	if err != nil || len(history) != 3 || history[2].Action != ledger.Noted || history[2].At.After(history[1].At) {
		t.Errorf("want the opt-out, the consent and the older opt-out that waited: %d entries, error %v", len(history), err)
	}
	s.giveStoreBack(t, names.UnsubscribeEmail)
	if got := s.optOutByMail(t, ola.link); got.status != http.StatusOK {
		t.Errorf("after: status %d", got.status)
	}
	if n := s.left(t); n != 0 {
		t.Errorf("%d messages are left", n)
	}
}

// reader is a person with a link and the key of its address.
type reader struct {
	person
	name, link string
	key        contacts.Key
}

func (s *story) newReader(t *testing.T, name string) reader {
	t.Helper()
	p := s.newPerson("outage." + name)
	p.sms = map[string]string{"kari": "+4794", "ola": "+4795", "per": "+4796"}[name] + s.id
	minted, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	return reader{p, name, minted[0].URL, contacts.Key(minted[0].Key)}
}

func (s *story) optOutByMail(t *testing.T, link string) answer {
	t.Helper()
	got, err := s.api.post(t.Context(), link, url.Values{"List-Unsubscribe": {"One-Click"}})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// waits reports whether an answer says that the opt-out is not stored.
func waits(a answer) bool {
	return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
}

func (s *story) list() *dynamo.Suppressions {
	return dynamo.NewSuppressions(dynamo.NewClient(s.stack.Config()), names.DefaultStack)
}

func (s *story) consentAnew(t *testing.T, r reader) {
	t.Helper()
	now := time.Now()
	outcome, err := s.list().Apply(t.Context(), contacts.Known{Channel: contacts.Email, Keys: []contacts.Key{r.key}}, suppression.Change{
		Action: suppression.Release, Scope: s.stack.Scope, Reason: suppression.Unsubscribed, At: now, Source: suppression.SourceTool,
	}, now)
	if err != nil || outcome.Effect != suppression.Lifted {
		t.Fatalf("%s's consent: %q, error %v", r.name, outcome.Effect, err)
	}
}

// noStore is an address where nothing listens.
const noStore = "http://127.0.0.1:1"

// takeStoreAway gives a function a wrong address of DynamoDB; its next
// container uses it.
func (s *story) takeStoreAway(t *testing.T, function string) { s.store(t, function, noStore) }

func (s *story) giveStoreBack(t *testing.T, function string) { s.store(t, function, "") }

func (s *story) store(t *testing.T, function, endpoint string) {
	t.Helper()
	functions, name := lambda.NewFromConfig(s.stack.Config()), aws.String(names.DefaultStack.Function(function))
	ctx := context.Background() // the cleanup needs it after the test's context has ended
	got, err := functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil {
		t.Fatal(err)
	}
	variables := got.Environment.Variables
	delete(variables, "AWS_ENDPOINT_URL_DYNAMODB")
	if endpoint != "" {
		variables["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint
	}
	if _, err := functions.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: name, Environment: &lambdatypes.Environment{Variables: variables},
	}); err != nil {
		t.Fatal(err)
	}
}

// left is the number of messages in the queue and its dead-letter queue.
func (s *story) left(t *testing.T) int {
	t.Helper()
	queues, url := sqs.NewFromConfig(s.stack.Config()), s.waitingQueue(t)
	waiting := attributes(t, queues, url)
	var redrive struct{ DeadLetterTargetArn string }
	if err := json.Unmarshal([]byte(waiting["RedrivePolicy"]), &redrive); err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(redrive.DeadLetterTargetArn, "000000000000:")
	dead, err := queues.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, queue := range []map[string]string{waiting, attributes(t, queues, *dead.QueueUrl)} {
		for _, count := range []string{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"} {
			n, err := strconv.Atoi(queue[count])
			if err != nil {
				t.Fatal(err)
			}
			left += n
		}
	}
	return left
}

func attributes(t *testing.T, queues *sqs.Client, url string) map[string]string {
	t.Helper()
	got, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Attributes
}

func (s *story) waitingQueue(t *testing.T) string {
	t.Helper()
	door, err := lambda.NewFromConfig(s.stack.Config()).GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{
		FunctionName: aws.String(names.DefaultStack.Function(names.UnsubscribeEmail)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return door.Environment.Variables[names.VarOutageQueue]
}

// lookIntoTheOutageQueue finds each reader's opt-out, and no personal data, in
// the queue, including messages in flight, and in the logs.
func (s *story) lookIntoTheOutageQueue(t *testing.T, readers ...reader) {
	t.Helper()
	all, err := s.api.get(t.Context(), s.stack.Endpoint+"/_ministack/sqs/messages")
	if err != nil {
		t.Fatal(err)
	}
	var canaries []string
	for _, r := range readers {
		if !strings.Contains(all.body, string(r.key)) {
			t.Errorf("%s's opt-out is not in the queue", r.name)
		}
		canaries = append(canaries, r.email, r.sms[1:], r.link[strings.LastIndexByte(r.link, '/')+1:])
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
	look("the queue", all.body)
	err = await(t.Context(), func(context.Context) (bool, error) { // drain takes the queue's messages a moment later
		s.lookIntoLogs(t, look)
		return looked[s.stack.Logs+names.UnsubscribeEmail] > 0 && looked[s.stack.Logs+names.Drain] > 0, nil
	})
	if err != nil {
		t.Errorf("a function has logged nothing: %v", err)
	}
}
