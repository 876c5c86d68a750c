package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"stille/scripts/stackfile"
	"stille/shared/aws/deployment"
	"stille/shared/aws/dynamo"
	"stille/shared/aws/evidence"
	"stille/shared/aws/keyring"
	"stille/shared/aws/rotatekeys"
	"stille/shared/names"
	"stille/shared/operator"
)

const defaultStack = string(names.DefaultStack)

// system is the deployed stack that a command works on.
type system struct {
	name         names.Stack
	where        string // for people
	local        bool
	found        bool // it is local, and nobody named it
	keys         *keyring.Ring
	suppressions *dynamo.Suppressions
	records      *dynamo.Records
	holds        *dynamo.Holds
	runs         *dynamo.Runs
	tools        *dynamo.Tools
	tables       *dynamo.Tables
	queues       deployment.SQS
	metrics      deployment.CloudWatch // nil on the local stack, which has no metrics
	executions   deployment.Starter
	schedules    deployment.Scheduler
	identity     deployment.STS
	rotateKeys   *rotatekeys.Client
	files        *s3.Client
	outputs      func(ctx context.Context) (map[string]string, error) // of the CloudFormation stack
}

// output reads one output of the stack.
func (s *system) output(ctx context.Context, name string) (string, error) {
	outputs, err := s.outputs(ctx)
	if err != nil {
		return "", err
	}
	if outputs[name] == "" {
		return "", fmt.Errorf("%s lacks the output %s: deploy it again", s.where, name)
	}
	return outputs[name], nil
}

// operator wires the stack to the ports of the use cases.
func (s *system) operator(of *session) *operator.Operator {
	return &operator.Operator{
		Stack: string(s.name), Where: s.where, Now: of.now,
		Config: s.rotateKeys, Keys: s.keys, Suppressions: s.suppressions, Ledger: s.suppressions, Tools: s.tools,
		Records: s.records, Holds: s.holds, Runs: s.runs, Tables: tables{s.tables},
		Queues:       deployment.Queues{SQS: s.queues, CloudWatch: s.metrics, Stack: s.name},
		Executions:   deployment.Purges{Steps: s.executions, Machine: s.machine},
		Schedules:    deployment.Schedules{Scheduler: s.schedules, Stack: s.name},
		Certificates: s.certificates, PrimaryKeys: s.rotateKeys, ProofKeys: s, Identity: deployment.Identity{STS: s.identity},
	}
}

// machine is the ARN of the state machine that purges a class.
func (s *system) machine(ctx context.Context, class string) (string, error) {
	return s.output(ctx, names.OutputPurge(class))
}

// certificates opens the evidence bucket.
func (s *system) certificates(ctx context.Context) (operator.Certificates, error) {
	bucket, err := s.output(ctx, names.OutputEvidenceBucket)
	if err != nil {
		return nil, err
	}
	return evidence.NewCertificates(s.files, bucket), nil
}

// HMAC names a record in the lists of certificates.
func (s *system) HMAC(ctx context.Context, class, id string) (string, error) {
	keys, err := s.keys.Proof(ctx)
	if err != nil {
		return "", err
	}
	return keys.HMAC(class, id), nil
}

// tables tells how DynamoDB's tables are.
type tables struct{ *dynamo.Tables }

// All returns every table of the stack.
func (t tables) All(ctx context.Context, classes []string) ([]operator.Table, error) {
	found, err := t.Tables.All(ctx, classes)
	all := make([]operator.Table, len(found))
	for i, one := range found {
		all[i] = operator.Table{Name: one.Name, State: one.State, Items: one.Items, OK: one.OK()}
	}
	return all, err
}

// connect finds the stack: the local one of the file that is given or lies at
// or above the folder, or else, or where it is asked for, the one on AWS.
func connect(ctx context.Context, o options, folder string, getenv func(string) string) (*system, error) {
	name := names.Stack(o.Stack)
	file, found := o.Local, o.Local != ""
	if !found && !o.AWS {
		file, found = upwards(folder, stackfile.Path)
	}
	if found {
		stack, err := stackfile.Read(file)
		if err != nil {
			return nil, err
		}
		sys := connectLocal(name, file, stack, getenv)
		sys.found = o.Local == ""
		return sys, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS environment: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("there is no stack to work on: start a local one with `make run`, or set AWS_REGION and credentials for one on AWS")
	}
	sys := newSystem(name, cfg)
	sys.where = fmt.Sprintf("the stack %s on AWS in %s", name, cfg.Region)
	sys.outputs = func(ctx context.Context) (map[string]string, error) { return deployment.Outputs(ctx, cfg, o.Stack) }
	return sys, nil
}

func connectLocal(name names.Stack, file string, stack stackfile.Stack, getenv func(string) string) *system {
	sys := newSystem(name, localConfig(stack, getenv))
	sys.metrics = nil
	sys.local, sys.where = true, fmt.Sprintf("the local stack of %s", file)
	outputs := map[string]string{names.OutputEvidenceBucket: stack.Buckets["evidence"]}
	for class, arn := range stack.Purge {
		outputs[names.OutputPurge(class)] = arn
	}
	sys.outputs = func(context.Context) (map[string]string, error) { return outputs, nil }
	return sys
}

// localConfig reaches the local stack, as whoever the environment says: it
// tells its principals apart by their access key.
func localConfig(stack stackfile.Stack, getenv func(string) string) aws.Config {
	cfg := stack.Config()
	if id := getenv("AWS_ACCESS_KEY_ID"); id != "" {
		cfg.Credentials = credentials.NewStaticCredentialsProvider(
			id, cmp.Or(getenv("AWS_SECRET_ACCESS_KEY"), "test"), getenv("AWS_SESSION_TOKEN"))
	}
	return cfg
}

func newSystem(name names.Stack, cfg aws.Config) *system {
	db := dynamo.NewClient(cfg)
	list := dynamo.NewSuppressions(db, name)
	return &system{
		name: name, suppressions: list,
		keys:       keyring.NewRing(secretsmanager.NewFromConfig(cfg), name, list, time.Now),
		records:    dynamo.NewRecords(db, name),
		holds:      dynamo.NewHolds(db, name),
		runs:       dynamo.NewRuns(db, name),
		tools:      dynamo.NewTools(db, name),
		tables:     dynamo.NewTables(db, name),
		queues:     sqs.NewFromConfig(cfg),
		metrics:    cloudwatch.NewFromConfig(cfg),
		executions: sfn.NewFromConfig(cfg),
		schedules:  scheduler.NewFromConfig(cfg),
		identity:   sts.NewFromConfig(cfg),
		rotateKeys: rotatekeys.New(lambda.NewFromConfig(cfg), name),
		files:      s3.NewFromConfig(cfg),
	}
}

// advised adds to an error what to do next, where the error itself does not
// know.
func (s *session) advised(err error) error {
	if s.opened == nil {
		return err
	}
	var service smithy.APIError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && s.opened.local:
		return fmt.Errorf("%w\n%s does not answer: start it with `make run`, or work on AWS with --aws", err, s.opened.where)
	case errors.As(err, &service) && service.ErrorCode() == "ResourceNotFoundException":
		return fmt.Errorf("%w\n%s has no such part: is --stack right, and is it deployed?", err, s.opened.where)
	}
	return err
}
