package operator

import (
	"context"
	"errors"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Reasons not to send that no suppression gives.
const (
	InvalidAddress = "invalid-address" // as the tools' API says it
	UnreadableItem = "unreadable"      // what is stored of the contact cannot be read
)

// Decision says whether a contact may be sent to.
type Decision struct {
	Send   bool        `json:"send"`
	Reason string      `json:"reason,omitempty"`
	Scope  scope.Scope `json:"scope,omitempty"`
	Since  time.Time   `json:"since,omitzero"`
	Key    contact.Key `json:"key,omitempty"`
	Why    string      `json:"-"` // of InvalidAddress: what is wrong with it
}

// Check decides whether a message of the scope may be sent to a person. In doubt
// it must not be sent; an address that cannot be read is not an error.
func (o *Operator) Check(ctx context.Context, p Person, inScope string, purpose suppression.Purpose) (*Decision, error) {
	in, err := o.scopeOrAny(ctx, inScope)
	if err != nil {
		return nil, err
	}
	who, err := o.contact(ctx, p)
	var mistake Mistake
	if errors.As(err, &mistake) {
		return &Decision{Reason: InvalidAddress, Why: mistake.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := o.Suppressions.Lookup(ctx, [][]contact.Key{who.Keys})
	if err != nil {
		return nil, err
	}
	d := decide(found[0], purpose, in)
	d.Key = who.Newest()
	return &d, nil
}

// decide is what the lookup of a contact means for one message.
func decide(found suppression.Found, purpose suppression.Purpose, in scope.Scope) Decision {
	if found.Err != nil {
		return Decision{Reason: UnreadableItem}
	}
	d := suppression.Decide(found.Item, purpose, in)
	return Decision{Send: d.Send, Reason: string(d.Reason), Scope: d.Scope, Since: d.Since}
}
