package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
)

// Tables reads the state of a stack's tables.
type Tables struct {
	db    *dynamodb.Client
	stack names.Tables
}

// NewTables returns the tables of a stack.
func NewTables(db *dynamodb.Client, stack names.Tables) *Tables {
	return &Tables{db: db, stack: stack}
}

// Table is the state of one table.
type Table struct {
	Name  string `json:"table"`
	State string `json:"state"` // DynamoDB's status; MISSING if the table does not exist
	Items int    `json:"items"` // as DynamoDB counts them about every six hours

	Stream string `json:"-"` // the ARN of its newest stream; "" without one
	Key    string `json:"-"` // the ARN of the key that encrypts it; "" for DynamoDB's own
}

// Missing is the state of a table that does not exist.
const Missing = "MISSING"

// OK reports whether the table can be read and written.
func (t Table) OK() bool {
	return t.State == string(types.TableStatusActive) || t.State == string(types.TableStatusUpdating)
}

// All returns every table of the stack, those of the classes last.
func (t *Tables) All(ctx context.Context, classes []string) ([]Table, error) {
	ids := names.TableIDs(classes...)
	tables := make([]Table, len(ids))
	for n, id := range ids {
		var err error
		if tables[n], err = t.Describe(ctx, t.stack.Table(id)); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

// Describe returns the state of one table, also of a table of another name.
func (t *Tables) Describe(ctx context.Context, name string) (Table, error) {
	out, err := t.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return Table{Name: name, State: Missing}, nil
	}
	if err != nil {
		return Table{}, fmt.Errorf("describing the table %s: %w", name, err)
	}
	table := Table{
		Name: name, State: string(out.Table.TableStatus), Items: int(aws.ToInt64(out.Table.ItemCount)),
		Stream: aws.ToString(out.Table.LatestStreamArn),
	}
	if encryption := out.Table.SSEDescription; encryption != nil {
		table.Key = aws.ToString(encryption.KMSMasterKeyArn)
	}
	return table, nil
}
