//go:build store

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	scheduled "github.com/aws/aws-sdk-go-v2/service/scheduler/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/evidence"
	"stille/shared/aws/keyring"
	"stille/shared/aws/rotatekeys"
	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
)

const bucket = "evidence"

// deployed is a stack of real tables, with stand-ins for the services around
// them.
type deployed struct {
	*system
	somebody  *somebody
	secret    string // of the contact keys
	set       *contact.KeySet
	machines  *machines
	schedules *scheduleBook
	objects   map[string][]byte // of the evidence bucket
	signing   *ecdsa.PrivateKey // of its certificates
	proof     *keyring.ProofKeys
	messages  queueBook
	ages      ages
	rotates   *rotateKeys
}

func deploy(t *testing.T) *deployed {
	t.Helper()
	db, name := dynamotest.Tables(t, "communication", "messaging", "contact", "service")
	list := dynamo.NewSuppressions(db, name)
	secret, set := contactKeys(t)
	canaries, err := set.Canaries()
	if err != nil {
		t.Fatal(err)
	}
	if err := list.PutCanaries(t.Context(), canaries); err != nil {
		t.Fatal(err)
	}
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	proofSecret, err := keyring.NewProofSecret()
	if err != nil {
		t.Fatal(err)
	}
	d := &deployed{signing: signing, messages: queueBook{}, ages: ages{}, rotates: &rotateKeys{answer: `{"sets":[]}`}, somebody: &somebody{"arn:aws:iam::1:user/operator"}, secret: secret, set: set, machines: &machines{}, schedules: &scheduleBook{stack: name, names: map[string]bool{}}, objects: map[string][]byte{}}
	if d.proof, err = keyring.ParseProof(proofSecret); err != nil {
		t.Fatal(err)
	}
	d.system = &system{
		name: name, where: "the stack of the test", suppressions: list,
		keys:       keyring.NewRing(secrets{name.ContactKeys(): secret, name.ProofKeys(): proofSecret}, name, list, time.Now),
		records:    dynamo.NewRecords(db, name),
		holds:      dynamo.NewHolds(db, name),
		runs:       dynamo.NewRuns(db, name),
		tools:      dynamo.NewTools(db, name),
		tables:     dynamo.NewTables(db, name),
		queues:     d.messages,
		metrics:    d.ages,
		rotateKeys: rotatekeys.New(d.rotates, name),
		executions: d.machines,
		identity:   d.somebody,
		files:      d.files(t),
		outputs: func(context.Context) (map[string]string, error) {
			return map[string]string{names.OutputEvidenceBucket: bucket, names.OutputPurge("messaging"): "arn:aws:states:::stateMachine:messaging"}, nil
		},
	}
	d.system.schedules = d.schedules
	return d
}

// run calls the program on the stack.
func (d *deployed) run(t *testing.T, args ...string) call {
	t.Helper()
	return call{system: d.system}.run(t, args...)
}

// contactKeys are a new key set and the secret that holds it.
func contactKeys(t *testing.T) (string, *contact.KeySet) {
	t.Helper()
	secret, err := keyring.NewContactSecret()
	if err != nil {
		t.Fatal(err)
	}
	set, err := keyring.ParseContact(secret)
	if err != nil {
		t.Fatal(err)
	}
	return secret, set
}

func (d *deployed) key(t *testing.T, ch contact.Channel, address string) contact.Key {
	t.Helper()
	c, err := contact.Normalise(ch, address, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := d.set.Key(c)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// rotate adds a key to the contact keys, which becomes the newest.
func (d *deployed) rotate(t *testing.T) {
	t.Helper()
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(strings.NewReader(d.secret)))
	if err != nil {
		t.Fatal(err)
	}
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.SetPrimary(id); err != nil {
		t.Fatal(err)
	}
	if handle, err = manager.Handle(); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		t.Fatal(err)
	}
	d.secret = b.String()
	if d.set, err = keyring.ParseContact(d.secret); err != nil {
		t.Fatal(err)
	}
	d.keys = keyring.NewRing(secrets{d.name.ContactKeys(): d.secret}, d.name, d.suppressions, time.Now)
}

// secrets stands in for Secrets Manager.
type secrets map[string]string

func (s secrets) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	return &secretsmanager.GetSecretValueOutput{SecretString: aws.String(s[*in.SecretId])}, nil
}

// somebody stands in for STS: the principal that works here.
type somebody struct{ arn string }

func (s *somebody) GetCallerIdentity(context.Context, *sts.GetCallerIdentityInput, ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Arn: &s.arn}, nil
}

// machines stands in for Step Functions: an execution is looked at a few times
// while it runs, and then it has done what the test says.
type machines struct {
	started []sfn.StartExecutionInput
	looks   int                     // how often it is running yet
	planned func(t context.Context) // when it is looked at first
	ends    func(t context.Context) types.ExecutionStatus
}

const executionARN = "arn:aws:states:eu-north-1:000000000000:execution:messaging:run-1"

func (m *machines) StartExecution(_ context.Context, in *sfn.StartExecutionInput, _ ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error) {
	m.started = append(m.started, *in)
	return &sfn.StartExecutionOutput{ExecutionArn: aws.String(executionARN)}, nil
}

