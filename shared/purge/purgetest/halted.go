package purgetest

import (
	"context"
	"time"

	"stille/shared/purge"
)

func (r runs) Halt(ctx context.Context, plan purge.HaltedPlan) error {
	unlock, err := r.request(ctx, "PutItem")
	if err != nil {
		return err
	}
	defer unlock()
	r.halted[plan.Class] = plan
	return nil
}

func (r runs) Halted(ctx context.Context, class string) (purge.HaltedPlan, error) {
	unlock, err := r.request(ctx, "GetItem")
	if err != nil {
		return purge.HaltedPlan{}, err
	}
	defer unlock()
	plan, there := r.halted[class]
	if !there {
		return plan, purge.ErrNoPlan
	}
	return plan, nil
}

func (r runs) Approve(ctx context.Context, class, planHash, by string, at time.Time) error {
	unlock, err := r.request(ctx, "UpdateItem")
	if err != nil {
		return err
	}
	defer unlock()
	plan, there := r.halted[class]
	if !there || plan.PlanHash != planHash || plan.ApprovedBy != "" && plan.ApprovedBy != by {
		return purge.ErrNoPlan
	}
	plan.ApprovedBy, plan.ApprovedAt = by, at.UTC()
	r.halted[class] = plan
	return nil
}

func (r runs) Forget(ctx context.Context, class string) error {
	unlock, err := r.request(ctx, "DeleteItem")
	if err != nil {
		return err
	}
	defer unlock()
	delete(r.halted, class)
	return nil
}
