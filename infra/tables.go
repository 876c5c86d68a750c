package main

import (
	"cmp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/environment"
	"stille/shared/names"
)

type tables struct {
	suppressions, ledger, holds, holdHistory, runs, tools, replies, slots table
	classes                                                               []classTable
}

// table is a table of the data stack, as the other stack knows it.
type table struct {
	id, arn string
	stream  *string // the ARN of its stream, where it has one
}

// classTable holds the records of one retention class.
type classTable struct {
	class string
	table
}

func (s stack) tables(k keys) tables {
	var t tables
	t.suppressions = s.table(names.TableSuppressions, text(names.AttrKey), awsdynamodb.TablePropsV2{})
	t.ledger = s.table(names.TableLedger, text(names.AttrKey), awsdynamodb.TablePropsV2{SortKey: number(names.AttrVersion)})
	t.holds = s.table(names.TableHolds, text(names.AttrTarget), awsdynamodb.TablePropsV2{})
	t.holdHistory = s.table(names.TableHoldHistory, text(names.AttrCase), awsdynamodb.TablePropsV2{SortKey: text(names.AttrEntry)})
	t.runs = s.table(names.TableRuns, text(names.AttrClass), awsdynamodb.TablePropsV2{SortKey: text(names.AttrRun)})
	t.tools = s.table(names.TableTools, text(names.AttrHash), awsdynamodb.TablePropsV2{})
	t.replies = s.table(names.TableReplies, text(names.AttrID), awsdynamodb.TablePropsV2{})
	t.slots = s.table(names.TableSlots, text(names.AttrSlot), awsdynamodb.TablePropsV2{
		GlobalSecondaryIndexes: &[]*awsdynamodb.GlobalSecondaryIndexPropsV2{index(names.IndexRecord, names.AttrRecord, nil)},
	})
	for _, class := range s.Policy.Classes {
		t.classes = append(t.classes, classTable{class.Name, s.table(names.RecordsID(class.Name), text(names.AttrID), awsdynamodb.TablePropsV2{
			Encryption: awsdynamodb.TableEncryptionV2_CustomerManagedKey(k.encryption, nil),
			GlobalSecondaryIndexes: &[]*awsdynamodb.GlobalSecondaryIndexPropsV2{
				index(names.IndexDue, names.AttrRetentionShard, text(names.AttrRetentionSort)),
				index(names.IndexWithdrawn, names.AttrRetentionShard, text(names.AttrWithdrawnAt)),
				index(names.IndexSubject, names.AttrSubject, nil),
				index(names.IndexRunning, names.AttrRetentionShard, text(names.AttrActiveSort)),
			},
		})})
	}
	return t
}

// table adds a table that is billed on demand to the data stack, with what all
// tables share. A table that was restored is there already, and no stack makes or
// keeps it: the deploy has prepared it (dynamo.Restored).
func (s stack) table(id string, partition *awsdynamodb.Attribute, props awsdynamodb.TablePropsV2) table {
	name, shape := s.Deployed().Table(id), environment.ShapeOf(id)
	t := table{id: id, arn: *s.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("dynamodb"), Resource: jsii.String("table"), ResourceName: jsii.String(name),
	})}
	if s.Tables[id] != "" {
		if shape.Stream != "" {
			t.stream = s.stored(id+"-stream", jsii.String(cmp.Or(s.Streams[id], t.arn+"/stream/known-at-the-deploy")))
		}
		return t
	}
	s.customer.encryptTable(&props)
	props.TableName = jsii.String(name)
	props.PartitionKey = partition
	if shape.Stream != "" {
		props.DynamoStream = awsdynamodb.StreamViewType(shape.Stream)
	}
	if shape.Expires != "" {
		props.TimeToLiveAttribute = jsii.String(shape.Expires)
	}
	props.Billing = awsdynamodb.Billing_OnDemand(nil)
	props.RemovalPolicy = s.Settings.RemovalPolicy
	props.DeletionProtection = jsii.Bool(s.Settings.DeletionProtection)
	props.PointInTimeRecoverySpecification = &awsdynamodb.PointInTimeRecoverySpecification{
		PointInTimeRecoveryEnabled: jsii.Bool(true),
		RecoveryPeriodInDays:       jsii.Number(float64(shape.BackupDays)),
	}
	made := awsdynamodb.NewTableV2(s.data, jsii.String(id), &props)
	if shape.Stream != "" {
		t.stream = s.stored(id+"-stream", made.TableStreamArn())
	}
	return t
}

