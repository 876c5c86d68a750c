package dynamo

import (
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/ledger"
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

// RecordImage reads the record in an image of a class table's stream.
func RecordImage(image map[string]events.DynamoDBAttributeValue) (retention.Stored, error) {
	from, err := fromImage(image)
	if err != nil {
		return retention.Stored{}, err
	}
	return decodeRecord(from)
}

// fromImage converts a stream image to an item of the SDK.
func fromImage(image map[string]events.DynamoDBAttributeValue) (item, error) {
	from := make(item, len(image))
	for name, value := range image {
		converted, err := fromAttribute(value)
		if err != nil {
			return nil, err
		}
		from[name] = converted
	}
	return from, nil
}

func fromAttribute(v events.DynamoDBAttributeValue) (types.AttributeValue, error) {
	switch v.DataType() {
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: v.String()}, nil
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}, nil
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}, nil
	case events.DataTypeNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}, nil
	case events.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: v.StringSet()}, nil
	case events.DataTypeNumberSet:
		return &types.AttributeValueMemberNS{Value: v.NumberSet()}, nil
	case events.DataTypeBinarySet:
		return &types.AttributeValueMemberBS{Value: v.BinarySet()}, nil
	case events.DataTypeList:
		list := make([]types.AttributeValue, len(v.List()))
		for i, one := range v.List() {
			converted, err := fromAttribute(one)
			if err != nil {
				return nil, err
			}
			list[i] = converted
		}
		return &types.AttributeValueMemberL{Value: list}, nil
	case events.DataTypeMap:
		converted, err := fromImage(v.Map())
		return &types.AttributeValueMemberM{Value: converted}, err
	}
	return nil, fmt.Errorf("%w: an attribute has an unknown type", ErrUnreadable)
}
