package dynamo

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

// Document reads one record strongly, with the owner's attributes. The error
// wraps ErrNoRecord if there is none.
func (r *Records) Document(ctx context.Context, class, id string) (retention.Document, error) {
	stored, err := r.item(ctx, class, id)
	if err != nil {
		return retention.Document{}, err
	}
	d := retention.Document{Attributes: plainMap(stored)}
	d.Stored, d.Err = decodeRecord(stored)
	d.ID = id
	if subject, ok := d.Attributes[names.AttrSubject].(string); ok {
		d.About = contact.Key(subject)
	}
	if data, ok := d.Attributes[names.AttrData].(string); ok && json.Valid([]byte(data)) {
		d.Attributes[names.AttrData] = json.RawMessage(data)
	}
	return d, nil
}

// dataOf is a record's data as JSON, in whatever form its owner wrote the data.
func dataOf(record item) json.RawMessage {
	value, there := record[names.AttrData]
	if !there {
		return nil
	}
	if written, ok := value.(*types.AttributeValueMemberS); ok && json.Valid([]byte(written.Value)) {
		return json.RawMessage(written.Value)
	}
	data, _ := json.Marshal(plain(value)) // strings, lists and maps always marshal
	return data
}

func plainMap(from item) map[string]any {
	target := make(map[string]any, len(from))
	for name, value := range from {
		target[name] = plain(value)
	}
	return target
}

// plain is a value as encoding/json writes it. Numbers keep all their digits.
func plain(from types.AttributeValue) any {
	switch v := from.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberBS:
		return v.Value
	case *types.AttributeValueMemberNS:
		numbers := make([]json.Number, len(v.Value))
		for i, n := range v.Value {
			numbers[i] = json.Number(n)
		}
		return numbers
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, one := range v.Value {
			list[i] = plain(one)
		}
		return list
	case *types.AttributeValueMemberM:
		return plainMap(v.Value)
	}
	return nil // a null
}
