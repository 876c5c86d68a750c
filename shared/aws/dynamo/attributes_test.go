package dynamo

import (
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// A field without an attribute would be neither read nor compared.
func TestEveryFieldOfARecordHasAnAttribute(t *testing.T) {
	var s retention.Stored
	known := map[any]bool{}
	for _, a := range attributes() {
		known[a.field(&s)] = true
	}
	for _, of := range []reflect.Value{reflect.ValueOf(&s.Record).Elem(), reflect.ValueOf(&s).Elem()} {
		for n := range of.NumField() {
			name := of.Type().Field(n).Name
			notStored := name == "Record" || name == "WithdrawnSort" || name == "Revision"
			if !notStored && !known[of.Field(n).Addr().Interface()] {
				t.Errorf("%s has no attribute", name)
			}
		}
	}
}

func TestDeletionIsConditionalOnEveryDecidingAttribute(t *testing.T) {
	deleter := NewDeleter(nil, names.DefaultStack)
	was := item{names.AttrID: text("sub-1"), names.AttrSubject: text("key"), names.AttrScope: text("acme"), names.AttrWithdrawnAt: text("then")}
	got := deleter.deletion("messaging", retention.Stored{Record: retention.Record{ID: "sub-1"}, Revision: was}).Delete
	want := []string{
		"attribute_exists(id)", "subject = :subject", "attribute_not_exists(formerSubjects)", "#scope = :scope", "attribute_not_exists(basis)",
		"attribute_not_exists(occurredAt)", "attribute_not_exists(firstOccurredAt)", "attribute_not_exists(retentionStart)", "attribute_not_exists(startAsOf)",
		"withdrawnAt = :withdrawnAt", "attribute_not_exists(objects)", "attribute_not_exists(claimed)", "attribute_not_exists(purgingBy)",
	}
	if diff := cmp.Diff(want, strings.Split(aws.ToString(got.ConditionExpression), " AND ")); diff != "" {
		t.Errorf("condition (-want +got):\n%s", diff)
	}
	values := map[string]string{}
	for name, value := range got.ExpressionAttributeValues {
		values[name] = value.(*types.AttributeValueMemberS).Value
	}
	if diff := cmp.Diff(map[string]string{":subject": "key", ":scope": "acme", ":withdrawnAt": "then"}, values); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	marking := deleter.marking("messaging", "run-1", retention.Stored{Revision: was}).Update
	if aws.ToString(marking.ConditionExpression) != aws.ToString(got.ConditionExpression) {
		t.Errorf("a mark rests on %s", aws.ToString(marking.ConditionExpression))
	}
}

func TestEveryTransactionOfAPageChecksTheFence(t *testing.T) {
	deleter := NewDeleter(nil, names.DefaultStack)
	for epoch, want := range map[int64]string{0: "#turn = :turn AND attribute_not_exists(#epoch)", 7: "#turn = :turn AND #epoch = :epoch"} {
		under := purge.Conditions{Class: "messaging", Run: "run-1", Shard: "3f", Epoch: epoch, Turn: 4}
		operations := deleter.operations(under, []retention.Stored{{Record: retention.Record{ID: "sub-1"}}})
		check := operations[0].ConditionCheck
		if len(operations) != 2 || check == nil || aws.ToString(check.ConditionExpression) != want {
			t.Fatalf("epoch %d: %+v", epoch, operations[0])
		}
		if key := check.Key[names.AttrTarget].(*types.AttributeValueMemberS).Value; key != "fence#3f" {
			t.Errorf("the fence is %s", key)
		}
		if epoch > 0 && check.ExpressionAttributeValues[":epoch"].(*types.AttributeValueMemberN).Value != "7" {
			t.Errorf("the epoch is %v", check.ExpressionAttributeValues)
		}
	}
}
