package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
)

type holds struct {
	Set  holdSet  `cmd:"" help:"Keep everything about a contact, or one record, from being deleted."`
	Lift holdLift `cmd:"" help:"Lift every hold of a case."`
	List holdList `cmd:"" help:"List the holds, lifted ones too."`
}

type holdSet struct {
	Case    reference          `required:"" placeholder:"ID" help:"The case: 1 to 64 characters of A-Za-z0-9._:/-"`
	Reason  reference          `required:"" placeholder:"R" help:"Why, in a word or a reference of the same characters."`
	Kind    retention.HoldKind `enum:"legal,restriction" default:"legal" help:"legal: law or a claim needs it. restriction: the person asked that it is kept."`
	Contact pair               `xor:"target" required:"" placeholder:"CHANNEL ADDRESS" help:"Hold everything about a contact, in every class, also what comes later."`
	Record  pair               `xor:"target" required:"" placeholder:"CLASS ID" help:"Hold one record."`
	Region  string             `placeholder:"NO" help:"Country, two letters, of a number without + or 00."`
}

// Help shows both targets.
func (holdSet) Help() string {
	return `Once it answers, no purge deletes what the hold covers, not even one that is running.

    $ stille hold set --case 2026-117 --reason claim --contact email kari@example.no
    $ stille hold set --case 2026-117 --reason claim --record messaging sub-81
    $ stille hold set --case dsr-9 --reason art-18 --kind restriction --contact sms +4791234567`
}

// holdAnswer is one hold as it is shown. It names a contact by its key; where
// the contact has several, the hold is on each of them and still one.
type holdAnswer struct {
	Case     string             `json:"case"`
	Kind     retention.HoldKind `json:"kind"`
	Reason   string             `json:"reason"`
	Target   retention.Target   `json:"target"`
	Also     []retention.Target `json:"also,omitempty"` // the contact's other keys
	SetAt    time.Time          `json:"setAt"`
	LiftedAt time.Time          `json:"liftedAt,omitzero"`
}

// shown puts together what was set on the keys of a contact at once, and keeps
// the order else.
func shown(holds []retention.Hold) []holdAnswer {
	answers := make([]holdAnswer, 0, len(holds))
	for _, h := range holds {
		one := holdAnswer{Case: h.Case, Kind: h.Kind, Reason: h.Reason, Target: h.Target, SetAt: h.SetAt.UTC(), LiftedAt: h.LiftedAt}
		if i := slices.IndexFunc(answers, one.sameContact); i >= 0 {
			answers[i].Also = append(answers[i].Also, one.Target)
			continue
		}
		answers = append(answers, one)
	}
	return answers
}

// sameContact tells whether two holds are on keys of one contact: only those
// of one command are set in the same instant.
func (h holdAnswer) sameContact(other holdAnswer) bool {
	return h.onContact() && other.onContact() && h.Case == other.Case && h.Kind == other.Kind && h.Reason == other.Reason &&
		h.SetAt.Equal(other.SetAt) && h.LiftedAt.Equal(other.LiftedAt)
}

func (h holdAnswer) onContact() bool {
	_, ok := h.Target.Subject()
	return ok
}

// target is what is held, for people.
func (h holdAnswer) target() string {
	if class, id, ok := h.Target.Record(); ok {
		return "record " + class + " " + id
	}
	keys := make([]string, 0, 1+len(h.Also))
	for _, t := range append([]retention.Target{h.Target}, h.Also...) {
		key, _ := t.Subject()
		keys = append(keys, key.Short())
	}
	return "contact " + strings.Join(keys, ", ")
}

type holdsAnswer struct {
	Holds   []holdAnswer       `json:"holds"`
	TooLate []retention.Target `json:"tooLate,omitempty"` // records whose objects a purge has begun to delete
}

