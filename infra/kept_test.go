//go:build infra

package main

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// renewKept has TestUpdateReplacesNothingThatIsKept take the templates' word for what is
// kept.
var renewKept = flag.Bool("renew-kept", false, "write what is kept into testdata/kept.json")

// A resource with another logical id is another resource: an update would make it beside
// the one that holds the data. What is in the list is deployed somewhere, so a line may be
// added, and none be changed or taken out.
func TestUpdateReplacesNothingThatIsKept(t *testing.T) {
	content, err := json.Marshal(map[string]any{"Resources": production().resources})
	if err != nil {
		t.Fatal(err)
	}
	got, file := kept(t, content), "testdata/kept.json"
	if *renewKept {
		content, err := json.MarshalIndent(got, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(content, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	content, err = os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(content, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("an update would replace what is kept, or leave it behind; what is new comes into the list with -renew-kept (-list +templates)\n%s", diff)
	}
}

// kept are the resources of a template that outlive their stack, or that others know by
// an address, by their logical ids: each with its type and the properties that
// CloudFormation cannot change in place.
func kept(t *testing.T, template []byte) map[string]string {
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
