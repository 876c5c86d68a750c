//go:build store

package dynamo_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/retention"
)

func TestADocumentHasEveryAttribute(t *testing.T) {
	db, stack := dynamotest.Tables(t, "messaging")
	records := dynamo.NewRecords(db, stack)
	one, flag := &types.AttributeValueMemberN{Value: "9007199254740993"}, &types.AttributeValueMemberBOOL{Value: true}
	_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(stack.Records("messaging")), Item: map[string]types.AttributeValue{
		"id": text("sub-1"), "subject": text(string(key(1))), "retentionStart": text("2026-11-22T04:00:00+01:00"), "data": text(`{"a":1}`),
		"n": one, "flag": flag, "null": &types.AttributeValueMemberNULL{Value: true}, "bytes": &types.AttributeValueMemberB{Value: []byte("hi")},
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{one, flag}}, "map": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"in": text("x")}},
		"texts": &types.AttributeValueMemberSS{Value: []string{"a"}}, "numbers": &types.AttributeValueMemberNS{Value: []string{"1"}}, "blobs": &types.AttributeValueMemberBS{Value: [][]byte{[]byte("hi")}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := records.Document(t.Context(), "messaging", "sub-1")
	if err != nil || got.Err != nil || !got.Start.Equal(now) || got.About != key(1) {
		t.Fatalf("error %v, %v, start %v", err, got.Err, got.Start)
	}
	written, err := json.Marshal(got.Attributes)
	want := `{"blobs":["aGk="],"bytes":"aGk=","data":{"a":1},"flag":true,"id":"sub-1","list":[9007199254740993,true],"map":{"in":"x"},"n":9007199254740993,` +
		`"null":null,"numbers":[1],"retentionStart":"2026-11-22T04:00:00+01:00","subject":"` + string(key(1)) + `","texts":["a"]}`
	if diff := cmp.Diff(want, string(written)); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
}

func TestAnUnreadableDocumentStillHasItsAttributes(t *testing.T) {
	db, stack := dynamotest.Tables(t, "messaging")
	records := dynamo.NewRecords(db, stack)
	dynamotest.Put(t, db, stack.Records("messaging"), map[string]any{"id": "sub-1", "subject": string(key(1)), "occurredAt": "yesterday", "data": "no JSON"})
	got, err := records.Document(t.Context(), "messaging", "sub-1")
	want := map[string]any{"id": "sub-1", "subject": string(key(1)), "occurredAt": "yesterday", "data": "no JSON"}
	if diff := cmp.Diff(want, got.Attributes); diff != "" || err != nil || !errors.Is(got.Err, retention.ErrUnreadable) || got.ID != "sub-1" || got.About != key(1) {
		t.Errorf("error %v, %v, id %q (-want +got)\n%s", err, got.Err, got.ID, diff)
	}
	if _, err := records.Document(t.Context(), "messaging", "sub-2"); !errors.Is(err, retention.ErrNoRecord) {
		t.Errorf("of none: error %v", err)
	}
}

func TestASlotNamesItsRecord(t *testing.T) {
	db, stack := dynamotest.Tables(t, "messaging")
	records := dynamo.NewRecords(db, stack)
	record := retention.Record{ID: "sub-1", Subject: key(1), Scope: "acme", Basis: retention.Consent, OccurredAt: now, Start: now}
	if _, err := records.Put(t.Context(), "messaging", record, func(retention.Record) error { return nil }, key(1)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of   contact.Key
		want string
	}{{key(1), "sub-1"}, {key(2), ""}} {
		if got, err := records.Slot(t.Context(), "messaging", c.of, "acme"); got != c.want || err != nil {
			t.Errorf("it names %q, want %q, error %v", got, c.want, err)
		}
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
