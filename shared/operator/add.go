package operator

import (
	"context"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Addition is what came of putting a contact on the list.
type Addition struct {
	Added  bool               `json:"added"`
	Effect suppression.Effect `json:"effect"`
	Reason suppression.Reason `json:"reason"`
	Scope  scope.Scope        `json:"scope"`
	Key    contact.Key        `json:"key"`
}

// Add suppresses a person in a scope. A zero time is now; the scope may be
// left out where there is one brand.
func (o *Operator) Add(ctx context.Context, p Person, inScope string, reason suppression.Reason, at time.Time, note string) (*Addition, error) {
	now := o.Now()
	if at.IsZero() {
		at = now
	}
	if err := suppression.CheckTime(at, now); err != nil {
		return nil, Mistakef("--at: %v", err)
	}
	in, err := o.scopeOrOnly(ctx, inScope)
	if err != nil {
		return nil, err
	}
	who, err := o.contact(ctx, p)
	if err != nil {
		return nil, err
	}
	outcome, err := o.Suppressions.Apply(ctx, who, suppression.Change{
		Action: suppression.Suppress, Scope: in, Reason: reason, At: at, Source: suppression.SourceOperator, Note: note,
	}, now)
	if err != nil {
		return nil, err
	}
	return &Addition{Added: outcome.Effect == suppression.Added, Effect: outcome.Effect, Reason: reason, Scope: in, Key: who.Newest()}, nil
}
