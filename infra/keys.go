package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/schema"
)

type keys struct {
	contact, link, proof secret
	signing              awskms.Key // signs certificates
	records              awskms.Key // encrypts the class tables
}

// secret holds a key set. Its ARN ends in six unknown characters, which
// Secrets Manager adds.
type secret struct {
	awssecretsmanager.CfnSecret
	arn *string
}

func (s stack) keys() keys {
	return keys{
		contact: s.secret("contact-keys", s.Name.ContactKeys(), "The key set that turns an address into a contact key"),
		link:    s.secret("link-keys", s.Name.LinkKeys(), "The key sets of e-mail and SMS links"),
		proof:   s.secret("proof-keys", s.Name.ProofKeys(), "The key set under which certificates list what was deleted"),
		signing: awskms.NewKey(s.Stack, jsii.String("signing-key"), &awskms.KeyProps{
			Alias:         jsii.String(s.Name.SigningKey()),
			Description:   jsii.String("Signs the certificates of the purges"),
			KeySpec:       awskms.KeySpec_ECC_NIST_P256,
			KeyUsage:      awskms.KeyUsage_SIGN_VERIFY,
			RemovalPolicy: s.Settings.RemovalPolicy,
		}),
		records: awskms.NewKey(s.Stack, jsii.String("records-key"), &awskms.KeyProps{
			Description:       jsii.String("Encrypts the records of every class"),
			EnableKeyRotation: jsii.Bool(true),
			RemovalPolicy:     s.Settings.RemovalPolicy,
		}),
	}
}

// secret adds a secret without a value: rotate-keys gives it one, so that no
// template ever holds a key.
func (s stack) secret(id, name, description string) secret {
	cfn := awssecretsmanager.NewCfnSecret(s.Stack, jsii.String(id), &awssecretsmanager.CfnSecretProps{
		Name:        jsii.String(name),
		Description: jsii.String(description),
	})
	cfn.ApplyRemovalPolicy(s.Settings.RemovalPolicy, nil)
	return secret{cfn, s.FormatArn(&awscdk.ArnComponents{
		Service:      jsii.String("secretsmanager"),
		Resource:     jsii.String("secret"),
		ResourceName: jsii.String(name + "-??????"),
		ArnFormat:    awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})}
}

// mayRead lets a function read secrets.
func mayRead(secrets ...secret) awsiam.PolicyStatement {
	var arns []*string
	for _, secret := range secrets {
		arns = append(arns, secret.arn)
	}
	return allow(arns, "secretsmanager:GetSecretValue")
}

// firstKeys has rotate-keys make the first key sets and their canaries, once:
// nothing in the custom resource ever changes.
func (s stack) firstKeys(k keys, t tables) {
	rotate := s.function(function{
		name:    schema.RotateKeys,
		memory:  256,
		timeout: awscdk.Duration_Minutes(jsii.Number(1)),
		may: []awsiam.PolicyStatement{
			allow([]*string{k.contact.arn, k.link.arn, k.proof.arn}, "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"),
			allow(arns(t.suppressions), "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan"),
		},
	})
	first := awscdk.NewCustomResource(s.Stack, jsii.String("first-keys"), &awscdk.CustomResourceProps{
		ServiceToken:   rotate.FunctionArn(),
		ResourceType:   jsii.String("Custom::FirstKeys"),
		ServiceTimeout: awscdk.Duration_Minutes(jsii.Number(5)),
	})
	// It reaches these by name, which CloudFormation cannot see.
	first.Node().AddDependency(k.contact.CfnSecret, k.link.CfnSecret, k.proof.CfnSecret, t.suppressions)
}
