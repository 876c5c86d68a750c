package main

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/deployed"
	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Config is what the stacks are built from.
type Config struct {
	environment.Environment
	Version  string // what is deployed, as certificates name it
	Dist     string // the build's folder, with one folder per function
	Policy   *retention.Policy
	Scopes   *scope.Registry
	Settings Settings
	Streams  map[string]string // the ARNs of restored tables' streams, by the tables' ids
}

// stack is the CDK's stack of what works, beside the data stack of what is stored,
// together with what both are built from.
type stack struct {
	awscdk.Stack
	data awscdk.Stack
	Config
	functions *[]named     // every function that was added
	customer  *customerKey // nil where AWS's own keys encrypt
}

// named is a function with the name of its folder.
type named struct {
	name string
	made awslambda.Function
}

// NewStacks adds the whole system to the app as two stacks. The data stack keeps
// and protects all it has, so nothing in it can fail by itself: it has no function
// and no custom resource. The other stack keeps nothing that has a name of ours, so
// that a deploy that failed can be deployed again.
func NewStacks(app constructs.Construct, config Config) (data, service awscdk.Stack) {
	s := stack{
		Config: config, functions: new([]named),
		data:  newStack(app, config, config.Prefix.Data(), "stille: the suppressions, the records and their proof", config.Settings.DeletionProtection),
		Stack: newStack(app, config, string(config.Prefix), "stille: opt-outs that stand, and deletion that can be checked", false),
	}
	s.AddStackDependency(s.data, jsii.String("functions need their tables"))

	s.customer = s.customerKey()
	keys := s.keys()
	tables := s.tables(keys)
	s.note()
	s.copyTables(keys, tables)
	buckets := s.buckets()
	events := s.events()

	outage := s.outage(keys, tables)
	webhooks := s.webhooks()
	rotation := s.rotation(keys, tables, outage)
	s.firstKeys(rotation)
	s.keyList(keys, outage)
	links := s.linksAPI(keys, tables, outage, webhooks)
	unread := s.deadLetters(names.QueueHookDead)
	tools := s.toolsAPI(keys, tables, outage, unread, links)
	inboxes := s.inboxes(keys, tables, events, outage)
	streams := s.streams(keys, tables, events, webhooks)
	s.deliveries(keys, tables, webhooks)
	purges := s.purges(keys, tables, buckets, events)
	all := watched{links.api, tools.api, outage, unread, webhooks, inboxes, streams, purges, rotation}
	s.alarms(keys, all)
	s.dashboard(all)
	s.operators(keys, tables, buckets, events)

	s.domains(links, tools)
	s.output(names.OutputLinks, s.Settings.address(links.api))
	toolsAddress := s.Settings.address(tools.api)
	if s.ToolsDomain.Name != "" {
		toolsAddress = jsii.String("https://" + s.ToolsDomain.Name)
	}
	s.output(names.OutputAPI, toolsAddress)
	s.output(names.OutputEvidenceBucket, buckets.evidence.BucketName())
	s.output(names.OutputManifestBucket, buckets.manifests.BucketName())
	s.output(names.OutputFeedbackTopic, events.feedback.TopicArn())
	s.output(names.OutputSMSReplyTopic, events.smsReply.TopicArn())
	for _, m := range purges.machines {
		s.output(names.OutputPurge(m.class), m.StateMachineArn())
	}
	return s.data, s.Stack
}

func newStack(app constructs.Construct, config Config, name, description string, protected bool) awscdk.Stack {
	env := awscdk.Environment{Region: jsii.String(config.Region)}
	if config.Account != "" {
		env.Account = jsii.String(config.Account)
	}
	return awscdk.NewStack(app, jsii.String(name), &awscdk.StackProps{
		Env:                   &env,
		StackName:             jsii.String(name),
		Description:           jsii.String(description),
		TerminationProtection: jsii.Bool(protected),
	})
}

// stored hands a value of the data stack to the other stack, through an SSM
// parameter. An export of CloudFormation could never change while it is in use: not
// even the stream of a table that was restored.
func (s stack) stored(id string, value *string) *string {
	name := jsii.String(s.Prefix.Parameter(id))
	awsssm.NewStringParameter(s.data, jsii.String("parameter-"+id), &awsssm.StringParameterProps{
		ParameterName: name, StringValue: value,
	})
	return awsssm.StringParameter_ValueForStringParameter(s.Stack, name, nil)
}

// output names a value for the readers of a deployed stack.
func (s stack) output(name string, value *string) {
	awscdk.NewCfnOutput(s.Stack, jsii.String(name), &awscdk.CfnOutputProps{Value: value})
}

func seconds(n float64) awscdk.Duration { return awscdk.Duration_Seconds(jsii.Number(n)) }
func minutes(n float64) awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(n)) }
func hours(n float64) awscdk.Duration   { return awscdk.Duration_Hours(jsii.Number(n)) }
func days(n float64) awscdk.Duration    { return awscdk.Duration_Days(jsii.Number(n)) }

// note writes into the data stack which scopes, classes and restored tables it
// promises to keep. The note stands at a resource: CloudFormation does not update a
// template's own metadata alone.
func (s stack) note() {
	promised := deployed.By(s.Policy, s.Scopes)
	scopes := map[string]string{}
	for id, scope := range promised.Scopes {
		scopes[strconv.Itoa(int(id))] = string(scope)
	}
	at := s.data.Node().FindChild(jsii.String("signing-key")).Node().DefaultChild().(awscdk.CfnResource)
	note := map[string]any{"scopes": scopes, "classes": promised.Classes}
	if len(s.Tables) > 0 {
		note["tables"] = s.Tables
	}
	if s.EvidenceReplica.Bucket != "" {
		note["replicated"] = true
	}
	at.AddMetadata(jsii.String(deployed.Note), note)
}
