package local

import (
	"strings"
	"testing"

	"stille/shared/retention"
	"stille/shared/schema"
	"stille/shared/scope"
)

func TestTheStackFileNamesEveryOutputOrTheOnesThatAreMissing(t *testing.T) {
	place := Place{Port: 4566}
	policy := settings{
		policy: &retention.Policy{Classes: []retention.Class{{Name: "messaging"}}},
		brand:  scope.Entry{Scope: "acme", SMSNumbers: []string{"+4759440000"}},
	}
	outputs := map[string]string{
		schema.OutputLinks:              "http://links",
		schema.OutputAPI:                "http://api",
		schema.OutputFeedbackTopic:      "arn:feedback",
		schema.OutputSMSReplyTopic:      "arn:sms-reply",
		schema.OutputEvidenceBucket:     "evidence-1",
		schema.OutputManifestBucket:     "manifests-1",
		schema.OutputPurge("messaging"): "arn:purge-messaging",
	}
	stack, err := describe(place, "stille", policy, outputs)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		stack.Endpoint:            "http://127.0.0.1:4566",
		stack.Links:               "http://links",
		stack.API:                 "http://api",
		stack.Tables["messaging"]: "stille-records-messaging",
		stack.Tables["ledger"]:    "stille-ledger",
		stack.Purge["messaging"]:  "arn:purge-messaging",
		stack.Topics["smsReply"]:  "arn:sms-reply",
		stack.Buckets["evidence"]: "evidence-1",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}

	delete(outputs, schema.OutputAPI)
	delete(outputs, schema.OutputPurge("messaging"))
	_, err = describe(place, "stille", policy, outputs)
	if err == nil || !strings.Contains(err.Error(), schema.OutputAPI) || !strings.Contains(err.Error(), schema.OutputPurge("messaging")) {
		t.Errorf("said %v, want both missing outputs named", err)
	}
}
