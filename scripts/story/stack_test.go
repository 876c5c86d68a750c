//go:build stack

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eb "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/scripts/local"
	"stille/shared/certificate"
	"stille/shared/evidence"
	"stille/shared/keys"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
	"stille/shared/schema"
)

// deployed is the stack of all tests of this package: one deploy serves them.
var deployed struct {
	root  string
	place local.Place
	stack local.Stack
}

func TestMain(m *testing.M) { os.Exit(onAStack(m)) }

func onAStack(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, "no stack to test on:", err)
		return 1
	}
	var err error
	if deployed.root, err = local.Root(); err != nil {
		return fail(err)
	}
	if deployed.place, err = local.Passing(deployed.root); err != nil {
		return fail(err)
	}
	defer func() {
		if err := local.Down(deployed.place); err != nil {
			fmt.Fprintln(os.Stderr, "ending the test's stack:", err)
		}
	}()
	if deployed.stack, err = local.Up(context.Background(), deployed.place, os.Stderr); err != nil {
		return fail(err)
	}
	return m.Run()
}

func tellNew(t *testing.T, out io.Writer) *story {
	t.Helper()
	s, err := newStory(deployed.root, deployed.place.File, deployed.stack, out)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *story) somebody(name string) person {
	return person{email: name + "." + s.id + "@example.no", sms: "+4793" + s.id}
}

