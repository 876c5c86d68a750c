package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"stille/shared/purge"
)

type purgeApprove struct {
	PlanHash string `arg:"" name:"planhash" help:"The plan, as the halted run names it."`
}

// Help says what an approval covers.
func (purgeApprove) Help() string {
	return `This deletes data. It approves exactly the plan of this hash, for seven days after the brake halted it, and starts its purge: at the plan's own cutoff, and halted again should any shard hold more than was planned. Whoever started the halted run may not approve it. Your name stands in the certificate.

    $ stille purge show
    $ stille purge approve 3f1c9d0a…`
}

var planHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Run approves the plan and carries it out.
func (p purgeApprove) Run(ctx context.Context, s *session) error {
	if !planHash.MatchString(p.PlanHash) {
		return usage("a plan's hash has 64 characters of 0-9a-f; `stille purge show` names the plan that waits")
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	plan, err := s.waiting(ctx, sys, p.PlanHash)
	if err != nil {
		return err
	}
	class, _, err := s.class(ctx, plan.Class)
	if err != nil {
		return err
	}
	by, err := sys.principal(ctx)
	if err != nil {
		return err
	}
	err = plan.MayApprove(by, s.now())
	if errors.Is(err, purge.ErrPlanTooOld) {
		return fmt.Errorf("%w: `stille purge run %s` makes a new one", err, plan.Class)
	}
	if err != nil {
		return err
	}
	if err := sys.runs.Approve(ctx, plan.Class, plan.PlanHash, by, s.now()); err != nil {
		return err
	}
	return s.startAndFollow(ctx, sys, class, executionInput{StartedBy: by, Approved: plan.PlanHash})
}

// waiting finds the plan of this hash among those that wait.
func (s *session) waiting(ctx context.Context, sys *system, hash string) (purge.HaltedPlan, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return purge.HaltedPlan{}, err
	}
	for _, class := range policy.Classes {
		plan, err := sys.runs.Waiting(ctx, class.Name)
		if err == nil && plan.PlanHash == hash {
			return plan, nil
		}
		if err != nil && !errors.Is(err, purge.ErrNoPlan) {
			return plan, err
		}
	}
	return purge.HaltedPlan{}, fmt.Errorf("%w: a later run may have refreshed it; `stille purge show` names what waits", purge.ErrNoPlan)
}
