package main

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/deployed"
)

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
