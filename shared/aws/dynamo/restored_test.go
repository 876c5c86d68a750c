package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/names"
)

// restores are tables of DynamoDB, and what was changed.
type restores struct {
	tables  map[string]*types.TableDescription
	expires types.TimeToLiveStatus
	changed []string
}

// restored returns a table as a restore leaves it.
func restored(key []string, indexes ...string) *types.TableDescription {
	table := &types.TableDescription{TableStatus: types.TableStatusActive}
	for _, attribute := range key {
		table.KeySchema = append(table.KeySchema, types.KeySchemaElement{AttributeName: aws.String(attribute)})
	}
	for _, index := range indexes {
		table.GlobalSecondaryIndexes = append(table.GlobalSecondaryIndexes, types.GlobalSecondaryIndexDescription{IndexName: aws.String(index)})
	}
	return table
}

func (r *restores) DescribeTable(_ context.Context, in *dynamodb.DescribeTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error) {
	table, found := r.tables[*in.TableName]
	if !found {
		return nil, &types.ResourceNotFoundException{}
	}
	table.TableName = in.TableName
	return &dynamodb.DescribeTableOutput{Table: table}, nil
}

func (r *restores) UpdateTable(_ context.Context, in *dynamodb.UpdateTableInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error) {
	table := r.tables[*in.TableName]
	if in.StreamSpecification != nil && in.DeletionProtectionEnabled != nil {
		return nil, errors.New("only one of these at once")
	}
	if in.StreamSpecification != nil {
		table.StreamSpecification, table.LatestStreamArn = in.StreamSpecification, aws.String("arn:"+*in.TableName)
		r.changed = append(r.changed, *in.TableName+" stream "+string(in.StreamSpecification.StreamViewType))
	}
	if in.DeletionProtectionEnabled != nil {
		table.DeletionProtectionEnabled = in.DeletionProtectionEnabled
		r.changed = append(r.changed, *in.TableName+" protected")
	}
	return &dynamodb.UpdateTableOutput{}, nil
}

func (r *restores) UpdateContinuousBackups(_ context.Context, in *dynamodb.UpdateContinuousBackupsInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateContinuousBackupsOutput, error) {
	r.changed = append(r.changed, fmt.Sprintf("%s backups %d", *in.TableName, *in.PointInTimeRecoverySpecification.RecoveryPeriodInDays))
	return nil, nil //nolint:nilnil // nobody reads it
}

func (r *restores) DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error) {
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: &types.TimeToLiveDescription{TimeToLiveStatus: r.expires}}, nil
}

func (r *restores) UpdateTimeToLive(_ context.Context, in *dynamodb.UpdateTimeToLiveInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error) {
	r.expires = types.TimeToLiveStatusEnabling
	r.changed = append(r.changed, *in.TableName+" expires "+*in.TimeToLiveSpecification.AttributeName)
	return nil, nil //nolint:nilnil // nobody reads it
}

func TestRestoredTableGetsWhatTheRestoreLeftOut(t *testing.T) {
	world := &restores{expires: types.TimeToLiveStatusDisabled, tables: map[string]*types.TableDescription{
		"quiet-ledger-2":  restored([]string{"key", "version"}),
		"quiet-contact-2": restored([]string{"id"}, "due", "withdrawn", "subject", "running"),
		"quiet-replies-2": restored([]string{"id"}),
	}}
	tables := dynamo.Restored{DynamoDB: world, Protected: true, Tables: map[string]string{
		names.TableLedger: "quiet-ledger-2", names.RecordsID("contact"): "quiet-contact-2", names.TableReplies: "quiet-replies-2",
	}}
	if err := tables.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"quiet-ledger-2 stream NEW_IMAGE", "quiet-ledger-2 protected", "quiet-ledger-2 backups 35",
		"quiet-contact-2 stream NEW_AND_OLD_IMAGES", "quiet-contact-2 protected", "quiet-contact-2 backups 7",
		"quiet-replies-2 protected", "quiet-replies-2 backups 35", "quiet-replies-2 expires expires",
	}
	if diff := cmp.Diff(want, world.changed); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	streams, err := tables.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"ledger": "arn:quiet-ledger-2", "records-contact": "arn:quiet-contact-2"}, streams); diff != "" {
		t.Errorf("streams (-want +got)\n%s", diff)
	}

	world.changed = nil
	if err := tables.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"quiet-ledger-2 backups 35", "quiet-contact-2 backups 7", "quiet-replies-2 backups 35"}, world.changed); diff != "" {
		t.Errorf("the next deploy changes (-want +got)\n%s", diff)
	}
}

func TestTableThatCannotStandInIsRefused(t *testing.T) {
	streaming := restored([]string{"key", "version"})
	streaming.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly}
	for name, test := range map[string]struct {
		id    string
		table *types.TableDescription
		says  string
	}{
		"it is not there":             {names.TableHolds, nil, "restore-table-to-point-in-time --target-table-name quiet-2"},
		"it is another table":         {names.TableHolds, restored([]string{"key"}), "has the key [key], and the system needs [target]"},
		"it lacks its sort key":       {names.TableLedger, restored([]string{"key"}), "the system needs [key version]"},
		"it lost an index":            {names.RecordsID("contact"), restored([]string{"id"}, "due", "withdrawn", "running"), "lacks the index subject"},
		"its stream has other images": {names.TableLedger, streaming, `has KEYS_ONLY, and the system needs "NEW_IMAGE"`},
	} {
		t.Run(name, func(t *testing.T) {
			world := &restores{tables: map[string]*types.TableDescription{}}
			if test.table != nil {
				world.tables["quiet-2"] = test.table
			}
			err := dynamo.Restored{DynamoDB: world, Tables: map[string]string{test.id: "quiet-2"}}.Prepare(t.Context())
			if err == nil || !strings.Contains(err.Error(), "the table of "+test.id) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("want %q in %v", test.says, err)
			}
			if len(world.changed) > 0 {
				t.Errorf("changed %q", world.changed)
			}
		})
	}
}