func (a holdsAnswer) text(w io.Writer) {
	if len(a.Holds) == 0 {
		fmt.Fprintln(w, "there are no holds")
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "CASE\tKIND\tREASON\tHELD\tSET\tLIFTED")
	for _, h := range a.Holds {
		lifted := "-"
		if !h.LiftedAt.IsZero() {
			lifted = h.LiftedAt.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", h.Case, h.Kind, h.Reason, h.target(), h.SetAt.Format(time.RFC3339), lifted)
	}
	_ = table.Flush() // into a buffer
}

// Run places the holds.
func (h holdSet) Run(ctx context.Context, s *session) error {
	targets := h.contactTargets
	if h.Record.given() {
		targets = h.recordTarget
	}
	held, err := targets(ctx, s)
	if err != nil {
		return err
	}
	at := s.now()
	placed := make([]retention.Hold, len(held))
	for i, target := range held {
		placed[i] = retention.Hold{Case: string(h.Case), Reason: string(h.Reason), Kind: h.Kind, Target: target, SetAt: at}
	}
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	tooLate, err := s.place(ctx, sys, placed)
	if err != nil {
		return err
	}
	if err := s.show(holdsAnswer{Holds: shown(placed), TooLate: tooLate}); err != nil {
		return err
	}
	return errors.Join(h.remark(ctx, s, sys), late(tooLate))
}

// place places holds, and returns the records of all classes that they came too
// late for.
func (s *session) place(ctx context.Context, sys *system, placed []retention.Hold) ([]retention.Target, error) {
	policy, err := s.policy(ctx)
	if err != nil {
		return nil, err
	}
	classes := make([]string, len(policy.Classes))
	for i, class := range policy.Classes {
		classes[i] = class.Name
	}
	tooLate, err := sys.holds.Set(ctx, classes, placed)
	if err != nil {
		return nil, fmt.Errorf("%w; say it again: until then the hold may or may not stand", err)
	}
	for i, target := range tooLate {
		class, id, _ := target.Record()
		tooLate[i] = retention.RecordTarget(class, shownID(id))
	}
	return tooLate, nil
}

// late says which records the holds, which stand, came too late for.
func late(records []retention.Target) error {
	if len(records) == 0 {
		return nil
	}
	names := make([]string, len(records))
	for i, target := range records {
		names[i] = holdAnswer{Target: target}.target()
	}
	return fmt.Errorf("the hold stands, but it came too late for these, whose objects a purge has begun to delete: %s", strings.Join(names, ", "))
}

// contactTargets are the contact's keys, all live ones: records carry the key
// that was the newest when they came.
func (h holdSet) contactTargets(ctx context.Context, s *session) ([]retention.Target, error) {
	channel, err := contact.ParseChannel(h.Contact.first)
	if err != nil {
		return nil, usage("--contact: the first value must be email or sms")
	}
	who, err := person{Channel: channel, Address: h.Contact.second, Region: h.Region}.contact()
	if err != nil {
		return nil, err
	}
	sys, err := s.system(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := keysOf(ctx, sys, who)
	if err != nil {
		return nil, err
	}
	targets := make([]retention.Target, len(keys))
	for i, key := range keys {
		targets[i] = retention.SubjectTarget(key)
	}
	return targets, nil
}

// recordTarget refuses an id that no record can have, such as an address.
func (h holdSet) recordTarget(ctx context.Context, s *session) ([]retention.Target, error) {
	class, _, err := s.class(ctx, h.Record.first)
	if err != nil {
		return nil, fmt.Errorf("--record: %w", err)
	}
	for _, fault := range class.Validate(retention.Record{ID: h.Record.second}, s.now()) {
		if fault.Field == "id" {
			return nil, usage("--record: the id %s", fault.Detail)
		}
	}
	return []retention.Target{retention.RecordTarget(class.Name, h.Record.second)}, nil
}

// remark says so where there is no record to hold: the id may be mistyped, or
// the record gone.
func (h holdSet) remark(ctx context.Context, s *session, sys *system) error {
	if !h.Record.given() {
		return nil
	}
	_, err := sys.records.Get(ctx, h.Record.first, h.Record.second)
	switch {
	case errors.Is(err, retention.ErrNoRecord):
		s.say("note: there is no such record now; the hold keeps it if it comes")
	case err != nil && !errors.Is(err, retention.ErrUnreadable):
		return fmt.Errorf("the hold stands; looking for its record: %w", err)
	}
	return nil
}

type holdLift struct {
	Case reference `required:"" placeholder:"ID" help:"The case."`
}

// Help says what happens next.
func (holdLift) Help() string {
	return `What is due by then goes with the next purge of its class.

    $ stille hold lift --case 2026-117
    holds of the case 2026-117 that were lifted: 2`
}

type liftAnswer struct {
	Case   string `json:"case"`
	Lifted int    `json:"lifted"`
}

func (a liftAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "holds of the case %s that were lifted: %d\n", a.Case, a.Lifted)
}

// Run lifts the holds.
func (h holdLift) Run(ctx context.Context, s *session) error {
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	at := s.now()
	lifted, err := sys.holds.Lift(ctx, string(h.Case), at)
	if err != nil {
		return err
	}
	if lifted == 0 {
		return errors.New("no hold of this case stands; `stille hold list` shows them all")
	}
	all, err := sys.holds.List(ctx)
	if err != nil {
		return fmt.Errorf("the holds are lifted; counting them: %w", err)
	}
	now := slices.DeleteFunc(all, func(hold retention.Hold) bool { return hold.Case != string(h.Case) || !hold.LiftedAt.Equal(at) })
	return s.show(liftAnswer{Case: string(h.Case), Lifted: len(shown(now))})
}

type holdList struct{}

// Run lists the holds.
func (holdList) Run(ctx context.Context, s *session) error {
	sys, err := s.system(ctx)
	if err != nil {
		return err
	}
	all, err := sys.holds.List(ctx)
	if err != nil {
		return err
	}
	return s.show(holdsAnswer{Holds: shown(all)})
}
