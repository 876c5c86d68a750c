package operator

import (
	"context"
	"time"

	"stille/shared/purge"
)

// Mend goes on with the repair of a class, no faster than rate records a second (0
// for no limit). It pauses with sleep. Every step is handed to save; an interrupted
// repair is called again with the work that was saved last.
func (o *Operator) Mend(
	ctx context.Context, work purge.MendWork, rate int, sleep func(context.Context, time.Duration) error, save func(purge.MendWork) error,
) (*purge.Mended, error) {
	_, policy, err := o.Class(ctx, work.Class)
	if err != nil {
		return nil, err
	}
	work, err = purge.Mender{
		Records: o.Records, Rate: rate, Sleep: sleep,
		Stamper: purge.Stamper{Records: o.Records, List: o.Suppressions, Holds: o.Holds, Policy: policy, Now: o.Now},
	}.Mend(ctx, work, save)
	if err != nil {
		return nil, err
	}
	return &work.Did, nil
}
