package operator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Decision says whether a contact may be sent to, as the tools' API does.
type Decision struct {
	suppression.Verdict
	Why string `json:"-"` // of an invalid address and an unknown scope: what is wrong
}

// Check decides whether a message of the scope may be sent to a person. In doubt
// it must not be sent: an unknown scope and an address that cannot be read are
// answers, not errors.
func (o *Operator) Check(ctx context.Context, p Person, inScope string, purpose suppression.Purpose) (*Decision, error) {
	var mistake Mistake
	in, err := o.scope(ctx, cmp.Or(inScope, string(scope.Everywhere)))
	if errors.As(err, &mistake) {
		return &Decision{suppression.Verdict{Reason: suppression.UnknownScope}, mistake.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	who, err := o.contact(ctx, p, contact.Normalise)
	if errors.As(err, &mistake) {
		return &Decision{suppression.Verdict{Reason: suppression.InvalidAddress}, mistake.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	verdicts, err := o.check(ctx, [][]contact.Key{who.Keys}, purpose, in)
	if err != nil {
		return nil, err
	}
	verdicts[0].Key = who.Newest()
	return &Decision{Verdict: verdicts[0]}, nil
}

// check answers by the rule of the tools' API.
func (o *Operator) check(ctx context.Context, contacts [][]contact.Key, purpose suppression.Purpose, in scope.Scope) ([]suppression.Verdict, error) {
	scopes, err := o.Config.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	question := suppression.Question{Purpose: purpose, Scope: in, Basis: scopes.BasisOf(in, false)}
	return suppression.Checker{List: o.Suppressions, Records: o.Records, Policy: o.Config.Policy}.Check(ctx, contacts, question, o.Now())
}

// Addition is what came of putting a contact on the list.
type Addition struct {
	Added      bool               `json:"added"`
	Suppressed bool               `json:"suppressed"` // the contact is now suppressed in the scope
	Effect     suppression.Effect `json:"effect"`
	Reason     suppression.Reason `json:"reason"`
	Scope      scope.Scope        `json:"scope"`
	Key        contact.Key        `json:"key"`
}

// Add suppresses a person in a scope. The scope may be left out where there is
// one brand.
func (o *Operator) Add(ctx context.Context, p Person, inScope string, reason suppression.Reason, said *suppression.Moment, note string) (*Addition, error) {
	now := o.Now()
	at, err := said.OptOut(now)
	if err != nil {
		return nil, Mistakef("--at: %v", err)
	}
	in, err := o.scopeOrOnly(ctx, inScope)
	if err != nil {
		return nil, err
	}
	who, err := o.contact(ctx, p, contact.Normalise)
	if err != nil {
		return nil, err
	}
	outcome, err := o.Suppressions.Apply(ctx, who, suppression.Change{
		Action: suppression.Suppress, Scope: in, Reason: reason, At: at, Source: suppression.SourceOperator, Note: note,
	}, now)
	if err != nil {
		return nil, err
	}
	return &Addition{Added: outcome.Effect == suppression.Added, Suppressed: outcome.Item.Suppresses(in), Effect: outcome.Effect, Reason: reason, Scope: in, Key: who.Newest()}, nil
}

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
func (o *Operator) Release(ctx context.Context, p Person, inScope string, consentedAt suppression.Moment, evidence string, override bool) (*Released, error) {
	now := o.Now()
	at, err := consentedAt.Consent(now)
	if err != nil {
		return nil, Mistakef("--consented-at: %v", err)
	}
	in, err := o.scope(ctx, inScope)
	if err != nil {
		return nil, err
	}
	who, err := o.contact(ctx, p, contact.NormaliseAnyLength)
	if err != nil {
		return nil, err
	}
	refusal, item, err := suppression.Lift(ctx, o.Suppressions, who, suppression.Consent{
		Scope: in, At: at.UTC(), Source: suppression.SourceOperator, Evidence: evidence, Operator: override,
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
	case suppression.OlderThanOptOut, suppression.NotSuppressed:
	}
	return answer, ErrNotReleased
}

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

// Export hands over every line of the list; with a scope, the lines about messages
// of the scope: said there, below it or above it. An item that cannot be read is a
// line with the reason suppression.Unreadable. counted is told how many contacts were read
// so far.
func (o *Operator) Export(ctx context.Context, inScope string, put func(Listed) error, counted func(contacts int)) (Exported, error) {
	var e Exported
	in, err := o.scope(ctx, cmp.Or(inScope, string(scope.Everywhere)))
	if err != nil {
		return e, err
	}
	err = o.Suppressions.Each(ctx, func(i suppression.Item, unreadable error) error {
		e.Contacts++
		counted(e.Contacts)
		if unreadable != nil {
			e.Unreadable++
			e.Lines++
			return put(Listed{Key: i.Key, Scope: scope.Everywhere, Reason: suppression.Unreadable})
		}
		for _, m := range marksOf(i) {
			if !in.Covers(m.Scope) && !m.Scope.Covers(in) {
				continue
			}
			e.Lines++
			if err := put(Listed{i.Key, i.Channel, m.Scope, m.Reason, m.First, m.Last, m.Source, m.ReleasedAt, i.MergedInto}); err != nil {
				return err
			}
		}
		return nil
	})
	return e, err
}

// historyReads is how often a history is read before it counts as broken: a
// change between two reads looks like a break.
const historyReads = 3

// Told is the history of a contact, and whether its chains hold.
type Told struct {
	Entries  []ledger.Entry `json:"entries"`
	Verified bool           `json:"verified"`
}

// History reads and verifies what was recorded of a person. The error of a
// broken history wraps ledger.ErrBroken and comes with the answer.
func (o *Operator) History(ctx context.Context, p Person) (*Told, error) {
	who, err := o.contact(ctx, p, contact.NormaliseAnyLength)
	if err != nil {
		return nil, err
	}
	all, broken, err := o.readHistory(ctx, who.Keys)
	if err != nil {
		return nil, err
	}
	told := all.told(broken)
	return &told, broken
}

// chain is the history under one key, and the item that it must lead to.
type chain struct {
	key     contact.Key
	item    suppression.Item
	entries []ledger.Entry
}

// chains are the chains of one contact, the newest key's first.
type chains []chain

func (all chains) under(key contact.Key) chain {
	for _, c := range all {
		if c.key == key {
			return c
		}
	}
	return chain{}
}

// readHistory reads the chains of the contact with these keys. broken wraps
// ledger.ErrBroken where an entry was altered, dropped or put in.
func (o *Operator) readHistory(ctx context.Context, keys []contact.Key) (all chains, broken, err error) {
	for range historyReads {
		if all, err = o.readChains(ctx, keys); err != nil {
			return nil, nil, err
		}
		if broken = all.verify(); broken == nil {
			break
		}
	}
	return all, broken, nil
}

// readChains reads the chain under each key, and under each key that these
// chains name: a key of the chain may no longer be live.
func (o *Operator) readChains(ctx context.Context, keys []contact.Key) (chains, error) {
	var all chains
	for len(keys) > 0 {
		key := keys[0]
		keys = keys[1:]
		if key == "" || all.under(key).key == key {
			continue
		}
		item, err := o.Suppressions.Under(ctx, key)
		if err != nil {
			return nil, err
		}
		entries, err := o.Suppressions.History(ctx, key)
		if err != nil {
			return nil, err
		}
		all = append(all, chain{key, item, entries})
		keys = append(append(slices.Clone(keys), item.Former...), item.MergedInto)
		for _, e := range entries {
			keys = append(keys, e.Former)
		}
	}
	return all, nil
}

func (all chains) told(broken error) Told {
	return Told{Entries: all.entries(), Verified: broken == nil}
}

// entries are the entries of all chains, in the order in which they were recorded.
func (all chains) entries() []ledger.Entry {
	entries := []ledger.Entry{}
	for _, c := range slices.Backward(all) {
		entries = append(entries, c.entries...)
	}
	slices.SortStableFunc(entries, func(a, b ledger.Entry) int { return a.RecordedAt.Compare(b.RecordedAt) })
	return entries
}

// verify checks every chain, and the ties between them.
func (all chains) verify() error {
	var broken error
	for _, c := range all {
		err := errors.Join(ledger.Verify(c.entries, c.item.Head), all.verifyTies(c))
		if err != nil {
			broken = errors.Join(broken, fmt.Errorf("under the key %s: %w", c.key.Short(), err))
		}
	}
	return broken
}

// verifyTies checks that an item which took over another and the item it took
// over say the same.
func (all chains) verifyTies(c chain) error {
	for _, e := range c.entries {
		if e.Action != ledger.Rekeyed {
			continue
		}
		former := all.under(e.Former)
		if err := e.VerifyTie(former.entries); err != nil {
			return err
		}
		if former.item.MergedInto != c.key {
			return fmt.Errorf("%w: version %d took over a suppression that does not say so", ledger.ErrBroken, e.Version)
		}
	}
	into := c.item.MergedInto
	if into != "" && !slices.ContainsFunc(all.under(into).entries, func(e ledger.Entry) bool { return e.Former == c.key }) {
		return fmt.Errorf("%w: no entry says that another key took it over", ledger.ErrBroken)
	}
	return nil
}
