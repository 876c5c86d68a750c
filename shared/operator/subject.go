package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Receipt shows that a person's request was met, and how. It names the contact
// by the beginning of its keys, never by its address.
type Receipt struct {
	Asked   string          `json:"asked"` // export, erase or restrict
	Channel contact.Channel `json:"channel"`
	Keys    []string        `json:"keys"` // the first characters of each, the newest key's first
	At      time.Time       `json:"at"`
	By      string          `json:"by"` // the principal, as STS says
	Case    string          `json:"case,omitempty"`
	Ledger  string          `json:"ledger,omitempty"`  // the entry's id
	SHA256  string          `json:"sha256,omitempty"`  // of the exported file
	File    string          `json:"receipt,omitempty"` // where the receipt is kept; not in the file itself
}

// Own is the receipt itself, of an answer that embeds one.
func (r *Receipt) Own() *Receipt { return r }

// askedErase is what the receipt of an erasure was asked for.
const askedErase = "erase"

// subject finds the keys of a person who exercises a right, and begins the receipt.
func (o *Operator) subject(ctx context.Context, asked string, p Person, caseID string) (contact.Known, Receipt, error) {
	who, err := o.contact(ctx, p, contact.NormaliseAnyLength)
	if err != nil {
		return who, Receipt{}, err
	}
	by, err := o.Principal(ctx)
	if err != nil {
		return who, Receipt{}, err
	}
	keys := make([]string, len(who.Keys))
	for i, key := range who.Keys {
		keys[i] = key.Short()
	}
	return who, Receipt{Asked: asked, Channel: who.Channel, Keys: keys, At: o.Now().UTC(), By: by, Case: caseID}, nil
}

// Restricted is the receipt of a restriction.
type Restricted struct {
	Receipt
	Reason  string             `json:"reason"`
	TooLate []retention.Target `json:"tooLate,omitempty"` // records whose objects a purge has begun to delete
}

// Restrict keeps every record of a person from being deleted because the person
// asked for it, and stops marketing to the person in every scope. The error of
// records that it came too late for comes with the answer.
func (o *Operator) Restrict(ctx context.Context, p Person, caseID, reason string) (*Restricted, error) {
	who, receipt, err := o.subject(ctx, "restrict", p, caseID)
	if err != nil {
		return nil, err
	}
	held, err := o.hold(ctx, retention.Hold{Case: caseID, Reason: reason, Kind: retention.Restriction}, [][]retention.Target{subjectTargets(who.Keys)})
	if held == nil {
		return nil, err
	}
	return &Restricted{Receipt: receipt, Reason: reason, TooLate: held.TooLate}, errors.Join(err, o.silence(ctx, []contact.Known{who}, caseID))
}

// restriction is the change of the list that begins or ends a restriction: while
// it stands, no marketing goes out in any scope.
func (o *Operator) restriction(action suppression.Action, receipt Receipt) suppression.Change {
	return suppression.Change{
		Action: action, Scope: scope.Everywhere, Reason: suppression.Restriction, At: receipt.At,
		Source: suppression.SourceOperator, Note: receipt.Case,
	}
}

// Unrestricted is the receipt of the end of a restriction.
type Unrestricted struct {
	Receipt
	Lifted   int  `json:"lifted"`   // cases that no longer restrict the contact
	Restrict bool `json:"restrict"` // another case still restricts the contact
}

// ErrUnrestricted means that there was no restriction to end.
var ErrUnrestricted = errors.New("no such restriction of the contact stands; `stille hold list` shows all cases")

