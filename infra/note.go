package main

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/deployed"
)

// note writes into the data stack which scopes and classes it promises to keep. The
// note stands at a resource: CloudFormation does not update a template's own
// metadata alone.
func (s stack) note() {
	promised := deployed.By(s.Policy, s.Scopes)
	scopes := map[string]string{}
	for id, scope := range promised.Scopes {
		scopes[strconv.Itoa(int(id))] = string(scope)
	}
	at := s.data.Node().FindChild(jsii.String("suppressions")).Node().DefaultChild().(awscdk.CfnResource)
	at.AddMetadata(jsii.String(deployed.Note), map[string]any{"scopes": scopes, "classes": promised.Classes})
}
