package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsschedulertargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

type keys struct {
	contact, link, proof secret
	hooks                secret     // the hooks and what proves their calls
	webhooks             secret     // the webhooks and what signs their deliveries
	signing              *string    // the ARN of the key that signs certificates
	records              *string    // the ARN of the key that encrypts the class tables
	encryption           awskms.Key // the same key, in the data stack
}

// secret is the ARN of a secret that holds a key set. Secrets Manager ends the ARN
// with six characters that nobody knows before.
type secret *string

func (s stack) keys() keys {
	encryption := awskms.NewKey(s.data, jsii.String("records-key"), &awskms.KeyProps{
		Description:       jsii.String("Encrypts the records of every class"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     s.Settings.RemovalPolicy,
	})
	signing := awskms.NewKey(s.data, jsii.String("signing-key"), &awskms.KeyProps{
		Alias:         jsii.String(s.Prefix.SigningKey()),
		Description:   jsii.String("Signs the certificates of the purges"),
		KeySpec:       awskms.KeySpec_ECC_NIST_P256,
		KeyUsage:      awskms.KeyUsage_SIGN_VERIFY,
		RemovalPolicy: s.Settings.RemovalPolicy,
	})
	return keys{
		contact:  s.secret("contact-keys", s.Prefix.ContactKeys(), "The key set that turns an address into a contact key"),
		link:     s.secret("link-keys", s.Prefix.LinkKeys(), "The key sets of e-mail and SMS links"),
		proof:    s.secret("proof-keys", s.Prefix.ProofKeys(), "The key set under which certificates list what was deleted"),
		hooks:    s.secret("hooks", s.Prefix.Hooks(), "The systems that report opt-outs, and the secrets that prove their calls"),
		webhooks: s.secret("webhooks", s.Prefix.Webhooks(), "The systems that are told of opt-outs, and the secrets that sign what they are told"),
		signing:  s.stored("signing-key", signing.KeyArn()),
		records:  s.stored("records-key", encryption.KeyArn()), encryption: encryption,
	}
}

// secret adds a secret without a value to the data stack: rotate-keys sets the value, so that no
// template ever holds a key.
func (s stack) secret(id, name, description string) secret {
	cfn := awssecretsmanager.NewCfnSecret(s.data, jsii.String(id), &awssecretsmanager.CfnSecretProps{
		Name:        jsii.String(name),
		Description: jsii.String(description),
		KmsKeyId:    s.customer.id(),
	})
	cfn.ApplyRemovalPolicy(s.Settings.RemovalPolicy, nil)
	return s.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("secretsmanager"),
		Resource:     jsii.String("secret"),
		ResourceName: jsii.String(name + "-??????"),
		ArnFormat:    awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
}

// mayRead lets a function read secrets.
func mayRead(secrets ...secret) awsiam.PolicyStatement {
	var arns []*string
	for _, secret := range secrets {
		arns = append(arns, secret)
	}
	return allow(arns, "secretsmanager:GetSecretValue")
}

// linkKeysSchedule rotates the link keys once a year, in working hours: an
// operator is there to see a failure.
const linkKeysSchedule = "cron(0 9 15 1 ? *)"

// rotation is the function that makes and changes keys, and the queue for a
// scheduled rotation that failed.
type rotation struct {
	awslambda.Function
	missed awssqs.Queue
}

// rotation adds the function. It may scan tables because it counts the uses of a
// contact key before it destroys the key.
func (s stack) rotation(k keys, t tables, w outage) rotation {
	missed := s.deadLetters("rotation-missed")
	rotate := s.function(function{
		name:   names.RotateKeys,
		memory: 512,
		// Counting reads whole tables.
		timeout:   minutes(15),
		variables: map[string]*string{names.VarOutageQueue: w.queue.QueueUrl(), names.VarOutageDead: w.dead.QueueUrl()},
		may: []awsiam.PolicyStatement{
			allow([]*string{k.contact, k.link, k.proof}, "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
			allow(arns(t.suppressions), "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:Scan"),
			allow(arns(append(t.records(), t.holds)...), "dynamodb:Scan"),
			s.readsRecords(k),
			allow([]*string{missed.QueueArn()}, "sqs:SendMessage"),
			// A key must not be destroyed while a message may name a contact by it.
			allow([]*string{w.queue.QueueArn(), w.dead.QueueArn()}, "sqs:GetQueueAttributes"),
		},
	})
	rotate.ConfigureAsyncInvoke(&awslambda.EventInvokeConfigOptions{
		OnFailure: awslambdadestinations.NewSqsDestination(missed),
	})
	awsscheduler.NewSchedule(s.Stack, jsii.String("schedule-link-keys"), &awsscheduler.ScheduleProps{
		ScheduleName: jsii.String(s.Prefix.Function(names.RotateKeys)),
		Schedule:     awsscheduler.ScheduleExpression_Expression(jsii.String(linkKeysSchedule), awscdk.TimeZone_ETC_UTC()),
		Target: awsschedulertargets.NewLambdaInvoke(rotate, &awsschedulertargets.ScheduleTargetBaseProps{
			Input:           awsscheduler.ScheduleTargetInput_FromObject(map[string]any{"rotate": "link"}),
			DeadLetterQueue: missed,
			MaxEventAge:     hours(6),
		}),
	})
	return rotation{rotate, missed}
}

// keyList adds the function that tells people who look how the keys stand, and what is
// deployed: the program of rotate-keys, under a role that can change nothing.
func (s stack) keyList(k keys, t tables, w outage) {
	s.function(function{
		name: names.ListKeys, program: names.RotateKeys,
		memory:  512,
		timeout: minutes(15),
		variables: map[string]*string{
			names.VarOnlyLists:   jsii.String("yes"),
			names.VarOutageQueue: w.queue.QueueUrl(), names.VarOutageDead: w.dead.QueueUrl(),
		},
		may: []awsiam.PolicyStatement{
			mayRead(k.contact, k.link, k.proof),
			allow(arns(append(t.records(), t.suppressions, t.holds)...), "dynamodb:Scan"),
			s.readsRecords(k),
		},
	})
}

// firstKeys has rotate-keys make the first key sets and their canaries. It happens
// once: nothing in the custom resource ever changes.
func (s stack) firstKeys(r rotation) {
	awscdk.NewCustomResource(s.Stack, jsii.String("first-keys"), &awscdk.CustomResourceProps{
		ServiceToken:   r.FunctionArn(),
		ResourceType:   jsii.String("Custom::FirstKeys"),
		ServiceTimeout: minutes(5),
	})
}
