package purgetest

import (
	"context"

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

func (r runs) Keep(ctx context.Context, plan purge.HaltedPlan) error {
	unlock, err := r.request(ctx, "PutItem")
	if err != nil {
		return err
	}
	defer unlock()
	if r.halted[plan.Class].PlanHash != plan.PlanHash {
		return purge.ErrNoPlan
	}
	r.halted[plan.Class] = plan
	return nil
}

func (r runs) Approve(ctx context.Context, class string, a purge.Approval) error {
	unlock, err := r.request(ctx, "UpdateItem")
	if err != nil {
		return err
	}
	defer unlock()
	plan, there := r.halted[class]
	if !there || plan.PlanHash != a.PlanHash || plan.ApprovedBy != "" && plan.ApprovedBy != a.By {
		return purge.ErrNoPlan
	}
	plan.ApprovedBy, plan.ApprovedAt, plan.UntilDone = a.By, a.At.UTC(), a.UntilDone
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