func index(name, partition string, sort *awsdynamodb.Attribute) *awsdynamodb.GlobalSecondaryIndexPropsV2 {
	return &awsdynamodb.GlobalSecondaryIndexPropsV2{
		IndexName:      jsii.String(name),
		PartitionKey:   text(partition),
		SortKey:        sort,
		ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
	}
}

func text(attribute string) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: jsii.String(attribute), Type: awsdynamodb.AttributeType_STRING}
}

func number(attribute string) *awsdynamodb.Attribute {
	return &awsdynamodb.Attribute{Name: jsii.String(attribute), Type: awsdynamodb.AttributeType_NUMBER}
}

// arns are the ARNs of tables.
func arns(tables ...table) []*string {
	var arns []*string
	for _, table := range tables {
		arns = append(arns, jsii.String(table.arn))
	}
	return arns
}

// indexArns are the ARNs of one index in each of these tables.
func indexArns(name string, tables ...table) []*string {
	var arns []*string
	for _, table := range tables {
		arns = append(arns, jsii.String(table.arn+"/index/"+name))
	}
	return arns
}

// records are the tables of these classes, or of all if none is named.
func (t tables) records(classes ...string) []table {
	var records []table
	for _, of := range t.classes {
		if len(classes) == 0 || slices.Contains(classes, of.class) {
			records = append(records, of.table)
		}
	}
	return records
}

// mayChangeList lets a function change suppressions, each change with its entry
// in the ledger. UpdateItem is for an item under an older contact key, Query for a
// list that was restored to an older state.
func (t tables) mayChangeList() []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		allow(arns(t.suppressions), "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"),
		allow(arns(t.ledger), "dynamodb:PutItem", "dynamodb:Query"),
	}
}

// mayUpdateRecords lets a function change records of every class, each under the
// condition that the record is unchanged since it was read.
func (s stack) mayUpdateRecords(k keys, t tables) []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		allow(arns(t.records()...), "dynamodb:GetItem", "dynamodb:UpdateItem"),
		s.writesRecords(k),
	}
}

// mayAskHolds lets a function change a record under the condition that no hold
// freezes it.
func (t tables) mayAskHolds() awsiam.PolicyStatement {
	return allow(arns(t.holds), "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem")
}

// mayClaimSlots lets a function give a messaging record its contact's slot, and
// any record its objects.
func (t tables) mayClaimSlots() []awsiam.PolicyStatement {
	return []awsiam.PolicyStatement{
		allow(arns(t.slots), "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"),
		allow(arns(t.records()...), "dynamodb:ConditionCheckItem"),
	}
}

// readsRecords lets DynamoDB decrypt class tables for a function. The statement
// gives no access to the tables, and no other use of the key.
func (s stack) readsRecords(k keys) awsiam.PolicyStatement {
	return s.throughDynamoDB(k, "kms:Decrypt", "kms:DescribeKey")
}

// writesRecords lets DynamoDB decrypt and encrypt class tables for a function.
func (s stack) writesRecords(k keys) awsiam.PolicyStatement {
	return s.throughDynamoDB(k, "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt",
		"kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
}

func (s stack) throughDynamoDB(k keys, actions ...string) awsiam.PolicyStatement {
	statement := allow([]*string{k.records}, actions...)
	statement.AddCondition(jsii.String("StringEquals"), map[string]any{
		"kms:ViaService": "dynamodb." + s.Config.Region + ".amazonaws.com",
	})
	return statement
}
