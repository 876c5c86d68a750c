package dynamo

import (
	"encoding/json"
	"maps"
	"reflect"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/retention"
)

// LedgerEntry reads the ledger entry in an image of the ledger's stream.
func LedgerEntry(image map[string]events.DynamoDBAttributeValue) (ledger.Entry, error) {
	from, err := fromImage(image)
	if err != nil {
		return ledger.Entry{}, err
	}
	return decodeEntry(from)
}

// RecordChange is a change of a record, as a class table's stream tells it.
type RecordChange struct {
	Before, After retention.Stored // only with an ID where there is none, or where the error says so
	// Rewritten means that something the record says was changed or deleted. A
	// new record, a place in an index, a withdrawal, the mark of a purge and a
	// missing start that was set rewrite nothing.
	Rewritten bool
	Image     map[string]any // the old image, as values that encoding/json writes
}

// ChangeOf reads a change in a class table's stream. The error wraps
// ErrUnreadable if the record cannot be understood as it is now.
func ChangeOf(change events.DynamoDBStreamRecord) (RecordChange, error) {
	before, err := fromImage(change.OldImage)
	if err != nil {
		return RecordChange{}, err
	}
	after, err := fromImage(change.NewImage)
	if err != nil {
		return RecordChange{}, err
	}
	c := RecordChange{Rewritten: isRewritten(before, after), Image: plainMap(before)}
	if c.Before, err = decodeRecord(before); err != nil {
		c.Before.ID = idOf(before) // still covered by a hold on the record
	}
	if len(after) > 0 {
		c.After, err = decodeRecord(after)
		return c, err
	}
	return c, nil
}

func isRewritten(before, after item) bool {
	if len(before) == 0 || before[names.AttrPurgingBy] != nil && len(after) == 0 {
		return false // new, or deleted by the purge that had marked it
	}
	was, is := maps.Clone(before), maps.Clone(after)
	if was[names.AttrRetentionStart] == nil { // a missing start may be set
		for _, name := range []string{names.AttrRetentionStart, names.AttrStartAsOf} {
			delete(was, name)
			delete(is, name)
		}
	}
	for _, a := range attributes() {
		if a.has(derived) {
			delete(was, a.name)
			delete(is, a.name)
		}
	}
	return !reflect.DeepEqual(was, is)
}

// fromImage converts a stream image to an item of the SDK.
func fromImage(image map[string]events.DynamoDBAttributeValue) (item, error) {
	if len(image) == 0 {
		return item{}, nil
	}
	written, err := json.Marshal(image)
	if err != nil {
		return nil, errUnreadable("an attribute has an unknown type")
	}
	from, err := attributevalue.UnmarshalMapJSON(written)
	if err != nil {
		return nil, errUnreadable("an attribute has an unknown type")
	}
	return from, nil
}
