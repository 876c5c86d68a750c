package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"stille/shared/names"
	"stille/shared/purge"
)

// storedApproval is the approval of one halted plan. It lies in a separate
// partition: IAM can tell partitions apart, so a policy can allow a principal to
// write runs and no approval, or an approval and no run.
type storedApproval struct {
	Class     string    `dynamodbav:"class"` // names.ApprovalPrefix and the class
	Plan      string    `dynamodbav:"run"`   // the plan's hash and its run
	By        string    `dynamodbav:"approvedBy"`
	At        time.Time `dynamodbav:"approvedAt"`
	UntilDone bool      `dynamodbav:"untilDone,omitempty"`
}

// approvalKey names the approval of a plan. A plan of the same contents that another
// run made needs its own approval.
func approvalKey(plan purge.HaltedPlan) item {
	return runKey(names.ApprovalPrefix+plan.Class, plan.PlanHash+noRun+plan.Run)
}

// Approve records the one approval of a halted plan. The error wraps
// purge.ErrNoPlan unless this plan is the class's halted plan. The caller must ask
// HaltedPlan.MayApprove before.
func (r *Runs) Approve(ctx context.Context, class string, approval purge.Approval) error {
	plan, err := r.Halted(ctx, class)
	if err != nil {
		return err
	}
	if plan.PlanHash != approval.PlanHash {
		return purge.ErrNoPlan
	}
	stored, err := attributevalue.MarshalMap(storedApproval{By: approval.By, At: approval.At.UTC(), UntilDone: approval.UntilDone})
	if err != nil {
		return fmt.Errorf("approving a plan: %w", err)
	}
	for name, value := range approvalKey(plan) {
		stored[name] = value
	}
	_, err = r.db.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &r.table, Item: stored,
		ConditionExpression:       aws.String("attribute_not_exists(#by) OR #by = :by"),
		ExpressionAttributeNames:  map[string]string{"#by": "approvedBy"},
		ExpressionAttributeValues: item{":by": text(approval.By)},
	})
	if conditionNotMet(err) {
		return purge.ErrNoPlan
	}
	if err != nil {
		return fmt.Errorf("approving a plan: %w", err)
	}
	return nil
}

// approved returns a plan with its approval, if there is one.
func (r *Runs) approved(ctx context.Context, plan purge.HaltedPlan) (purge.HaltedPlan, error) {
	stored, err := get(ctx, r.db, r.table, approvalKey(plan), "reading an approval")
	if err != nil {
		return plan, err
	}
	var approval storedApproval
	if err := attributevalue.UnmarshalMap(stored, &approval); err != nil {
		return plan, errUnreadable("an approval")
	}
	plan.ApprovedBy, plan.ApprovedAt, plan.UntilDone = approval.By, approval.At, approval.UntilDone
	return plan, nil
}