// Unrestrict ends the restrictions of a person, or that of one case, and with the
// last of them the silence. A legal hold on the person stays.
func (o *Operator) Unrestrict(ctx context.Context, p Person, caseID string) (*Unrestricted, error) {
	who, receipt, err := o.subject(ctx, "unrestrict", p, caseID)
	if err != nil {
		return nil, err
	}
	item, err := o.Suppressions.Get(ctx, who.Keys)
	if err != nil {
		return nil, err
	}
	targets := subjectTargets(slices.Concat(who.Keys, item.Former))
	restricts := func(h retention.Hold) bool {
		return h.Active() && h.Kind == retention.Restriction && slices.Contains(targets, h.Target)
	}
	lifted, err := o.Holds.Lift(ctx, func(h retention.Hold) bool { return restricts(h) && (caseID == "" || h.Case == caseID) }, receipt.At, receipt.By)
	if err != nil {
		return nil, fmt.Errorf("%w; type the command again", err)
	}
	answer := &Unrestricted{Receipt: receipt, Lifted: len(newHolds(lifted))}
	left, err := o.Holds.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("the holds are lifted; type the command again to end the silence: %w", err)
	}
	if answer.Restrict = slices.ContainsFunc(left, restricts); answer.Restrict {
		if answer.Lifted == 0 {
			return nil, ErrUnrestricted
		}
		return answer, nil
	}
	// The clock that began the restriction may be ahead of this one.
	change := o.restriction(suppression.Release, receipt)
	if began := item.Marks[scope.Everywhere][suppression.Restriction].Last; !change.At.After(began) {
		change.At = began.Add(1)
	}
	outcome, err := o.Suppressions.Apply(ctx, who, change, change.At)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the holds are lifted; type the command again to end the silence: %w", err)
	case outcome.Effect != suppression.Lifted && answer.Lifted == 0:
		return nil, ErrUnrestricted
	case outcome.Entry != nil:
		answer.Ledger = outcome.Entry.ID
	}
	return answer, nil
}

// Erased is the receipt of an erasure, and what the erasure meets.
type Erased struct {
	Receipt
	Effect  suppression.Effect `json:"effect"` // empty where the same was said before
	Classes []ErasedClass      `json:"classes"`
	// Records are what goes or is held. The holder of the proof key can show which
	// record an HMAC stands for.
	Records  []ErasedRecord `json:"records"`
	ProofKey string         `json:"proofKey"`
	Next     string         `json:"next,omitempty"`
}

// ErasedClass is what an erasure meets in one class.
type ErasedClass struct {
	Class      string       `json:"class"`
	Records    int          `json:"records"` // all of the contact's
	Going      int          `json:"going"`   // with the next purge
	NextPurge  time.Time    `json:"nextPurge"`
	Held       []HeldRecord `json:"held,omitempty"`
	ByLaw      int          `json:"keptByLaw,omitempty"`  // go with the first purge after the law's day
	KeptBy     string       `json:"keptBy,omitempty"`     // the law
	KeptUntil  string       `json:"keptUntil,omitempty"`  // the last day of them all; absent where one has not ended
	Unreadable []string     `json:"unreadable,omitempty"` // no purge deletes a record that cannot be understood
	Later      []string     `json:"later,omitempty"`      // what they tell occurred after the erasure
}

// HeldRecord is a record that stays as long as a case holds it.
type HeldRecord struct {
	ID    string   `json:"id"`
	Cases []string `json:"cases"`
}

// Erase silences a person in every scope and makes the person's records due.
// It deletes nothing itself.
func (o *Operator) Erase(ctx context.Context, p Person, caseID string) (*Erased, error) {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return nil, err
	}
	who, receipt, err := o.subject(ctx, askedErase, p, caseID)
	if err != nil {
		return nil, err
	}
	proofKey, err := o.ProofKey(ctx)
	if err != nil {
		return nil, err
	}
	outcome, err := o.Suppressions.Apply(ctx, who, suppression.Change{
		Action: suppression.Suppress, Scope: scope.Everywhere, Reason: suppression.Erasure, At: receipt.At,
		Source: suppression.SourceOperator, Note: caseID,
	}, receipt.At)
	if err != nil {
		return nil, err
	}
	answer := &Erased{Receipt: receipt, Effect: outcome.Effect, Records: []ErasedRecord{}, ProofKey: proofKey}
	if answer.Ledger, err = o.erasureEntry(ctx, outcome); err != nil {
		return nil, err
	}
	keys := append(slices.Clone(who.Keys), outcome.Item.Former...)
	for _, class := range policy.Classes {
		met, ids, err := o.erasedClass(ctx, class, keys, outcome.Item, receipt.At)
		if err == nil {
			err = answer.list(ctx, class.Name, ids, o.HMAC)
		}
		if err != nil {
			return nil, fmt.Errorf("the erasure stands (ledger %s); looking what it meets: %w", answer.Ledger, err)
		}
		met.NextPurge = class.NextPurge(receipt.At)
		answer.Classes = append(answer.Classes, met)
		if met.Going > 0 && answer.Next == "" {
			answer.Next = "stille purge plan " + class.Name
		}
	}
	return answer, nil
}