func (m *machines) DescribeExecution(ctx context.Context, _ *sfn.DescribeExecutionInput, _ ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error) {
	if m.planned != nil {
		m.planned(ctx)
		m.planned = nil
	}
	if m.looks > 0 {
		m.looks--
		return &sfn.DescribeExecutionOutput{Status: types.ExecutionStatusRunning}, nil
	}
	return &sfn.DescribeExecutionOutput{Status: m.ends(ctx), Error: aws.String("States.TaskFailed")}, nil
}

// scheduleBook stands in for EventBridge Scheduler.
type scheduleBook struct {
	stack   names.Stack
	names   map[string]bool
	created []scheduler.CreateScheduleInput
}

func (b *scheduleBook) nightly() *scheduled.Target {
	return &scheduled.Target{
		Arn: aws.String("arn:machine"), RoleArn: aws.String("arn:role"), Input: aws.String(`{"scheduledTime":"<aws.scheduler.scheduled-time>"}`),
		DeadLetterConfig: &scheduled.DeadLetterConfig{Arn: aws.String("arn:queue")},
	}
}

func (b *scheduleBook) GetSchedule(_ context.Context, in *scheduler.GetScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error) {
	if *in.Name != b.stack.Purge("messaging") {
		return nil, &scheduled.ResourceNotFoundException{}
	}
	return &scheduler.GetScheduleOutput{GroupName: aws.String("default"), Target: b.nightly()}, nil
}

func (b *scheduleBook) CreateSchedule(_ context.Context, in *scheduler.CreateScheduleInput, _ ...func(*scheduler.Options)) (*scheduler.CreateScheduleOutput, error) {
	if b.names[*in.Name] {
		return nil, &scheduled.ConflictException{}
	}
	b.names[*in.Name] = true
	b.created = append(b.created, *in)
	return &scheduler.CreateScheduleOutput{}, nil
}

// files is a client of a bucket that serves the objects.
func (d *deployed) files(t *testing.T) *s3.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, found := d.objects[strings.TrimPrefix(r.URL.Path, "/"+bucket+"/")]
		if !found {
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<Error><Code>NoSuchKey</Code></Error>"))
			return
		}
		_, _ = w.Write(content)
	}))
	t.Cleanup(server.Close)
	return s3.New(s3.Options{
		BaseEndpoint: &server.URL, Region: "eu-north-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
}

// certify ends a run as its last step does: with a certificate, signed, in the
// bucket, and in the table.
func (d *deployed) certify(ctx context.Context, t *testing.T, run purge.Run, outcome certificate.Outcome, counts certificate.Counts, deleted ...string) {
	t.Helper()
	public, err := x509.MarshalPKIXPublicKey(&d.signing.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	previous, err := d.runs.Head(ctx, run.Class)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := certificate.Seal(certificate.Certificate{
		Run: run.ID, Class: run.Class, Outcome: outcome, PlanHash: run.PlanHash, Cutoff: run.Cutoff, EndedAt: at, Counts: counts,
		Previous: previous, BackupGoneOn: "2026-11-30",
	}, deleted, func(digest []byte) ([]byte, error) { return ecdsa.SignASN1(rand.Reader, d.signing, digest) })
	if err != nil {
		t.Fatal(err)
	}
	prefix := evidence.Prefix(run.Class, run.ID)
	d.objects[prefix+"certificate.json"], d.objects[prefix+"certificate.sig"], d.objects[prefix+"keys.txt"] = sealed.JSON, sealed.Signature, sealed.Keys
	d.objects["certificates/public-key.pem"] = certificate.EncodePublicKey(public)
	run.Outcome, run.Counts, run.EndedAt, run.Certificate = outcome, counts, at, certificate.Hash(sealed.JSON)
	if err := d.runs.Certify(ctx, run, previous); err != nil {
		t.Fatal(err)
	}
}

// queueBook stands in for SQS: the stack's queues, by name.
type queueBook map[string]queue

type queue struct {
	stack    names.Stack
	id       string
	dead     bool
	messages string
}

// add makes a queue; its physical name is one that CloudFormation generates.
func (b queueBook) add(q queue) string {
	name := string(q.stack) + "-" + strings.ReplaceAll(q.id, "-", "") + "0A1B2C3D-x1Y2"
	b[name] = q
	return name
}

func (b queueBook) ListQueues(_ context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	out := &sqs.ListQueuesOutput{}
	for name := range b {
		if strings.HasPrefix(name, aws.ToString(in.QueueNamePrefix)) {
			out.QueueUrls = append(out.QueueUrls, "https://sqs/1/"+name)
		}
	}
	return out, nil
}

func (b queueBook) ListQueueTags(_ context.Context, in *sqs.ListQueueTagsInput, _ ...func(*sqs.Options)) (*sqs.ListQueueTagsOutput, error) {
	q := b[path.Base(*in.QueueUrl)]
	return &sqs.ListQueueTagsOutput{Tags: map[string]string{
		names.TagStack: string(q.stack), names.TagQueue: q.id, names.TagDeadLetter: strconv.FormatBool(q.dead),
	}}, nil
}

func (b queueBook) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"ApproximateNumberOfMessages": b[path.Base(*in.QueueUrl)].messages, "ApproximateNumberOfMessagesNotVisible": "0", "ApproximateNumberOfMessagesDelayed": "0",
	}}, nil
}
