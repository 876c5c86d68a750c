package dynamo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// Drill is the tables of a restore that is rehearsed: a class's table under another
// name, as a restore makes one, and an empty table of slots. The tables of the stack
// are read and not changed.
type Drill struct {
	db      *dynamodb.Client
	stack   names.Tables // as it is deployed
	drilled names.Tables // as it would be after the restore
	class   string
	Records *Records // of the restored table
}

// Drills makes the drills of a stack; after tells the tables of a drill from others.
func Drills(db *dynamodb.Client, stack names.Deployed) func(class, after string) *Drill {
	return func(class, after string) *Drill {
		restored := maps.Clone(stack.Restored)
		if restored == nil {
			restored = map[string]string{}
		}
		for _, id := range []string{names.TableSlots, names.RecordsID(class)} {
			restored[id] = stack.Stack.Table(id) + "-" + after
		}
		drilled := names.Deployed{Stack: stack.Stack, Restored: restored}
		return &Drill{db: db, stack: stack, drilled: drilled, class: class, Records: NewRecords(db, drilled)}
	}
}

// Copy makes the tables and returns the number of records that it copied. lost names
// the attributes that a record does not have in the backup.
func (d *Drill) Copy(ctx context.Context, lost func(context.Context, retention.Stored) ([]string, error)) (int, error) {
	for from, to := range map[string]string{d.stack.Table(names.TableSlots): d.drilled.Table(names.TableSlots), d.stack.Records(d.class): d.drilled.Records(d.class)} {
		if err := d.create(ctx, from, to); err != nil {
			return 0, fmt.Errorf("making the table %s: %w", to, err)
		}
	}
	copied := 0
	pages := dynamodb.NewScanPaginator(d.db, &dynamodb.ScanInput{TableName: aws.String(d.stack.Records(d.class)), ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return copied, fmt.Errorf("reading all records: %w", err)
		}
		err = doAll(ctx, page.Items, func(ctx context.Context, found item) error {
			if record, err := decodeRecord(found); err == nil {
				without, err := lost(ctx, record)
				if err != nil {
					return err
				}
				for _, name := range without {
					delete(found, name)
				}
			}
			return retry(ctx, "copying a record", func() error {
				_, err := d.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(d.drilled.Records(d.class)), Item: found})
				return err
			})
		})
		if err != nil {
			return copied, err
		}
		copied += len(page.Items)
	}
	return copied, nil
}

// tableTime is how long a new table may take.
const tableTime = 2 * time.Minute

// create makes a table with the keys and indexes of another, and nothing else of it.
func (d *Drill) create(ctx context.Context, from, to string) error {
	out, err := d.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &from})
	if err != nil {
		return err
	}
	input := &dynamodb.CreateTableInput{
		TableName: &to, BillingMode: types.BillingModePayPerRequest,
		KeySchema: out.Table.KeySchema, AttributeDefinitions: out.Table.AttributeDefinitions,
	}
	for _, index := range out.Table.GlobalSecondaryIndexes {
		input.GlobalSecondaryIndexes = append(input.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: index.IndexName, KeySchema: index.KeySchema, Projection: index.Projection,
		})
	}
	if _, err := d.db.CreateTable(ctx, input); err != nil {
		return err
	}
	return dynamodb.NewTableExistsWaiter(d.db).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &to}, tableTime)
}

// Compare compares every record of the restored table with its twin in the table
// that was never restored.
func (d *Drill) Compare(ctx context.Context) (purge.Twins, error) {
	var twins purge.Twins
	pages := dynamodb.NewScanPaginator(d.db, &dynamodb.ScanInput{
		TableName: aws.String(d.drilled.Records(d.class)), ConsistentRead: aws.Bool(true), Limit: aws.Int32(batchSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return twins, fmt.Errorf("reading all records: %w", err)
		}
		live, keys := map[string]item{}, make([]item, len(page.Items))
		for i, restored := range page.Items {
			keys[i] = recordKey(idOf(restored))
		}
		err = batchGet(ctx, d.db, d.stack.Records(d.class), keys, types.KeysAndAttributes{}, func(found item) { live[idOf(found)] = found })
		if err != nil {
			return twins, err
		}
		for _, restored := range page.Items {
			twins.Compared++
			different, changed := compareTwins(restored, live[idOf(restored)])
			switch {
			case changed:
				twins.Changed++
			case len(different) > 0:
				twin := purge.Twin{ID: idOf(restored), Attributes: different}
				if !retention.MayShowID(twin.ID) {
					twin.ID = ""
				}
				twins.Different = append(twins.Different, twin)
			default:
				twins.Same++
			}
		}
	}
	return twins, nil
}

// compareTwins returns the attributes in which a restored record and its twin
// differ, and whether somebody changed the twin since it was copied. A record of
// another shard is in its place, too: its subject may have changed since its stamp.
func compareTwins(restored, live item) (different []string, changed bool) {
	ours := map[string]bool{}
	for _, a := range attributes() {
		ours[a.name] = a.has(derived)
	}
	all := slices.Collect(maps.Keys(restored))
	all = slices.AppendSeq(all, maps.Keys(live))
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		switch {
		case reflect.DeepEqual(restored[name], live[name]):
		case !ours[name]:
			return nil, true
		case name == names.AttrRetentionShard && retention.IsShard(textOf(restored, name)) && retention.IsShard(textOf(live, name)):
		default:
			different = append(different, name)
		}
	}
	return different, false
}

// Remove deletes the tables that Copy made.
func (d *Drill) Remove(ctx context.Context) error {
	var failed error
	for _, table := range []string{d.drilled.Table(names.TableSlots), d.drilled.Records(d.class)} {
		_, err := d.db.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
		if err != nil && !errors.As(err, new(*types.ResourceNotFoundException)) {
			failed = errors.Join(failed, fmt.Errorf("deleting the table %s: %w", table, err))
		}
	}
	return failed
}

// Table is the name of the restored table.
func (d *Drill) Table() string { return d.drilled.Records(d.class) }
