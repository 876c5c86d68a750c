package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/suppression"
)

// Hold is one hold. A contact is named by its key. A contact with several keys
// is held by each of them, and this is still one hold.
type Hold struct {
	retention.Hold
	Also   []retention.Target `json:"also,omitempty"`   // the contact's other keys
	Covers *int               `json:"covers,omitempty"` // number of records that it keeps now; only of a hold that was just set
}

// newHolds merges the holds that one command set on the keys of a contact, and
// keeps the order otherwise.
func newHolds(stored []retention.Hold) []Hold {
	holds := make([]Hold, 0, len(stored))
	contacts := map[retention.Hold]int{} // a hold without its target -> its place among holds
	for _, h := range stored {
		h.SetAt = h.SetAt.UTC()
		same := h
		same.Target = ""
		_, onContact := h.Target.Subject()
		if i, there := contacts[same]; there && onContact {
			holds[i].Also = append(holds[i].Also, h.Target)
			continue
		}
		if onContact {
			contacts[same] = len(holds)
		}
		holds = append(holds, Hold{Hold: h})
	}
	return holds
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
	Holds   []Hold             `json:"holds"`
	TooLate []retention.Target `json:"tooLate,omitempty"` // records whose objects a purge has begun to delete
}

// SetHolds keeps contacts and records from being deleted. Nothing is set where
// anything cannot be understood: the Mistake names all of that. A contact is held
// under all live keys: a record has the key that was the newest when the record
// came. A record need not exist yet, so each hold says how many it covers now. The
// error of records that a hold came too late for comes with the answer.
func (o *Operator) SetHolds(ctx context.Context, hold retention.Hold, kept []Kept) (*HoldList, error) {
	var groups [][]retention.Target
	var people []contact.Known
	var mistakes []string
	for _, k := range kept {
		targets, who, err := o.targetsOf(ctx, k)
		switch {
		case err == nil:
			groups = append(groups, targets)
			if len(who.Keys) > 0 {
				people = append(people, who)
			}
		case errors.As(err, new(Mistake)):
			mistakes = append(mistakes, fmt.Sprintf("%s: %v", k.Where, err))
		default:
			return nil, err
		}
	}
	if len(mistakes) > 0 {
		return nil, Mistakef("nothing is held:\n%s", strings.Join(mistakes, "\n"))
	}
	held, err := o.hold(ctx, hold, groups)
	if held == nil || hold.Kind != retention.Restriction {
		return held, err
	}
	return held, errors.Join(err, o.silence(ctx, people, hold.Case))
}

// silence stops marketing to contacts whose data is restricted.
func (o *Operator) silence(ctx context.Context, people []contact.Known, caseID string) error {
	now := o.Now()
	for _, who := range people {
		if _, err := o.Suppressions.Apply(ctx, who, o.restriction(suppression.Suppress, Receipt{At: now, Case: caseID}), now); err != nil {
			return fmt.Errorf("the data is restricted; messages are not stopped yet, so type the command again: %w", err)
		}
	}
	return nil
}

// targetsOf are the targets of what is to be kept, and the contact if it is one. The
// error of what cannot be understood is a Mistake and repeats nothing of it.
func (o *Operator) targetsOf(ctx context.Context, k Kept) ([]retention.Target, contact.Known, error) {
	switch {
	case k.Err != nil:
		return nil, contact.Known{}, Mistakef("%v", k.Err)
	case k.Class == "" && k.ID == "":
		person, err := k.person()
		if err != nil {
			return nil, contact.Known{}, err
		}
		who, err := o.contact(ctx, person, contact.NormaliseAnyLength)
		return subjectTargets(who.Keys), who, err
	}
	class, _, err := o.Class(ctx, k.Class)
	if err != nil {
		return nil, contact.Known{}, err
	}
	if err := retention.CheckID(k.ID); err != nil {
		return nil, contact.Known{}, Mistakef("the id %v", err)
	}
	return []retention.Target{retention.RecordTarget(class.Name, k.ID)}, contact.Known{}, nil
}

func subjectTargets(keys []contact.Key) []retention.Target {
	targets := make([]retention.Target, len(keys))
	for i, key := range keys {
		targets[i] = retention.SubjectTarget(key)
	}
	return targets
}

// hold sets a hold on targets. Each group is a record, or all keys of a contact,
// the newest first. The error of records that the hold came too late for comes with
// the answer.
func (o *Operator) hold(ctx context.Context, hold retention.Hold, groups [][]retention.Target) (*HoldList, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return nil, err
	}
	if hold.SetBy, err = o.Principal(ctx); err != nil {
		return nil, err
	}
	hold.SetAt = o.Now().UTC()
	var holds []retention.Hold
	asked := map[retention.Target]bool{}
	for _, targets := range groups {
		hold.Contact = ""
		if _, onContact := targets[0].Subject(); onContact {
			hold.Contact = targets[0]
		}
		for _, hold.Target = range targets {
			if !asked[hold.Target] {
				asked[hold.Target] = true
				holds = append(holds, hold)
			}
		}
	}
	placed, err := o.Holds.Set(ctx, ClassNames(policy), holds)
	if errors.Is(err, retention.ErrOtherKind) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w; type the command again: until then the hold may or may not stand", err)
	}
	answer := &HoldList{Holds: newHolds(holds), TooLate: placed.TooLate}
	for i := range answer.Holds {
		answer.Holds[i].count(placed.Covers)
	}
	return answer, tooLate(placed.TooLate)
}

