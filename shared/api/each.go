package api

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// writesAtOnce is how many writes of a call run at the same time.
const writesAtOnce = 16

// Results is the answer of a call: one result for each contact, id or record, in
// the order asked.
type Results[Result any] struct {
	Results []Result `json:"results"`
}

// Each answers for each of a call's items, in their order. It returns all
// results or an error: a call that failed may be repeated, because a second
// write changes nothing.
func Each[Item, Result any](ctx context.Context, items []Item, answer func(context.Context, Item) (Result, error)) ([]Result, error) {
	results := make([]Result, len(items))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writesAtOnce)
	for i, item := range items {
		group.Go(func() (err error) {
			results[i], err = answer(ctx, item)
			return err
		})
	}
	return results, group.Wait()
}

// EachContact is Each for contacts. A contact whose address cannot be parsed gets
// the invalid result without a call of answer.
func EachContact[Result any](ctx context.Context, contacts Contacts, invalid Result, answer func(context.Context, Parsed) (Result, error)) (Results[Result], error) {
	results, err := Each(ctx, contacts, func(ctx context.Context, c Parsed) (Result, error) {
		if !c.Valid() {
			return invalid, nil
		}
		return answer(ctx, c)
	})
	return Results[Result]{results}, err
}
