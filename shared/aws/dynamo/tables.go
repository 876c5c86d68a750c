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

// Tables are a stack's tables, for whoever asks whether they are there.
type Tables struct {
	db    *dynamodb.Client
	stack names.Stack
}

// NewTables returns the tables of a stack.
func NewTables(db *dynamodb.Client, stack names.Stack) *Tables {
	return &Tables{db: db, stack: stack}
}

// Table is how a table is.
type Table struct {
	Name  string `json:"table"`
	State string `json:"state"` // ACTIVE, or what DynamoDB does with it; MISSING where there is none
	Items int    `json:"items"` // as DynamoDB last counted them, every six hours or so
}

// Missing is the state of a table that is not there.
const Missing = "MISSING"

// OK tells whether the table can be read and written.
func (t Table) OK() bool {
	return t.State == string(types.TableStatusActive) || t.State == string(types.TableStatusUpdating)
}

// All returns every table of the stack, those of the classes last.
func (t *Tables) All(ctx context.Context, classes []string) ([]Table, error) {
	names := []string{
		t.stack.Suppressions(), t.stack.Ledger(), t.stack.Holds(), t.stack.Runs(), t.stack.Tools(), t.stack.Replies(), t.stack.Slots(),
	}
	for _, class := range classes {
		names = append(names, t.stack.Records(class))
	}
	tables := make([]Table, len(names))
	for n, name := range names {
		var err error
		if tables[n], err = t.describe(ctx, name); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func (t *Tables) describe(ctx context.Context, name string) (Table, error) {
	out, err := t.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var none *types.ResourceNotFoundException
	if errors.As(err, &none) {
		return Table{Name: name, State: Missing}, nil
	}
	if err != nil {
		return Table{}, fmt.Errorf("asking how the table %s is: %w", name, err)
	}
	return Table{Name: name, State: string(out.Table.TableStatus), Items: int(aws.ToInt64(out.Table.ItemCount))}, nil
}
