package dynamo

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestStreamImageKeepsEveryTypeOfAttribute(t *testing.T) {
	var image map[string]events.DynamoDBAttributeValue
	err := json.Unmarshal([]byte(`{
		"S": {"S": "æ <\u2028>"}, "N": {"N": "12345678901234567890.10"}, "BOOL": {"BOOL": false}, "NULL": {"NULL": true}, "B": {"B": "AP8="},
		"SS": {"SS": ["a", ""]}, "NS": {"NS": ["1", "0.50"]}, "BS": {"BS": ["AA==", "/w=="]},
		"L": {"L": [{"S": ""}, {"L": []}]}, "M": {"M": {"a": {"N": "1"}, "b": {"M": {}}}}
	}`), &image)
	if err != nil {
		t.Fatal(err)
	}
	want := item{
		"S": text("æ <\u2028>"), "N": &types.AttributeValueMemberN{Value: "12345678901234567890.10"},
		"BOOL": &types.AttributeValueMemberBOOL{}, "NULL": &types.AttributeValueMemberNULL{Value: true}, "B": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"SS": &types.AttributeValueMemberSS{Value: []string{"a", ""}}, "NS": &types.AttributeValueMemberNS{Value: []string{"1", "0.50"}},
		"BS": &types.AttributeValueMemberBS{Value: [][]byte{{0}, {255}}},
		"L":  &types.AttributeValueMemberL{Value: []types.AttributeValue{text(""), &types.AttributeValueMemberL{Value: []types.AttributeValue{}}}},
		"M":  &types.AttributeValueMemberM{Value: item{"a": number(1), "b": &types.AttributeValueMemberM{Value: item{}}}},
	}
	got, err := fromImage(image)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(
		types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{},
		types.AttributeValueMemberB{}, types.AttributeValueMemberSS{}, types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{},
		types.AttributeValueMemberL{}, types.AttributeValueMemberM{},
	)); diff != "" || err != nil {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}