// count notes how many records the hold covers.
func (h *Hold) count(covers map[retention.Target]int) {
	sum := covers[h.Target]
	for _, target := range h.Also {
		sum += covers[target]
	}
	h.Covers = &sum
}

// tooLate is the error of records that a hold came too late for. It hides, in the
// targets too, an id that may be an address.
func tooLate(targets []retention.Target) error {
	if len(targets) == 0 {
		return nil
	}
	records := make([]string, len(targets))
	for i, target := range targets {
		class, id, _ := target.Record()
		targets[i] = retention.RecordTarget(class, shownID(id))
		records[i] = Hold{Hold: retention.Hold{Target: targets[i]}}.What()
	}
	return fmt.Errorf("the hold stands, but it came too late for these records, whose objects a purge has begun to delete: %s", strings.Join(records, ", "))
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
	Silent int    `json:"silent,omitempty"` // restricted contacts whose marketing stays stopped
}

// LiftHolds lifts every hold of a case. What a restriction stopped, only Unrestrict
// starts again: that a claim is over does not say that the person wants messages.
func (o *Operator) LiftHolds(ctx context.Context, caseID string) (*Lifting, error) {
	by, err := o.Principal(ctx)
	if err != nil {
		return nil, err
	}
	lifted, err := o.Holds.Lift(ctx, retention.OfCase(caseID), o.Now(), by)
	if err != nil {
		return nil, fmt.Errorf("%w; %d holds are lifted; type the command again", err, len(newHolds(lifted)))
	}
	if len(lifted) == 0 {
		return nil, errors.New("no hold of this case stands; `stille hold list` shows all holds")
	}
	answer := &Lifting{Case: caseID}
	for _, h := range newHolds(lifted) {
		answer.Lifted++
		if _, onContact := h.Target.Subject(); onContact && h.Kind == retention.Restriction {
			answer.Silent++
		}
	}
	return answer, nil
}

// ListHolds lists all holds, lifted ones too.
func (o *Operator) ListHolds(ctx context.Context) (*HoldList, error) {
	all, err := o.Holds.List(ctx)
	if err != nil {
		return nil, err
	}
	return &HoldList{Holds: newHolds(all)}, nil
}

// RestoredHolds is what a table of holds lacked of its history.
type RestoredHolds struct {
	Events   int    `json:"events"`   // in the history
	Restored []Hold `json:"restored"` // stand again, each with the records that it covers now
	Lifted   int    `json:"lifted"`   // were lifted after the backup
}

// RestoreHolds makes a table of holds again from the history: an empty table, or one
// that was set back to a backup. A second call finds nothing. The error of records
// that a hold came too late for comes with the answer.
func (o *Operator) RestoreHolds(ctx context.Context) (*RestoredHolds, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return nil, err
	}
	events, err := o.Holds.Events(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := o.Holds.List(ctx)
	if err != nil {
		return nil, err
	}
	repairs := retention.RepairHolds(events, stored)
	placed, err := o.Holds.Restore(ctx, ClassNames(policy), repairs)
	if err != nil {
		return nil, fmt.Errorf("%w; type the command again: until then holds may be missing", err)
	}
	answer := &RestoredHolds{Events: len(events)}
	var standing []retention.Hold
	for _, repair := range repairs {
		if repair.Is.Active() {
			standing = append(standing, repair.Is)
		} else {
			answer.Lifted++
		}
	}
	slices.SortFunc(standing, func(a, b retention.Hold) int {
		return cmp.Or(cmp.Compare(a.Case, b.Case), cmp.Compare(a.Contact, b.Contact), cmp.Compare(a.Target, b.Target))
	})
	answer.Restored = newHolds(standing)
	for i := range answer.Restored {
		answer.Restored[i].count(placed.Covers)
	}
	return answer, tooLate(placed.TooLate)
}

// HoldEvent is one entry of a case's history: a hold was set, or lifted.
type HoldEvent struct {
	Event  string             `json:"event"` // set or lifted
	At     time.Time          `json:"at"`
	By     string             `json:"by"` // the principal
	Kind   retention.HoldKind `json:"kind"`
	Reason string             `json:"reason"`
	Target retention.Target   `json:"target"`
	Also   []retention.Target `json:"also,omitempty"` // the contact's other keys
	What   string             `json:"-"`
}

// HoldHistory is everything that happened to the holds of a case, the oldest event
// first.
type HoldHistory struct {
	Case   string      `json:"case"`
	Events []HoldEvent `json:"events"`
}

// HoldHistory reads the history of a case.
func (o *Operator) HoldHistory(ctx context.Context, caseID string) (*HoldHistory, error) {
	states, err := o.Holds.History(ctx, caseID)
	if err != nil {
		return nil, err
	}
	if len(states) == 0 {
		return nil, errors.New("no hold of this case was ever set; `stille hold list` shows all holds")
	}
	history := &HoldHistory{Case: caseID}
	for _, h := range newHolds(states) {
		event := HoldEvent{Event: "set", At: h.SetAt, By: h.SetBy, Kind: h.Kind, Reason: h.Reason, Target: h.Target, Also: h.Also, What: h.What()}
		if !h.Active() {
			event.Event, event.At, event.By = "lifted", h.LiftedAt, h.LiftedBy
		}
		history.Events = append(history.Events, event)
	}
	return history, nil
}
