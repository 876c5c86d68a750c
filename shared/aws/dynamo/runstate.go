package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/names"
	"stille/shared/purge"
)

const (
	attrHolder = "holder" // lock: the run
	attrTurn   = "turn"   // lock: its turn
	attrStopBy = "stopBy"

	attrPlanHash = "planHash"
)

// Lock is purge.Runs's. The item stays when the lock is free, because the turns
// only rise.
func (r *Runs) Lock(ctx context.Context, class, run string) (purge.Lock, error) {
	lock := purge.Lock{Holder: run}
	out, err := r.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: runKey(class, lockOfClass),
		UpdateExpression:                    aws.String("SET #holder = :run ADD #turn :turns"),
		ConditionExpression:                 aws.String("attribute_not_exists(#holder)"),
		ExpressionAttributeNames:            map[string]string{"#holder": attrHolder, "#turn": attrTurn},
		ExpressionAttributeValues:           item{":run": text(run), ":turns": number(purge.TurnsOfRun)},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var held *types.ConditionalCheckFailedException
	var stored item
	switch {
	case err == nil:
		stored = out.Attributes
	case errors.As(err, &held): // perhaps by this run, in an earlier attempt
		stored = held.Item
	default:
		return lock, fmt.Errorf("locking a class: %w", err)
	}
	var ofClass storedLock
	if err := attributevalue.UnmarshalMap(stored, &ofClass); err != nil || ofClass.Holder == "" {
		return lock, errUnreadable("the lock of a class")
	}
	return purge.Lock(ofClass), nil
}

// storedLock is a purge.Lock as stored.
type storedLock struct {
	Holder string `dynamodbav:"holder"`
	Turn   int64  `dynamodbav:"turn"`
}

// Unlock is purge.Runs's.
func (r *Runs) Unlock(ctx context.Context, class, run string) error {
	_, err := r.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: runKey(class, lockOfClass),
		UpdateExpression:          aws.String("REMOVE #holder"),
		ConditionExpression:       aws.String("#holder = :run"),
		ExpressionAttributeNames:  map[string]string{"#holder": attrHolder},
		ExpressionAttributeValues: item{":run": text(run)},
	})
	if conditionNotMet(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unlocking a class: %w", err)
	}
	return nil
}

// Stop asks a run without a certificate to stop before its next page. The error
// wraps purge.ErrNoRun if the run does not exist or has ended.
func (r *Runs) Stop(ctx context.Context, class, run, by string) error {
	_, err := r.db.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: runKey(class, run),
		UpdateExpression:          aws.String("SET #stop = :by"),
		ConditionExpression:       aws.String("attribute_exists(#run) AND attribute_not_exists(#certificate)"),
		ExpressionAttributeNames:  map[string]string{"#stop": attrStopBy, "#run": names.AttrRun, "#certificate": "certificate"},
		ExpressionAttributeValues: item{":by": text(by)},
	})
	if conditionNotMet(err) {
		return purge.ErrNoRun
	}
	if err != nil {
		return fmt.Errorf("stopping a run: %w", err)
	}
	return nil
}

// Stopped reports, by a strong read, whether an operator asked the run to stop.
func (r *Runs) Stopped(ctx context.Context, class, run string) (bool, error) {
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.table, Key: runKey(class, run), ConsistentRead: aws.Bool(true),
		ProjectionExpression:     aws.String("#stop"),
		ExpressionAttributeNames: map[string]string{"#stop": attrStopBy},
	})
	if err != nil {
		return false, fmt.Errorf("asking whether a run must stop: %w", err)
	}
	return out.Item[attrStopBy] != nil, nil
}

// Halt stores a halted plan in place of an older one.
func (r *Runs) Halt(ctx context.Context, plan purge.HaltedPlan) error {
	return r.putPlan(ctx, plan, dynamodb.PutItemInput{})
}

// Keep is purge.HaltedPlans's.
func (r *Runs) Keep(ctx context.Context, plan purge.HaltedPlan) error {
	err := r.putPlan(ctx, plan, dynamodb.PutItemInput{
		ConditionExpression:       aws.String("#hash = :hash"),
		ExpressionAttributeNames:  map[string]string{"#hash": attrPlanHash},
		ExpressionAttributeValues: item{":hash": text(plan.PlanHash)},
	})
	if conditionNotMet(err) {
		return purge.ErrNoPlan
	}
	return err
}

func (r *Runs) putPlan(ctx context.Context, plan purge.HaltedPlan, put dynamodb.PutItemInput) error {
	stored, err := attributevalue.MarshalMap(storedPlan(plan))
	if err == nil {
		stored[names.AttrRun] = text(haltedPlan)
		put.TableName, put.Item = &r.table, stored
		_, err = r.db.PutItem(ctx, &put)
	}
	if err != nil {
		return fmt.Errorf("storing a halted plan: %w", err)
	}
	return nil
}

// Halted returns the class's halted plan. The error wraps purge.ErrNoPlan if
// there is none.
func (r *Runs) Halted(ctx context.Context, class string) (purge.HaltedPlan, error) {
	var plan storedPlan
	stored, err := get(ctx, r.db, r.table, runKey(class, haltedPlan), "reading a halted plan")
	switch {
	case err != nil:
		return purge.HaltedPlan{}, err
	case stored == nil:
		return purge.HaltedPlan{}, purge.ErrNoPlan
	}
	if err := attributevalue.UnmarshalMap(stored, &plan); err != nil {
		return purge.HaltedPlan{}, errUnreadable("a halted plan")
	}
	return r.approved(ctx, purge.HaltedPlan(plan))
}

// Forget removes a class's halted plan.
func (r *Runs) Forget(ctx context.Context, class string) error {
	if _, err := r.db.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &r.table, Key: runKey(class, haltedPlan)}); err != nil {
		return fmt.Errorf("removing a halted plan: %w", err)
	}
	return nil
}

// Clock returns DynamoDB's time; zero if the answer has none.
func (r *Runs) Clock(ctx context.Context) (time.Time, error) {
	out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: runKey(noRun, noRun)})
	if err != nil {
		return time.Time{}, fmt.Errorf("asking the store for the time: %w", err)
	}
	at, _ := awsmiddleware.GetServerTime(out.ResultMetadata)
	return at, nil
}

// Size is the number of records of the class, as DynamoDB counts them about
// every six hours.
func (r *Records) Size(ctx context.Context, class string) (int, error) {
	out, err := r.db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(r.stack.Records(class))})
	if err != nil {
		return 0, fmt.Errorf("asking how large a class is: %w", err)
	}
	return int(aws.ToInt64(out.Table.ItemCount)), nil
}

// conditionNotMet reports whether a write was refused for its condition.
func conditionNotMet(err error) bool {
	var refused *types.ConditionalCheckFailedException
	return errors.As(err, &refused)
}
