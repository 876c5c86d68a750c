package dynamo

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"stille/shared/suppression"
)

const (
	// mostInOne is how many changes one transaction makes: a change takes two of
	// the hundred operations that DynamoDB allows.
	mostInOne = 50
	// writesAtOnce is how many transactions of one ApplyAll run at the same time.
	writesAtOnce = 16
)

// pending is a request that is not decided.
type pending struct {
	suppression.Request
	basis  base
	result *suppression.Result
}

// ApplyAll is Apply for many changes, with up to 50 changes in one transaction. It
// answers in the order of the requests. After an error any of the changes may
// be made; all may be asked for again.
func (s *Suppressions) ApplyAll(ctx context.Context, requests []suppression.Request, now time.Time) ([]suppression.Result, error) {
	results := make([]suppression.Result, len(requests))
	for _, wave := range suppression.Waves(requests) {
		group, inGroup := errgroup.WithContext(ctx)
		group.SetLimit(writesAtOnce)
		var simple []pending // contacts with one key
		for _, n := range wave {
			p := pending{requests[n], base{item: unknown(requests[n].Who)}, &results[n]}
			if len(p.Who.Keys) == 1 {
				simple = append(simple, p)
				continue
			}
			group.Go(func() error { return s.applyOne(inGroup, p, now) })
		}
		for batch := range slices.Chunk(simple, mostInOne) {
			group.Go(func() error { return s.applyBatch(inGroup, batch, now) })
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// applyBatch makes changes to different contacts. Like Apply, applyBatch first assumes
// that the contacts are unknown. The second transaction is decided on the items
// that the first found. What is left is changed contact by contact.
func (s *Suppressions) applyBatch(ctx context.Context, all []pending, now time.Time) (err error) {
	var others []pending
	for range 2 {
		var more []pending
		if all, more, err = s.writeAll(ctx, all, now); err != nil {
			return err
		}
		others = append(others, more...)
	}
	for _, p := range append(others, all...) {
		if err := s.applyOne(ctx, p, now); err != nil {
			return err
		}
	}
	return nil
}

// writeAll writes the changes in one transaction. Where the transaction is
// cancelled, writeAll returns what may be tried together again, each on the item
// that is stored, and the others.
func (s *Suppressions) writeAll(ctx context.Context, all []pending, now time.Time) (again, others []pending, err error) {
	var operations []types.TransactWriteItem
	var written []pending
	for _, p := range all {
		outcome, err := decide(p.basis, p.Who, p.Change, now)
		switch {
		case err != nil:
			return nil, nil, err
		case outcome.Entry != nil:
			operations = append(operations, s.change(p.basis.stored, outcome.Item, *outcome.Entry)...)
			p.result.Outcome = outcome
			written = append(written, p)
		case p.basis.read && outcome.Item.Touched == p.basis.item.Touched:
			p.result.Outcome = outcome
		default:
			others = append(others, p)
		}
	}
	if len(written) == 0 {
		return nil, others, nil
	}
	err = s.write(ctx, operations)
	reasons, wasCancelled := cancelled(err)
	if !wasCancelled || len(reasons) != len(operations) {
		return nil, others, writing(err)
	}
	for i, p := range written {
		of := reasons[2*i : 2*i+2]
		switch {
		case failed(of[0], noReason) && failed(of[1], noReason):
			again = append(again, p)
		case failed(of[0], conditionFailed) && of[0].Item != nil:
			stored, err := decodeSuppression(of[0].Item)
			switch {
			case err != nil:
				*p.result = suppression.Result{Err: err}
			case stored.MergedInto != "":
				others = append(others, p)
			default:
				p.basis = base{item: stored, stored: editionOf(stored), read: true}
				again = append(again, p)
			}
		default:
			others = append(others, p)
		}
	}
	return again, others, nil
}

// applyOne makes one change.
func (s *Suppressions) applyOne(ctx context.Context, p pending, now time.Time) error {
	p.result.Outcome, p.result.Err = s.Apply(ctx, p.Who, p.Change, now)
	if isUnreadable(p.result.Err) {
		return nil
	}
	return p.result.Err
}
