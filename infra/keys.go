package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
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
func (s stack) keyList(k keys, w outage) {
	s.function(function{
		name: names.ListKeys, program: names.RotateKeys,
		memory:  512,
		timeout: minutes(1),
		variables: map[string]*string{
			names.VarOnlyLists:   jsii.String("yes"),
			names.VarOutageQueue: w.queue.QueueUrl(), names.VarOutageDead: w.dead.QueueUrl(),
		},
		may: []awsiam.PolicyStatement{mayRead(k.contact, k.link, k.proof)},
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

// customerKey encrypts what the stacks store, except the class tables, which have
// another key. It is nil where AWS's own keys encrypt.
type customerKey struct {
	inData awskms.Key
	arn    *string // for the other stack
}

func (s stack) customerKey() *customerKey {
	if !s.CustomerKeys {
		return nil
	}
	key := awskms.NewKey(s.data, jsii.String("customer-key"), &awskms.KeyProps{
		Description:       jsii.String("Encrypts tables, queues, buckets, secrets and logs"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     s.Settings.RemovalPolicy,
	})
	via := func(service string) string { return service + "." + s.Config.Region + ".amazonaws.com" }
	use := func(principal awsiam.IPrincipal, operator string, condition map[string]any) {
		statement := awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
				"kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
			Resources:  &[]*string{jsii.String("*")}, // in a key's policy, the key
			Principals: &[]awsiam.IPrincipal{principal},
		})
		statement.AddCondition(jsii.String(operator), condition)
		key.AddToResourcePolicy(statement, nil)
	}
	// As with AWS's own keys: who may use a table, queue, bucket or secret may have that
	// service use the key, and nobody can use the key otherwise.
	use(awsiam.NewAnyPrincipal(), "StringEquals", map[string]any{
		"kms:CallerAccount": *s.data.Account(),
		"kms:ViaService":    []string{via("dynamodb"), via("sqs"), via("s3"), via("secretsmanager")},
	})
	use(awsiam.NewServicePrincipal(jsii.String("sns.amazonaws.com"), nil), "StringEquals", map[string]any{"aws:SourceAccount": *s.data.Account()})
	use(awsiam.NewServicePrincipal(jsii.String("logs."+s.Config.Region+".amazonaws.com"), nil), "ArnLike", map[string]any{
		"kms:EncryptionContext:aws:logs:arn": "arn:" + *s.data.Partition() + ":logs:" + s.Config.Region + ":" + *s.data.Account() + ":log-group:*",
	})
	return &customerKey{key, s.stored("customer-key", key.KeyArn())}
}

// encryptTable has the key encrypt a table without a key.
func (k *customerKey) encryptTable(props *awsdynamodb.TablePropsV2) {
	if k != nil && props.Encryption == nil {
		props.Encryption = awsdynamodb.TableEncryptionV2_CustomerManagedKey(k.inData, nil)
	}
}

func (k *customerKey) encryptBucket(props *awss3.BucketProps) {
	if k != nil {
		props.Encryption, props.EncryptionKey, props.BucketKeyEnabled = awss3.BucketEncryption_KMS, k.inData, jsii.Bool(true)
	}
}

// encryptQueue has the key encrypt a queue that SQS would encrypt with its own.
func (k *customerKey) encryptQueue(queue awssqs.Queue) {
	if k == nil {
		return
	}
	cfn := queue.Node().DefaultChild().(awssqs.CfnQueue)
	cfn.SetSqsManagedSseEnabled(jsii.Bool(false))
	cfn.SetKmsMasterKeyId(k.arn)
}

// id is the key's ARN in the data stack, nil without a key.
func (k *customerKey) id() *string {
	if k == nil {
		return nil
	}
	return k.inData.KeyArn()
}
