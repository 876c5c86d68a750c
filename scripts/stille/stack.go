package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"stille/scripts/stackfile"
	"stille/shared/aws/deployment"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/eventbus"
	"stille/shared/aws/hooks"
	"stille/shared/aws/keyring"
	signing "stille/shared/aws/kms"
	"stille/shared/link/domain"
	"stille/shared/names"
	"stille/shared/operator"
)

const defaultStack = string(names.DefaultStack)

// stack is the deployed stack that a command works on.
type stack struct {
	*operator.Operator
	rotateKeys *deployment.Keys
	found      bool // the stack is local, and nobody named it
}

var errNoStack = errors.New("there is no stack to work on: start a local one with `make run`, or set AWS_REGION and credentials for one on AWS")

// connectFrom finds the stack, as connect does. If there is none, the local stack at or
// above the program's folder is meant: the command works from any directory.
func connectFrom(ctx context.Context, o options, folder, program string, getenv func(string) string, tables tableNames) (*stack, error) {
	s, err := connect(ctx, o, folder, getenv, tables)
	if errors.Is(err, errNoStack) {
		return connect(ctx, o, program, getenv, tables)
	}
	return s, err
}

// connect finds the stack: the local one of the file that is given or lies at
// or above the folder, or else, or where it is asked for, the one on AWS.
func connect(ctx context.Context, o options, folder string, getenv func(string) string, tables tableNames) (*stack, error) {
	name := names.Stack(o.Stack)
	file, found := o.Local, o.Local != ""
	if !found && !o.AWS {
		file, found = findUpwards(folder, stackfile.Path)
	}
	if found {
		read, err := stackfile.Read(file)
		if err != nil {
			return nil, err
		}
		s, err := connectLocal(ctx, name, file, read, getenv, tables)
		if err == nil {
			s.found = o.Local == ""
		}
		return s, err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS environment: %w", err)
	}
	if cfg.Region == "" {
		return nil, errNoStack
	}
	deployed, err := tables(ctx, cfg, name)
	if err != nil {
		return nil, err
	}
	s := newStack(deployed, cfg, deployment.NewOutputs(cloudformation.NewFromConfig(cfg), name), cloudwatch.NewFromConfig(cfg))
	s.Where = fmt.Sprintf("the stack %s on AWS in %s", name, cfg.Region)
	return s, nil
}

// connectLocal connects to a local stack, which has no metrics.
func connectLocal(ctx context.Context, name names.Stack, file string, of stackfile.Stack, getenv func(string) string, tables tableNames) (*stack, error) {
	outputs := func(context.Context) (map[string]string, error) { return localOutputs(of), nil }
	cfg := localConfig(of, getenv)
	deployed, err := tables(ctx, cfg, name)
	if err != nil && !errors.Is(err, syscall.ECONNREFUSED) { // the command says that nobody answers
		return nil, err
	}
	s := newStack(deployed, cfg, outputs, nil)
	s.Local, s.Where = true, fmt.Sprintf("the local stack of %s", file)
	s.Drill, s.Signer = drillOn(dynamo.Drills(dynamo.NewClient(cfg), deployed)), signing.NewSigner(cfg, name.SigningKey())
	return s, nil
}

// drillOn makes the tables of drills beside those of a stack.
func drillOn(drills func(class, name string) *dynamo.Drill) func(class, name string) (operator.Drill, operator.Records) {
	return func(class, name string) (operator.Drill, operator.Records) {
		drill := drills(class, name)
		return drill, drill.Records
	}
}

// tableNames returns a stack with the names that its tables have.
type tableNames func(context.Context, aws.Config, names.Stack) (names.Deployed, error)

// deployedTables asks what is deployed.
func deployedTables(ctx context.Context, cfg aws.Config, name names.Stack) (names.Deployed, error) {
	return deployment.NewDeployed(ctx, lambda.NewFromConfig(cfg), name)
}

// localOutputs are the outputs of the local stack, as its file has them.
func localOutputs(of stackfile.Stack) map[string]string {
	outputs := map[string]string{names.OutputEvidenceBucket: of.Buckets["evidence"], names.OutputAPI: of.Hooks}
	for class, arn := range of.Purge {
		outputs[names.OutputPurge(class)] = arn
	}
	return outputs
}

