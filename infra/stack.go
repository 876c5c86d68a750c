package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
	"stille/shared/retention"
)

// Config is what a stack is built from.
type Config struct {
	Name     names.Stack
	Region   string
	Version  string // what is deployed, as certificates name it
	Dist     string // the build's folder, with one folder per function
	Policy   *retention.Policy
	Settings Settings
}

// stack is the CDK's stack together with what it is built from.
type stack struct {
	awscdk.Stack
	Config
}

// NewStack adds the whole system to the app, for any account.
func NewStack(app constructs.Construct, config Config) awscdk.Stack {
	s := stack{Config: config, Stack: awscdk.NewStack(app, jsii.String(string(config.Name)), &awscdk.StackProps{
		Env:                   &awscdk.Environment{Region: jsii.String(config.Region)},
		StackName:             jsii.String(string(config.Name)),
		Description:           jsii.String("stille: opt-outs that stand, and deletion that can be checked"),
		TerminationProtection: jsii.Bool(config.Settings.DeletionProtection),
	})}

	keys := s.keys()
	tables := s.tables(keys)
	buckets := s.buckets()
	events := s.events()

	rotation := s.rotation(keys, tables)
	s.firstKeys(keys, tables, rotation)
	waiting := s.waiting(keys, tables)
	links := s.linksAPI(keys, tables, waiting)
	tools := s.toolsAPI(keys, tables, links)
	inboxes := s.inboxes(keys, tables, events)
	streams := s.streams(keys, tables, events)
	purges := s.purges(keys, tables, buckets, events)
	s.alarms(links, waiting, inboxes, streams, purges, rotation)

	s.output(names.OutputLinks, s.Settings.address(links))
	s.output(names.OutputAPI, s.Settings.address(tools))
	s.output(names.OutputEvidenceBucket, buckets.evidence.BucketName())
	s.output(names.OutputManifestBucket, buckets.manifests.BucketName())
	s.output(names.OutputFeedbackTopic, events.feedback.TopicArn())
	s.output(names.OutputSMSReplyTopic, events.smsReply.TopicArn())
	for _, m := range purges.machines {
		s.output(names.OutputPurge(m.class), m.StateMachineArn())
	}
	return s.Stack
}

// output names a value for the readers of a deployed stack.
func (s stack) output(name string, value *string) {
	awscdk.NewCfnOutput(s.Stack, jsii.String(name), &awscdk.CfnOutputProps{Value: value})
}

func seconds(n float64) awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(n)) }
func minutes(n float64) awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(n)) }
func hours(n float64) awscdk.Duration   { return awscdk.Duration_Hours(jsii.Number(n)) }
func days(n float64) awscdk.Duration    { return awscdk.Duration_Days(jsii.Number(n)) }
