package local

import (
	"strings"
	"testing"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

func TestStackFileNeedsEveryOutput(t *testing.T) {
	place := Place{Port: 4566}
	policy := settings{
		policy: &retention.Policy{Classes: []retention.Class{{Name: "messaging"}}},
		brand:  scope.Entry{Scope: "acme", SMSNumbers: []string{"+4759440000"}},
	}
	outputs := map[string]string{
		names.OutputLinks:              "http://links",
		names.OutputAPI:                "http://api",
		names.OutputFeedbackTopic:      "arn:feedback",
		names.OutputSMSReplyTopic:      "arn:sms-reply",
		names.OutputEvidenceBucket:     "evidence-1",
		names.OutputManifestBucket:     "manifests-1",
		names.OutputPurge("messaging"): "arn:purge-messaging",
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

	delete(outputs, names.OutputAPI)
	delete(outputs, names.OutputPurge("messaging"))
	_, err = describe(place, "stille", policy, outputs)
	if err == nil || !strings.Contains(err.Error(), names.OutputAPI) || !strings.Contains(err.Error(), names.OutputPurge("messaging")) {
		t.Errorf("said %v, want both missing outputs named", err)
	}
}
