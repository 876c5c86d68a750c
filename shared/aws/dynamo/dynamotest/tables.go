package dynamotest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/aws/dynamo"
	"stille/shared/names"
)

// started is the DynamoDB Local of this test process: its start takes longer
// than most tests, so all tests share it. It ends with the process.
var started = sync.OnceValues(Start) //nolint:gochecknoglobals // one server a process

// accessKey is the access key of this test process. DynamoDB Local has a
// database and a thread for each access key: processes that share a server do
// not wait for each other, nor for tables that another process left behind.
var accessKey = sync.OnceValue(rand.Text) //nolint:gochecknoglobals // one database a process

// Client returns a client of this process's database in DynamoDB Local.
func Client(t testing.TB) *dynamodb.Client { return open(t, accessKey()) }

// open returns a client of the database of an access key.
func open(t testing.TB, accessKey string) *dynamodb.Client {
	t.Helper()
	endpoint := os.Getenv(Endpoint)
	if endpoint == "" {
		server, err := started()
		if err != nil {
			t.Fatal(err)
		}
		endpoint = server.Endpoint
	}
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "eu-north-1",
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, "test", ""),
	}, dynamo.Connections, dynamo.Endpoint)
}

// Tables creates every table of a stack, with a table for each of the classes,
// and returns the stack's name, which no other test has. The tables are empty;
// they are deleted when the test ends.
func Tables(t testing.TB, classes ...string) (*dynamodb.Client, names.Stack) {
	t.Helper()
	return create(t, Client(t), classes)
}

// TablesApart is Tables in a separate database: its requests wait for no
// others, and Client does not see its tables.
func TablesApart(t testing.TB, classes ...string) (*dynamodb.Client, names.Stack) {
	t.Helper()
	return create(t, open(t, rand.Text()), classes)
}

func create(t testing.TB, client *dynamodb.Client, classes []string) (*dynamodb.Client, names.Stack) {
	t.Helper()
	stack := names.Stack("test" + strings.ToLower(rand.Text()))
	for _, table := range tables(stack, classes) {
		if _, err := client.CreateTable(t.Context(), table); err != nil {
			t.Fatalf("creating %s: %v", *table.TableName, err)
		}
		t.Cleanup(func() {
			// The test's context has ended by now.
			_, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: table.TableName})
			if err != nil {
				t.Errorf("deleting %s: %v", *table.TableName, err)
			}
		})
	}
	return client, stack
}

// tables are the tables of a stack, with keys and indexes. They have no
// streams.
func tables(stack names.Stack, classes []string) []*dynamodb.CreateTableInput {
	all := []*dynamodb.CreateTableInput{
		table(stack.Table(names.TableSuppressions), names.AttrKey),
		table(stack.Table(names.TableLedger), names.AttrKey, names.AttrVersion),
		table(stack.Table(names.TableHolds), names.AttrTarget),
		table(stack.Table(names.TableHoldHistory), names.AttrCase, names.AttrEntry),
		table(stack.Table(names.TableRuns), names.AttrClass, names.AttrRun),
		table(stack.Table(names.TableTools), names.AttrHash),
		table(stack.Table(names.TableReplies), names.AttrID),
	}
	slots := table(stack.Table(names.TableSlots), names.AttrSlot)
	addIndex(slots, names.IndexRecord, names.AttrRecord)
	all = append(all, slots)
	for _, class := range classes {
		records := table(stack.Records(class), names.AttrID)
		addIndex(records, names.IndexDue, names.AttrRetentionShard, names.AttrRetentionSort)
		addIndex(records, names.IndexWithdrawn, names.AttrRetentionShard, names.AttrWithdrawnAt)
		addIndex(records, names.IndexSubject, names.AttrSubject)
		addIndex(records, names.IndexRunning, names.AttrRetentionShard, names.AttrActiveSort)
		all = append(all, records)
	}
	return all
}

// table is a table with this partition key and, if a second attribute is given,
// that sort key.
func table(name string, key ...string) *dynamodb.CreateTableInput {
	input := &dynamodb.CreateTableInput{
		TableName:   aws.String(name),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(key),
	}
	define(input, key)
	return input
}

func addIndex(input *dynamodb.CreateTableInput, name string, key ...string) {
	input.GlobalSecondaryIndexes = append(input.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
		IndexName:  aws.String(name),
		KeySchema:  keySchema(key),
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	})
	define(input, key)
}

func keySchema(attributes []string) []types.KeySchemaElement {
	elements := []types.KeySchemaElement{{AttributeName: aws.String(attributes[0]), KeyType: types.KeyTypeHash}}
	for _, attribute := range attributes[1:] {
		elements = append(elements, types.KeySchemaElement{AttributeName: aws.String(attribute), KeyType: types.KeyTypeRange})
	}
	return elements
}

// define defines each attribute once: DynamoDB refuses a repeated definition.
func define(input *dynamodb.CreateTableInput, attributes []string) {
	defined := make(map[string]bool)
	for _, definition := range input.AttributeDefinitions {
		defined[*definition.AttributeName] = true
	}
	for _, attribute := range attributes {
		if defined[attribute] {
			continue
		}
		kind := types.ScalarAttributeTypeS
		if attribute == names.AttrVersion {
			kind = types.ScalarAttributeTypeN
		}
		input.AttributeDefinitions = append(input.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(attribute),
			AttributeType: kind,
		})
	}
}
