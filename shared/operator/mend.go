package operator

import (
	"context"
	"time"

	"stille/shared/purge"
)

// Mend goes on with the repair of a class, no faster than rate records a second (0
// for no limit). Every step is handed to save; an interrupted repair is called
// again with the work that was saved last.
func (o *Operator) Mend(ctx context.Context, work purge.MendWork, rate int, save func(purge.MendWork) error) (*purge.Mended, error) {
	if _, _, err := o.Class(ctx, work.Class); err != nil {
		return nil, err
	}
	work, err := purge.Mender{
		Records: o.Records, Rate: rate, Sleep: wait,
		Stamper: purge.Stamper{Records: o.Records, List: o.Suppressions, Holds: o.Holds, Now: o.Now},
	}.Mend(ctx, work, save)
	if err != nil {
		return nil, err
	}
	return &work.Did, nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
