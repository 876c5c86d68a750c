package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

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
