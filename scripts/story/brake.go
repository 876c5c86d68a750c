package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"stille/shared/certificate"
	"stille/shared/purge"
)

// flood is the number of records that fall due at once: the brake lets a
// thousand pass.
const flood = 1001

// halt makes more records of a class due than a purge may delete without
// approval, checks that the purge deletes none, and lets the operator approve the
// plan, whose run is killed.
func (s *story) halt(ctx context.Context) error {
	class := classes()[0]
	ids, err := s.flood(ctx, class.name, class.keep)
	if err != nil {
		return err
	}
	// A run without a starter, as of the schedule, may be approved by any
	// operator.
	ended, err := s.execute(ctx, class.name, `{}`)
	if err != nil {
		return err
	}
	plan, err := answerOf[run](ctx, s, "purge", "show", aws.ToString(ended.Name))
	if err != nil {
		return err
	}
	if plan.Outcome != certificate.Halted || plan.Counts.Deleted != 0 || len(plan.Reasons) == 0 {
		return fmt.Errorf("the purge ended %s with %d deleted and %d reasons", plan.Outcome, plan.Counts.Deleted, len(plan.Reasons))
	}
	s.print("purge of "+class.name, fmt.Sprintf("%s: %s", plan.Outcome, plan.Reasons[0]))
	if err := s.expectLeft(ctx, class.name, ids, len(ids)); err != nil {
		return err
	}
	return s.replaceKilled(ctx, class.name, plan, ids)
}

// flood stores due records, and waits until a purge finds them.
func (s *story) flood(ctx context.Context, class, keep string) ([]string, error) {
	overdue, _, err := s.newestStart(keep, -1)
	if err != nil {
		return nil, err
	}
	given := make([]record, flood)
	ids := make([]string, flood)
	for i := range given {
		ids[i] = fmt.Sprintf("flood-%s-%d", s.id, i)
		given[i] = record{ID: ids[i], OccurredAt: overdue, Start: &overdue, Data: map[string]string{"note": "told by the story"}}
	}
	for chunk := range slices.Chunk(given, 100) {
		if _, err := s.storeAll(ctx, class, chunk); err != nil {
			return nil, err
		}
	}
	for _, r := range given {
		if err := s.awaitStamp(ctx, tale{class: class, record: r}); err != nil {
			return nil, err
		}
	}
	s.print(fmt.Sprintf("%d records of %s", flood, class), "stored, due since yesterday")
	return ids, nil
}

// expectLeft counts the remaining records, and compares.
func (s *story) expectLeft(ctx context.Context, class string, ids []string, want int) error {
	left := 0
	for chunk := range slices.Chunk(ids, purge.MaxDeletes) {
		there, _, err := s.records.Load(ctx, class, chunk)
		if err != nil {
			return err
		}
		left += len(there)
	}
	s.print("of these records", fmt.Sprintf("%d are there", left))
	if left != want {
		return fmt.Errorf("%d records are there, where %d is right", left, want)
	}
	return nil
}

// run is a purge's run in the output of the operator's command.
type run struct {
	Run      string
	Outcome  certificate.Outcome
	PlanHash string
	Reasons  []string
	Counts   certificate.Counts
}