// localConfig reaches the local stack with the access key of the environment: the
// local stack tells its principals apart by their access keys.
func localConfig(stack stackfile.Stack, getenv func(string) string) aws.Config {
	cfg := stack.Config()
	if id := getenv("AWS_ACCESS_KEY_ID"); id != "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider(
			id, cmp.Or(getenv("AWS_SECRET_ACCESS_KEY"), "test"), getenv("AWS_SESSION_TOKEN"))
	}
	return cfg
}

// newStack wires AWS to the ports of the use cases.
func newStack(on names.Deployed, cfg aws.Config, outputs deployment.Outputs, metrics cloudwatch.GetMetricDataAPIClient) *stack {
	db, name := dynamo.NewClient(cfg), on.Stack
	list := dynamo.NewSuppressions(db, on)
	secrets := secretsmanager.NewFromConfig(cfg)
	keys := keyring.NewRing(secrets, name, list, time.Now)
	functions, tables := lambda.NewFromConfig(cfg), dynamo.NewTables(db, on)
	messages := sqs.NewFromConfig(cfg)
	queues := deployment.Queues{SQS: messages, CloudWatch: metrics, Stack: name}
	announcer := &deployment.Announcer{Bus: eventbus.NewBus(eventbridge.NewFromConfig(cfg), name).Announce, Queues: queues, Client: messages, Now: time.Now}
	rotateKeys := deployment.NewKeys(functions, name)
	return &stack{rotateKeys: rotateKeys, Operator: &operator.Operator{
		Stack: string(name), Now: time.Now,
		Config:       rotateKeys,
		ContactKeys:  keys.Contact,
		Suppressions: list,
		Ledger:       list,
		Tools:        dynamo.NewTools(db, on),
		Hooks:        hooks.NewStore(secrets, name),
		LastCall:     dynamo.NewReplies(db, on).LastCall,
		HookBase:     outputs.HookBase,
		Announce:     announcer.Announce,
		Webhooks:     deployment.Webhooks{Store: hooks.NewWebhooks(secrets, name), Lambda: functions, Stack: name},
		CallHook:     deployment.CallHook,
		Records:      dynamo.NewRecords(db, on),
		Holds:        dynamo.NewHolds(db, on),
		Runs:         dynamo.NewRuns(db, on),
		Tables:       deployment.Tables(tables),
		Queues:       queues,
		Executions:   deployment.Purges{Steps: sfn.NewFromConfig(cfg), Outputs: outputs},
		Schedule:     deployment.Schedules{Scheduler: scheduler.NewFromConfig(cfg), Stack: name}.Once,
		Certificates: outputs.Certificates(s3.NewFromConfig(cfg)),
		PrimaryKeys:  rotateKeys.Primary,
		HMAC:         keys.HMAC,
		ProofKey:     keys.ProofKey,
		Principal:    deployment.Principal(sts.NewFromConfig(cfg)),
		Examinations: deployment.Doctor{
			Stack: on, Region: cfg.Region, Local: metrics == nil, Scopes: rotateKeys.Scopes,
			CloudFormation: cloudformation.NewFromConfig(cfg), CloudWatch: cloudwatch.NewFromConfig(cfg), Tables: tables, KMS: kms.NewFromConfig(cfg),
			Lambda: functions, Phones: pinpointsmsvoicev2.NewFromConfig(cfg), SES: sesv2.NewFromConfig(cfg), SNS: sns.NewFromConfig(cfg), API: outputs.HookBase,
			Domains: deployment.LinkDomains{HTTP: domain.Client(), Note: dynamo.NewReplies(db, on).NoteDomain, Now: time.Now},
		}.Examinations(),
	}}
}

// advised adds to an error what to do next if the error itself cannot know it.
func (s *session) advised(err error) error {
	if s.opened == nil {
		return err
	}
	var service smithy.APIError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && s.opened.Local:
		return fmt.Errorf("%w\n%s does not answer: start it with `make run`, or work on AWS with --aws", err, s.opened.Where)
	case errors.As(err, &service) && service.ErrorCode() == "ResourceNotFoundException":
		return fmt.Errorf("%w\n%s has no such part: is --stack right, and is it deployed?", err, s.opened.Where)
	case errors.As(err, &service) && strings.HasPrefix(service.ErrorCode(), "AccessDenied"):
		return fmt.Errorf("%w\nyou lack a right on %s: infra/DEPLOY.md says under \"Who may do what\" which policy has it", err, s.opened.Where)
	}
	return err
}
