package wiring

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"stille/shared/api/gateway"
	"stille/shared/aws/emf"
	"stille/shared/contact"
	"stille/shared/names"
)

// timed logs how long a click took, from its arrival at the gateway to the answer,
// which is 200 once the click is stored. A click that waits for the store is timed by
// propagate.
func timed(serve gateway.Handler, ch contact.Channel, log *slog.Logger, now func() time.Time) gateway.Handler {
	return func(ctx context.Context, req gateway.Request) (gateway.Response, error) {
		answer, err := serve(ctx, req)
		arrived := req.RequestContext.TimeEpoch
		if arrived > 0 && req.RequestContext.HTTP.Method == http.MethodPost && answer.StatusCode == http.StatusOK {
			at := now()
			log.InfoContext(ctx, "a click was stored", names.MetricChannel, ch, names.MetricClickToEnforced, max(0, at.UnixMilli()-arrived),
				emf.Timed(at, names.MetricChannel, names.MetricClickToEnforced))
		}
		return answer, err
	}
}
