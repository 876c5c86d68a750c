package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stille/shared/contact"
	"stille/shared/retention"
)

// Hold is one hold. A contact is named by its key. A contact with several keys
// is held by each of them, and this is still one hold.
type Hold struct {
	retention.Hold
	Also []retention.Target `json:"also,omitempty"` // the contact's other keys
}

// newHolds merges the holds that one command set on the keys of a contact, and
// keeps the order otherwise.
func newHolds(stored []retention.Hold) []Hold {
	holds := make([]Hold, 0, len(stored))
	for _, h := range stored {
		hold := Hold{Hold: h}
		hold.SetAt = h.SetAt.UTC()
		if i := slices.IndexFunc(holds, hold.isSameContact); i >= 0 {
			holds[i].Also = append(holds[i].Also, hold.Target)
			continue
		}
		holds = append(holds, hold)
	}
	return holds
}

// isSameContact reports whether two holds are on keys of one contact: only one
// command sets holds of one case in the same instant.
func (h Hold) isSameContact(other Hold) bool {
	_, onContact := h.Target.Subject()
	_, otherOnContact := other.Target.Subject()
	return onContact && otherOnContact && h.Case == other.Case && h.Kind == other.Kind && h.Reason == other.Reason &&
		h.SetAt.Equal(other.SetAt) && h.LiftedAt.Equal(other.LiftedAt)
}

// What names what is held: a record by class and id, a contact by its keys.
func (h Hold) What() string {
	if class, id, ok := h.Target.Record(); ok {
		return "record " + class + " " + id
	}
	var keys []string
	for _, target := range append([]retention.Target{h.Target}, h.Also...) {
		key, _ := target.Subject()
		keys = append(keys, key.Short())
	}
	return "contact " + strings.Join(keys, ", ")
}

// HoldList is holds that were set or found.
type HoldList struct {
	Holds    []Hold             `json:"holds"`
	TooLate  []retention.Target `json:"tooLate,omitempty"` // records whose objects a purge has begun to delete
	NoRecord bool               `json:"-"`                 // the held record does not exist now
}

// HoldContact keeps every record of a person from being deleted, under all live
// keys: a record has the key that was the newest when the record came.
func (o *Operator) HoldContact(ctx context.Context, hold retention.Hold, p Person) (*HoldList, error) {
	who, err := o.contact(ctx, p, contact.NormaliseAnyLength)
	if err != nil {
		return nil, err
	}
	return o.hold(ctx, hold, subjectTargets(who.Keys))
}

func subjectTargets(keys []contact.Key) []retention.Target {
	targets := make([]retention.Target, len(keys))
	for i, key := range keys {
		targets[i] = retention.SubjectTarget(key)
	}
	return targets
}

// HoldRecord keeps one record from being deleted. The record need not exist
// yet, so the answer says whether it does. An id that no record can have, such
// as an address, is a Mistake.
func (o *Operator) HoldRecord(ctx context.Context, hold retention.Hold, name, id string) (*HoldList, error) {
	class, _, err := o.Class(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	if err := retention.CheckID(id); err != nil {
		return nil, Mistakef("--record: the id %v", err)
	}
	answer, failed := o.hold(ctx, hold, []retention.Target{retention.RecordTarget(class.Name, id)})
	if answer == nil {
		return nil, failed
	}
	_, err = o.Records.Get(ctx, class.Name, id)
	switch {
	case errors.Is(err, retention.ErrNoRecord):
		answer.NoRecord = true
	case err != nil && !errors.Is(err, retention.ErrUnreadable):
		failed = errors.Join(failed, fmt.Errorf("the hold stands; looking for its record: %w", err))
	}
	return answer, failed
}

// hold sets a hold on targets. The error of records that the hold came too late
// for comes with the answer.
func (o *Operator) hold(ctx context.Context, hold retention.Hold, targets []retention.Target) (*HoldList, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return nil, err
	}
	hold.SetAt = o.Now()
	holds := make([]retention.Hold, len(targets))
	for i, target := range targets {
		holds[i] = hold
		holds[i].Target = target
	}
	tooLate, err := o.Holds.Set(ctx, ClassNames(policy), holds)
	if err != nil {
		return nil, fmt.Errorf("%w; say it again: until then the hold may or may not stand", err)
	}
	var records []string
	for i, target := range tooLate {
		class, id, _ := target.Record()
		tooLate[i] = retention.RecordTarget(class, shownID(id))
		records = append(records, Hold{Hold: retention.Hold{Target: tooLate[i]}}.What())
	}
	if len(records) > 0 {
		err = fmt.Errorf("the hold stands, but it came too late for these records, whose objects a purge has begun to delete: %s", strings.Join(records, ", "))
	}
	return &HoldList{Holds: newHolds(holds), TooLate: tooLate}, err
}

// shownID is a record's id, unless it may be an address that another service
// wrote there.
func shownID(id string) string {
	if retention.MayShowID(id) {
		return id
	}
	return "…"
}

// Lifting is the holds of a case that were lifted.
type Lifting struct {
	Case   string `json:"case"`
	Lifted int    `json:"lifted"`
}

// LiftHolds lifts every hold of a case.
func (o *Operator) LiftHolds(ctx context.Context, caseID string) (*Lifting, error) {
	now := o.Now()
	lifted, err := o.Holds.Lift(ctx, caseID, now)
	if err != nil {
		return nil, err
	}
	if lifted == 0 {
		return nil, errors.New("no hold of this case stands; `stille hold list` shows all holds")
	}
	all, err := o.Holds.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("the holds are lifted; counting them: %w", err)
	}
	all = slices.DeleteFunc(all, func(h retention.Hold) bool { return h.Case != caseID || !h.LiftedAt.Equal(now) })
	return &Lifting{Case: caseID, Lifted: len(newHolds(all))}, nil
}

// ListHolds lists all holds, lifted ones too.
func (o *Operator) ListHolds(ctx context.Context) (*HoldList, error) {
	all, err := o.Holds.List(ctx)
	if err != nil {
		return nil, err
	}
	return &HoldList{Holds: newHolds(all)}, nil
}
