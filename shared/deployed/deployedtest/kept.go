// Package deployedtest tells what of a template an update must leave in its place.
package deployedtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Kept are the resources of a template that outlive their stack, or that others know by
// an address, by their logical ids: each with its type and the properties that
// CloudFormation cannot change in place.
func Kept(t *testing.T, template []byte) map[string]string {
	t.Helper()
	var content struct {
		Resources map[string]struct {
			Type, DeletionPolicy string
			Properties           map[string]any
		}
	}
	if err := json.Unmarshal(template, &content); err != nil {
		t.Fatal(err)
	}
	addressed := []string{"AWS::SNS::Topic", "AWS::ApiGatewayV2::Api", "AWS::Events::EventBus", "AWS::SES::ConfigurationSet", "Custom::FirstKeys"}
	fixed := []string{"TableName", "KeySchema", "BucketName", "KeySpec", "KeyUsage", "Name", "LogGroupName", "QueueName", "TopicName", "ProtocolType"}
	kept := map[string]string{}
	for id, r := range content.Resources {
		if !slices.Contains(addressed, r.Type) && !strings.HasPrefix(r.DeletionPolicy, "Retain") {
			continue
		}
		maps.DeleteFunc(r.Properties, func(name string, _ any) bool { return !slices.Contains(fixed, name) })
		properties, err := json.Marshal(r.Properties)
		if err != nil {
			t.Fatal(err)
		}
		kept[id] = r.Type + " " + string(properties)
	}
	return kept
}
