package api

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// writesAtOnce is how many of a call's writes are under way at the same time.
const writesAtOnce = 16

// Each answers for every one of a call, in their order. It is all or an error:
// a call that failed may be repeated, as what it wrote already changes nothing
// again.
func Each[T, Result any](ctx context.Context, all []T, answer func(context.Context, T) (Result, error)) ([]Result, error) {
	results := make([]Result, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writesAtOnce)
	for i, one := range all {
		group.Go(func() (err error) {
			results[i], err = answer(ctx, one)
			return err
		})
	}
	return results, group.Wait()
}