func TestTheStoryIsTrueEveryTimeItIsTold(t *testing.T) {
	for range 2 {
		var out bytes.Buffer
		if err := tellNew(t, &out).tell(t.Context()); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
}

func TestASecondDeployKeepsTheDataAndTheKeys(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.somebody("stays")
	if err := s.optOut(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	again, err := local.Up(t.Context(), deployed.place, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if again.APIKey != deployed.stack.APIKey || again.Links != deployed.stack.Links {
		t.Error("the key or the links' address changed")
	}
	if err := s.expect(t.Context(), p, false, false); err != nil {
		t.Error(err)
	}
	answer, err := s.api.get(t.Context(), s.links[0])
	if err != nil || answer.status != http.StatusOK {
		t.Errorf("an old link answers %d, error %v", answer.status, err)
	}
}

// TestNoActionOnOneChannelChangesTheOther sends random requests to both links
// of one person and holds every check against what the last write on that
// channel was.
func TestNoActionOnOneChannelChangesTheOther(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.somebody("random")
	links, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	actions := []struct {
		name string
		do   func(link string) (answer, error)
		send func(before bool) bool
	}{
		{"GET", func(l string) (answer, error) { return s.api.get(t.Context(), l) }, func(b bool) bool { return b }},
		{"one-click", func(l string) (answer, error) {
			return s.api.post(t.Context(), l, url.Values{"List-Unsubscribe": {"One-Click"}})
		}, func(bool) bool { return false }},
		{"page", func(l string) (answer, error) {
			return s.api.post(t.Context(), l, url.Values{"action": {"unsubscribe"}})
		}, func(bool) bool { return false }},
		{"empty", func(l string) (answer, error) { return s.api.post(t.Context(), l, nil) }, func(bool) bool { return false }},
		{"undo", func(l string) (answer, error) {
			return s.api.post(t.Context(), l, url.Values{"action": {"resubscribe"}})
		}, func(bool) bool { return true }},
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	send := [2]bool{true, true}
	for n := range 40 {
		which, action := random.IntN(2), actions[random.IntN(len(actions))]
		got, err := action.do(links[which].URL)
		if err != nil || got.status != http.StatusOK {
			t.Fatalf("action %d, %s on channel %d: status %d, error %v", n, action.name, which, got.status, err)
		}
		send[which] = action.send(send[which])
		if err := s.expect(t.Context(), p, send[0], send[1]); err != nil {
			t.Fatalf("after action %d, %s on channel %d: %v", n, action.name, which, err)
		}
	}
}

func TestABadLinkIsAlwaysTheSamePageAndWritesNothing(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.somebody("forged")
	links, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	emailToken := links[0].URL[strings.LastIndexByte(links[0].URL, '/')+1:]
	smsToken := links[1].URL[strings.LastIndexByte(links[1].URL, '/')+1:]
	var first string
	for name, path := range map[string]string{
		"truncated": "/e/" + emailToken[:len(emailToken)-1], "flipped": "/e/A" + emailToken[1:], "made up": "/e/abc",
		"e-mail token at the SMS door": "/s/" + emailToken, "SMS token at the e-mail door": "/e/" + smsToken,
		"SMS truncated": "/s/" + smsToken[:22], "SMS made up": "/s/" + strings.Repeat("0", 23),
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			req, err := http.NewRequestWithContext(t.Context(), method, s.stack.Links+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.api.do(req)
			if err != nil || got.status != http.StatusNotFound {
				t.Errorf("%s, %s: status %d, error %v", name, method, got.status, err)
			}
			if first == "" {
				first = got.body
			}
			if got.body != first {
				t.Errorf("%s, %s: another page", name, method)
			}
		}
	}
	if err := s.expect(t.Context(), p, true, true); err != nil {
		t.Error(err)
	}
}

func TestEventsGoOutForEveryChange(t *testing.T) {
	s := tellNew(t, io.Discard)
	cfg := s.stack.Config()
	queues, bus := sqs.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	queue, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("heard-" + s.id)})
	if err != nil {
		t.Fatal(err)
	}
	arn := "arn:aws:sqs:" + s.stack.Region + ":000000000000:heard-" + s.id
	name := aws.String(schema.DefaultStack.Bus())
	if _, err := bus.PutRule(t.Context(), &eventbridge.PutRuleInput{
		Name: aws.String("heard-" + s.id), EventBusName: name, EventPattern: aws.String(`{"source":["stille"]}`),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String("heard-" + s.id), EventBusName: name, Targets: []eb.Target{{Id: aws.String("q"), Arn: &arn}},
	}); err != nil {
		t.Fatal(err)
	}
	p := s.somebody("heard")
	links, err := s.api.mint(t.Context(), s.stack.Scope, p.contacts())
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []url.Values{{"action": {"unsubscribe"}}, {"action": {"resubscribe"}}} {
		if got, err := s.api.post(t.Context(), links[0].URL, form); err != nil || got.status != http.StatusOK {
			t.Fatalf("status %d, error %v", got.status, err)
		}
	}
	if _, _, err := s.runPurge(t.Context(), "contact"); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]string{
		schema.ContactSuppressed: `"reason":"unsubscribed"`, schema.ContactReleased: `"key":"` + links[0].Key + `"`, schema.PurgeCompleted: `"class":"contact"`,
	}
	heard := ""
	for deadline := time.Now().Add(30 * time.Second); len(wanted) > 0 && time.Now().Before(deadline); {
		got, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.Messages {
			heard += aws.ToString(m.Body)
			var event struct {
				Type   string          `json:"detail-type"`
				Detail json.RawMessage `json:"detail"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &event); err != nil {
				t.Fatal(err)
			}
			if detail := wanted[event.Type]; detail != "" && strings.Contains(compact(t, event.Detail), detail) {
				delete(wanted, event.Type)
			}
		}
	}
	if len(wanted) > 0 {
		t.Errorf("not heard: %v", wanted)
	}
	if strings.Contains(heard, s.id) {
		t.Error("an event carries an address or a number")
	}
}

func compact(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestNoAddressIsKeptOutsideTheClassTables(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.somebody("canary")
	if err := s.optOut(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	token := s.links[0][strings.LastIndexByte(s.links[0], '/')+1:]
	var ignored any
	// Doors that refuse: whatever is wrong, the address is in the request.
	for _, bad := range []any{
		map[string]any{"scope": "nobody", "reason": "stop", "contacts": p.contacts()},
		map[string]any{"scope": "acme", "reason": p.email, "note": p.sms, "contacts": p.contacts()},
		map[string]any{"contacts": p.email},
	} {
		if err := s.api.call(t.Context(), schema.RouteSuppressions, bad, &ignored); err == nil {
			t.Error("a bad request was taken")
		}
	}
	if _, err := s.api.get(t.Context(), s.stack.Links+"/e/"+token+"x"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.operator(t.Context(), "hold", "set", "--case", "canary-case", "--reason", "claim", "--contact", "email", p.email); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.runPurge(t.Context(), retention.Messaging); err != nil {
		t.Fatal(err)
	}
	canaries := []string{p.email, p.sms, p.sms[3:], token, s.stack.APIKey, "canary." + s.id}
	looked := 0
	look := func(where, text string) {
		looked++
		for n, canary := range canaries {
			if strings.Contains(text, canary) {
				t.Errorf("canary %d is in %s", n, where)
			}
		}
	}
	s.lookIntoTables(t, look)
	s.lookIntoLogs(t, look)
	s.lookIntoBuckets(t, look)
	if looked < 20 {
		t.Errorf("only %d places were looked into", looked)
	}
}

func (s *story) lookIntoTables(t *testing.T, look func(where, text string)) {
	t.Helper()
	db := dynamodb.NewFromConfig(s.stack.Config())
	stack := schema.DefaultStack
	for _, table := range []string{stack.Suppressions(), stack.Ledger(), stack.Holds(), stack.Runs(), stack.Tools()} {
		pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: &table})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				look(table, flat(item))
			}
		}
	}
}

// flat is all text of an item.
func flat(item map[string]ddb.AttributeValue) string {
	var b strings.Builder
	for name, value := range item {
		b.WriteString(name + " ")
		switch v := value.(type) {
		case *ddb.AttributeValueMemberS:
			b.WriteString(v.Value + " ")
		case *ddb.AttributeValueMemberM:
			b.WriteString(flat(v.Value))
		case *ddb.AttributeValueMemberL:
			for _, one := range v.Value {
				b.WriteString(flat(map[string]ddb.AttributeValue{"": one}))
			}
		}
	}
	return b.String()
}

func (s *story) lookIntoLogs(t *testing.T, look func(where, text string)) {
	t.Helper()
	logs := cloudwatchlogs.NewFromConfig(s.stack.Config())
	groups, err := logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &s.stack.Logs})
	if err != nil || len(groups.LogGroups) == 0 {
		t.Fatalf("%d log groups, error %v", len(groups.LogGroups), err)
	}
	for _, group := range groups.LogGroups {
		pages := cloudwatchlogs.NewFilterLogEventsPaginator(logs, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: group.LogGroupName})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, event := range page.Events {
				look(aws.ToString(group.LogGroupName), aws.ToString(event.Message))
			}
		}
	}
}

func (s *story) lookIntoBuckets(t *testing.T, look func(where, text string)) {
	t.Helper()
	files := s3.NewFromConfig(s.stack.Config())
	for _, bucket := range []string{s.stack.Buckets["evidence"], s.stack.Buckets["manifests"]} {
		pages := s3.NewListObjectsV2Paginator(files, &s3.ListObjectsV2Input{Bucket: &bucket})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, object := range page.Contents {
				got, err := files.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: object.Key})
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(got.Body)
				if err != nil {
					t.Fatal(err)
				}
				look(bucket, aws.ToString(object.Key)+" "+string(body))
			}
		}
	}
}

func TestTheManifestInS3KeepsItsPromises(t *testing.T) {
	files := s3.NewFromConfig(deployed.stack.Config())
	purgetest.Manifest(t, evidence.NewManifest(files, deployed.stack.Buckets["manifests"], time.Now), "suite")
}

func TestTheEvidenceBucketIsLocked(t *testing.T) {
	files := s3.NewFromConfig(deployed.stack.Config())
	bucket := deployed.stack.Buckets["evidence"]
	got, err := files.GetObjectLockConfiguration(t.Context(), &s3.GetObjectLockConfigurationInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	if got.ObjectLockConfiguration.Rule == nil || got.ObjectLockConfiguration.Rule.DefaultRetention == nil {
		t.Fatal("there is no default retention")
	}
}

func TestAPurgeThatFailsEndsInACertificateToo(t *testing.T) {
	s := tellNew(t, io.Discard)
	// A fence that cannot be read stops the shard of a record that is due.
	id := "unfenced-" + s.id
	period, err := retention.ParsePeriod("P6M")
	if err != nil {
		t.Fatal(err)
	}
	start, err := startOf(period, s.now, -3)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Results []stored }
	if err := s.api.call(t.Context(), schema.RouteRecords, map[string]any{
		"class": "communication", "records": []record{{ID: id, OccurredAt: start, Start: &start}},
	}, &answer); err != nil {
		t.Fatal(err)
	}
	if err := s.settled(t.Context(), tale{class: "communication", id: id}); err != nil {
		t.Fatal(err)
	}
	db := dynamodb.NewFromConfig(s.stack.Config())
	fence := map[string]ddb.AttributeValue{"target": &ddb.AttributeValueMemberS{Value: "fence#" + retention.Shard(id)}}
	before, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String(schema.DefaultStack.Holds()), Key: fence})
	if err != nil {
		t.Fatal(err)
	}
	broken := map[string]ddb.AttributeValue{"target": fence["target"], "epoch": &ddb.AttributeValueMemberS{Value: "?"}}
	if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(schema.DefaultStack.Holds()), Item: broken}); err != nil {
		t.Fatal(err)
	}
	machine := s.stack.Purge["communication"]
	started, err := s.sfn.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Input: aws.String("{}")})
	if err != nil {
		t.Fatal(err)
	}
	status := types.ExecutionStatusRunning
	var run string
	for deadline := time.Now().Add(2 * time.Minute); status == types.ExecutionStatusRunning && time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		got, err := s.sfn.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		status, run = got.Status, aws.ToString(got.Name)
	}
	// Mended before anything is asserted: the next purge has to pass again.
	if before.Item == nil {
		_, err = db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(schema.DefaultStack.Holds()), Key: fence})
	} else {
		_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(schema.DefaultStack.Holds()), Item: before.Item})
	}
	if err != nil {
		t.Fatal(err)
	}
	if status != types.ExecutionStatusFailed {
		t.Fatalf("the run ended %s", status)
	}
	if gone, err := s.isGone(t.Context(), tale{class: "communication", id: id}); err != nil || gone {
		t.Errorf("the record is gone: %v, error %v", gone, err)
	}
	files := evidence.NewCertificates(s3.NewFromConfig(s.stack.Config()), s.stack.Buckets["evidence"])
	sealed, err := files.Load(t.Context(), "communication", run)
	if err != nil {
		t.Fatal(err)
	}
	key, err := files.PublicKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := certificate.Verify(sealed, key)
	if err != nil || c.Outcome != certificate.Failed || c.Counts.Failed == 0 {
		t.Errorf("certificate %s, %+v, error %v", c.Outcome, c.Counts, err)
	}
	if _, counts, err := s.runPurge(t.Context(), "communication"); err != nil || counts.Deleted == 0 {
		t.Errorf("the next run: %+v, error %v", counts, err)
	}
}

// TestAKeySetThatIsNotTheTablesAnswersNobody runs last: it replaces the contact
// keys and puts them back.
func TestZAKeySetThatIsNotTheTablesAnswersNobody(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.somebody("foreign")
	if err := s.optOut(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	cfg := s.stack.Config()
	secrets, functions := secretsmanager.NewFromConfig(cfg), lambda.NewFromConfig(cfg)
	name := aws.String(schema.DefaultStack.ContactKeys())
	before, err := secrets.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: name})
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := keys.NewContactSecret()
	if err != nil {
		t.Fatal(err)
	}
	restart := func(secret *string) {
		t.Helper()
		if _, err := secrets.PutSecretValue(t.Context(), &secretsmanager.PutSecretValueInput{SecretId: name, SecretString: secret}); err != nil {
			t.Fatal(err)
		}
		function := aws.String(schema.DefaultStack.Function(schema.Check))
		got, err := functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: function})
		if err != nil {
			t.Fatal(err)
		}
		// A new environment is a new container.
		got.Environment.Variables["RESTARTED"] = time.Now().String()
		if _, err := functions.UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: function, Environment: &lambdatypes.Environment{Variables: got.Environment.Variables},
		}); err != nil {
			t.Fatal(err)
		}
	}
	restart(&foreign)
	_, err = s.api.check(t.Context(), s.stack.Scope, p.contacts())
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("with foreign keys: error %v, want 503", err)
	}
	restart(before.SecretString)
	if err := s.expect(t.Context(), p, false, false); err != nil {
		t.Errorf("with its own keys again: %v", err)
	}
}
