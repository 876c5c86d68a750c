package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/environment"
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

// TableSettings is the part of DynamoDB that reads and changes a table's settings.
type TableSettings interface {
	dynamodb.DescribeTableAPIClient
	UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error)
	UpdateContinuousBackups(context.Context, *dynamodb.UpdateContinuousBackupsInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateContinuousBackupsOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
}

// Restored are the tables of an environment that were restored under another name. A
// restore brings back items, keys and indexes, and neither the stream nor backups, nor
// what forgets and protects.
type Restored struct {
	DynamoDB  TableSettings
	Tables    map[string]string // their names, by their ids
	Protected bool              // nobody can delete a table without ending the protection first
}

// Prepare gives each table what the restore left out. It changes nothing of a table
// that has everything, and refuses a table that cannot stand in the place of its id.
func (r Restored) Prepare(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(r.Tables)) {
		if err := r.prepare(ctx, r.Tables[id], environment.ShapeOf(id)); err != nil {
			return fmt.Errorf("the table of %s: %w", id, err)
		}
	}
	return nil
}

// Streams returns the ARNs of the tables' streams, by the tables' ids. A table without
// a stream is left out.
func (r Restored) Streams(ctx context.Context) (map[string]string, error) {
	streams := map[string]string{}
	for id, name := range r.Tables {
		if environment.ShapeOf(id).Stream == "" {
			continue
		}
		table, err := r.describe(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("the table of %s: %w", id, err)
		}
		if stream := aws.ToString(table.LatestStreamArn); stream != "" {
			streams[id] = stream
		}
	}
	return streams, nil
}

func (r Restored) describe(ctx context.Context, name string) (*types.TableDescription, error) {
	out, err := r.DynamoDB.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var absent *types.ResourceNotFoundException
	if errors.As(err, &absent) {
		return nil, fmt.Errorf("there is no table %s: restore it first, with aws dynamodb restore-table-to-point-in-time --target-table-name %[1]s", name)
	}
	if err != nil {
		return nil, fmt.Errorf("describing %s: %w", name, err)
	}
	return out.Table, nil
}

func (r Restored) prepare(ctx context.Context, name string, shape environment.Shape) error {
	table, err := r.describe(ctx, name)
	if err != nil {
		return err
	}
	if err := fits(table, shape); err != nil {
		return err
	}
	if err := r.active(ctx, name); err != nil {
		return err
	}
	if shape.Stream != "" && (table.StreamSpecification == nil || !aws.ToBool(table.StreamSpecification.StreamEnabled)) {
		if err := r.update(ctx, &dynamodb.UpdateTableInput{TableName: &name, StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(shape.Stream),
		}}); err != nil {
			return err
		}
	}
	if r.Protected && !aws.ToBool(table.DeletionProtectionEnabled) {
		if err := r.update(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(true)}); err != nil {
			return err
		}
	}
	if _, err := r.DynamoDB.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
		TableName: &name,
		PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: aws.Bool(true), RecoveryPeriodInDays: aws.Int32(shape.BackupDays),
		},
	}); err != nil {
		return fmt.Errorf("keeping backups of %s: %w", name, err)
	}
	return r.expire(ctx, name, shape.Expires)
}

// fits returns why a table cannot stand in the place of a table of this shape.
func fits(table *types.TableDescription, shape environment.Shape) error {
	name := aws.ToString(table.TableName)
	var key []string
	for _, element := range table.KeySchema {
		key = append(key, aws.ToString(element.AttributeName))
	}
	if !slices.Equal(key, shape.Key) {
		return fmt.Errorf("%s has the key %v, and the system needs %v: name the table that was restored from this one", name, key, shape.Key)
	}
	for _, index := range shape.Indexes {
		if !slices.ContainsFunc(table.GlobalSecondaryIndexes, func(i types.GlobalSecondaryIndexDescription) bool {
			return aws.ToString(i.IndexName) == index
		}) {
			return fmt.Errorf("%s lacks the index %s: restore the table with its indexes", name, index)
		}
	}
	if view := table.StreamSpecification; view != nil && aws.ToBool(view.StreamEnabled) && string(view.StreamViewType) != shape.Stream {
		return fmt.Errorf("the stream of %s has %s, and the system needs %q: aws dynamodb update-table --table-name %[1]s --stream-specification StreamEnabled=false", name, view.StreamViewType, shape.Stream)
	}
	return nil
}

func (r Restored) update(ctx context.Context, change *dynamodb.UpdateTableInput) error {
	if _, err := r.DynamoDB.UpdateTable(ctx, change); err != nil {
		return fmt.Errorf("preparing %s: %w", aws.ToString(change.TableName), err)
	}
	return r.active(ctx, aws.ToString(change.TableName))
}

// restoreLimit is how long a restore, or a change of a table, may take.
const restoreLimit = 2 * time.Hour

// active waits until a table takes changes.
func (r Restored) active(ctx context.Context, name string) error {
	if err := dynamodb.NewTableExistsWaiter(r.DynamoDB).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, restoreLimit); err != nil {
		return fmt.Errorf("waiting for %s: %w", name, err)
	}
	return nil
}

// expire has DynamoDB forget items by their attribute.
func (r Restored) expire(ctx context.Context, name, attribute string) error {
	if attribute == "" {
		return nil
	}
	now, err := r.DynamoDB.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
	if err == nil && now.TimeToLiveDescription != nil && now.TimeToLiveDescription.TimeToLiveStatus != types.TimeToLiveStatusDisabled {
		return nil
	}
	if err == nil {
		_, err = r.DynamoDB.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &name, TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: &attribute, Enabled: aws.Bool(true),
		}})
	}
	if err != nil {
		return fmt.Errorf("forgetting items of %s: %w", name, err)
	}
	return nil
}
