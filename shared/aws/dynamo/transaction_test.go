package dynamo_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/suppression"
)

// service takes every write and has no items.
type service struct {
	writes []string // the bodies of transactions
}

func (s *service) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		s.writes = append(s.writes, string(body))
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

// operation is the tested part of an operation of a transaction.
type operation struct {
	Put struct {
		TableName, ConditionExpression string
		Item                           map[string]map[string]any
	}
}

// No store: the test reads the transaction of a change as sent to DynamoDB.
func TestAChangeIsWrittenWithItsLedgerEntry(t *testing.T) {
	var s service
	db := dynamodb.New(dynamodb.Options{
		HTTPClient: &s, Region: "eu-north-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	who := contact.Known{Channel: contact.Email, Keys: []contact.Key{"kari"}}
	c := suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: suppression.Stop, At: at, Source: suppression.SourceTool}
	outcome, err := dynamo.NewSuppressions(db, names.DefaultStack).Apply(t.Context(), who, c, at)
	if err != nil || len(s.writes) != 1 {
		t.Fatalf("%d transactions, error %v", len(s.writes), err)
	}
	var sent struct{ TransactItems []operation }
	if err := json.Unmarshal([]byte(s.writes[0]), &sent); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range sent.TransactItems {
		got = append(got, o.Put.TableName+" if "+o.Put.ConditionExpression)
	}
	want := []string{"stille-suppressions if attribute_not_exists(#key)", "stille-ledger if attribute_not_exists(#key)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("transaction (-want +got):\n%s", diff)
	}
	item, entry := sent.TransactItems[0].Put.Item, sent.TransactItems[1].Put.Item
	if item["head"]["S"] != string(outcome.Entry.Hash()) || entry["id"]["S"] != outcome.Entry.ID || entry["key"]["S"] != "kari" {
		t.Errorf("item %v, entry %v, want the entry %s", item, entry, outcome.Entry.ID)
	}
}