// list adds records of a class to the receipt.
func (e *Erased) list(ctx context.Context, class string, ids []string, named func(ctx context.Context, class, id string) (string, error)) error {
	for _, id := range ids {
		hmac, err := named(ctx, class, id)
		if err != nil {
			return err
		}
		record := ErasedRecord{Class: class, HMAC: hmac}
		if retention.MayShowID(id) {
			record.ID = id
		}
		e.Records = append(e.Records, record)
	}
	return nil
}

// erasureEntry is the id of the ledger entry that the erasure stands on: its own
// or, where the erasure changed nothing, the entry of an earlier erasure.
func (o *Operator) erasureEntry(ctx context.Context, outcome suppression.Outcome) (string, error) {
	if outcome.Entry != nil {
		return outcome.Entry.ID, nil
	}
	entries, err := o.Suppressions.History(ctx, outcome.Item.Key)
	if err != nil {
		return "", err
	}
	for _, entry := range slices.Backward(entries) {
		if entry.Action == ledger.Suppressed && entry.Reason == string(suppression.Erasure) && entry.Scope == scope.Everywhere {
			return entry.ID, nil
		}
	}
	return "", nil
}

// erasedClass tells what the erasure in the item meets in a class, and the ids of
// the records that it covers.
func (o *Operator) erasedClass(ctx context.Context, class retention.Class, keys []contact.Key, item suppression.Item, now time.Time) (met ErasedClass, covered []string, err error) {
	met.Class = class.Name
	records, unreadable, err := o.recordsOf(ctx, class.Name, keys)
	if err != nil {
		return met, nil, err
	}
	met.Records = len(records) + len(unreadable)
	for _, id := range unreadable {
		met.Unreadable = append(met.Unreadable, shownID(id))
		covered = append(covered, id)
	}
	holds, err := o.Holds.List(ctx)
	if err != nil {
		return met, nil, err
	}
	var kept []string // the law's days
	for _, record := range records {
		cases := holdingCases(holds, record, class.Name)
		later := suppression.WithdrawnAt(item, class.Name, record.Scope, record.ErasableAt()).IsZero()
		if !later {
			covered = append(covered, record.ID)
		}
		until, byLaw := class.KeptByLaw(record.Record, now)
		switch {
		case len(cases) > 0:
			met.Held = append(met.Held, HeldRecord{shownID(record.ID), cases})
		case later:
			met.Later = append(met.Later, shownID(record.ID))
		case byLaw && record.PurgingBy == "":
			kept = append(kept, dayText(until))
		default:
			met.Going++
		}
	}
	if met.ByLaw = len(kept); met.ByLaw > 0 {
		met.KeptBy = class.KeptBy
		if !slices.Contains(kept, "") {
			met.KeptUntil = slices.Max(kept)
		}
	}
	return met, covered, nil
}

// holdingCases are the cases that keep a record. No case keeps a record that a
// purge has marked.
func holdingCases(holds []retention.Hold, record retention.Stored, class string) []string {
	if record.PurgingBy != "" {
		return nil
	}
	var cases []string
	for _, h := range holds {
		if h.Active() && slices.Contains(record.Targets(class), h.Target) && !slices.Contains(cases, h.Case) {
			cases = append(cases, h.Case)
		}
	}
	return cases
}

// recordsOf reads the records of a class about the contact with these keys, and
// the ids of those that cannot be understood.
func (o *Operator) recordsOf(ctx context.Context, class string, keys []contact.Key) (records []retention.Stored, unreadable []string, err error) {
	ids, err := o.recordIDs(ctx, class, keys)
	if err != nil {
		return nil, nil, err
	}
	for some := range slices.Chunk(ids, purge.MaxDeletes) {
		found, wrong, err := o.Records.Load(ctx, class, some)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range sortedKeys(found) {
			if slices.Contains(keys, found[id].Subject) {
				records = append(records, found[id])
			}
		}
		unreadable = append(unreadable, sortedKeys(wrong)...)
	}
	return records, unreadable, nil
}

// recordIDs are the ids of a class's records about the contact with these keys.
// The index lags behind by moments: each record must be read before it counts.
func (o *Operator) recordIDs(ctx context.Context, class string, keys []contact.Key) ([]string, error) {
	var ids []string
	for _, key := range keys {
		found, err := o.Records.OfSubject(ctx, class, key)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// holdsOn are the holds on any of the targets, lifted ones too.
func (o *Operator) holdsOn(ctx context.Context, targets []retention.Target) ([]retention.Hold, error) {
	all, err := o.Holds.List(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(h retention.Hold) bool { return !slices.Contains(targets, h.Target) }), nil
}
