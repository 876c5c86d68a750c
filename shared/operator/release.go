package operator

import (
	"context"
	"errors"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// ErrNotReleased means that the consent did not end the contact's silence. The
// answer beside it says why.
var ErrNotReleased = errors.New("the consent ended no silence; `stille history` shows what the contact said, and when")

// ErrNeedsOverride means that a complaint or a hard bounce still stops messages.
var ErrNeedsOverride = errors.New("a complaint or a hard bounce is lifted with --override, in the scope where it stands")

// Released is what came of a consent.
type Released struct {
	Released bool                `json:"released"`
	Reason   suppression.Refusal `json:"reason,omitempty"`
	Scope    scope.Scope         `json:"scope"`
	Key      contact.Key         `json:"key"`
	Stands   *Standing           `json:"stands,omitempty"`
}

// Standing is what still stops marketing in a scope.
type Standing struct {
	Reason suppression.Reason `json:"reason"`
	Scope  scope.Scope        `json:"scope"`
}

// Release lifts what a newer consent may lift, in exactly the scope. An
// override lifts complaints and hard bounces too.
func (o *Operator) Release(ctx context.Context, p Person, inScope string, consentedAt time.Time, evidence string, override bool) (*Released, error) {
	now := o.Now()
	if err := suppression.CheckTime(consentedAt, now); err != nil {
		return nil, Mistakef("--consented-at: %v", err)
	}
	in, err := o.scope(ctx, inScope)
	if err != nil {
		return nil, err
	}
	who, err := o.listed(ctx, p)
	if err != nil {
		return nil, err
	}
	refusal, item, err := suppression.Lift(ctx, o.Suppressions, who, suppression.Consent{
		Scope: in, At: consentedAt.UTC(), Source: suppression.SourceOperator, Evidence: evidence, Operator: override,
	}, now)
	if err != nil {
		return nil, err
	}
	answer := &Released{Released: refusal == "", Reason: refusal, Scope: in, Key: who.Newest()}
	if d := suppression.Decide(item, suppression.Marketing, in); !d.Send {
		answer.Stands = &Standing{d.Reason, d.Scope}
	}
	switch refusal {
	case "":
		return answer, nil
	case suppression.NeedsOperator:
		return answer, ErrNeedsOverride
	}
	return answer, ErrNotReleased
}
