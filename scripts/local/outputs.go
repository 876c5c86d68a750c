package local

import (
	"fmt"

	"stille/scripts/stackfile"
	"stille/shared/names"
)

// describe makes the content of the stack file, except the API key. Its error names
// every output that the stack lacks.
func describe(p Place, name names.Stack, s settings, outputs map[string]string) (stackfile.Stack, error) {
	var missing []string
	output := func(key string) string {
		value, found := outputs[key]
		if !found || value == "" {
			missing = append(missing, key)
		}
		return value
	}
	on := names.Deployed{Stack: name, Restored: p.Tables}
	stack := stackfile.Stack{
		Endpoint:  p.endpoint(),
		Region:    region,
		Links:     output(names.OutputLinks),
		API:       output(names.OutputAPI),
		Hooks:     output(names.OutputAPI),
		Scope:     s.brand.Scope,
		SMSNumber: s.brand.SMSNumbers[0],
		Tables: map[string]string{
			"suppressions": on.Table(names.TableSuppressions),
			"ledger":       on.Table(names.TableLedger),
			"holds":        on.Table(names.TableHolds),
		},
		Purge: map[string]string{},
		Topics: map[string]string{
			"feedback": output(names.OutputFeedbackTopic),
			"smsReply": output(names.OutputSMSReplyTopic),
		},
		Buckets: map[string]string{
			"evidence":  output(names.OutputEvidenceBucket),
			"manifests": output(names.OutputManifestBucket),
			"letters":   lettersBucket,
		},
		Logs: name.LogGroups(),
	}
	for _, class := range s.policy.Classes {
		stack.Tables[class.Name] = on.Records(class.Name)
		stack.Purge[class.Name] = output(names.OutputPurge(class.Name))
	}
	if len(missing) > 0 {
		return stackfile.Stack{}, fmt.Errorf("the deployed stack lacks the outputs %q", missing)
	}
	return stack, nil
}
