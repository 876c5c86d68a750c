package operator

import (
	"context"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Listed is one line of an exported list: a reason of a contact in a scope. The
// reason stands where Released is zero or not later than Last.
type Listed struct {
	Key        contact.Key        `json:"key"`
	Channel    contact.Channel    `json:"channel"`
	Scope      scope.Scope        `json:"scope"`
	Reason     suppression.Reason `json:"reason"`
	First      time.Time          `json:"first,omitzero"`
	Last       time.Time          `json:"last,omitzero"`
	Source     suppression.Source `json:"source"`
	Released   time.Time          `json:"released,omitzero"`
	MergedInto contact.Key        `json:"mergedInto,omitempty"`
}

// Exported counts what was exported.
type Exported struct {
	File       string `json:"file"`
	Contacts   int    `json:"contacts"` // keys: a key that another took over counts too
	Lines      int    `json:"lines"`
	Unreadable int    `json:"unreadable"`
}

// Export hands over every line of the list. An item that cannot be read is a
// line with the reason UnreadableItem. counted is told how many contacts were
// read so far.
func (o *Operator) Export(ctx context.Context, put func(Listed) error, counted func(contacts int)) (Exported, error) {
	var e Exported
	err := o.Suppressions.Each(ctx, func(i suppression.Item, unreadable error) error {
		e.Contacts++
		counted(e.Contacts)
		if unreadable != nil {
			e.Unreadable++
			e.Lines++
			return put(Listed{Key: i.Key, Scope: scope.Everywhere, Reason: UnreadableItem})
		}
		for _, m := range marksOf(i) {
			e.Lines++
			if err := put(Listed{i.Key, i.Channel, m.Scope, m.Reason, m.First, m.Last, m.Source, m.ReleasedAt, i.MergedInto}); err != nil {
				return err
			}
		}
		return nil
	})
	return e, err
}
