package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

type subjectExport struct {
	person
	Out string `default:"." placeholder:"DIR" help:"Folder to put the files into; it is made where it is not there."`
}

// Help names the files and what is in them.
func (subjectExport) Help() string {
	return `Writes two files, named by the first characters of the contact's key: all that is stored about it (what is known of its suppressions under each key, with the whole history and whether its chain holds; every record of every class, with all that its owner keeps in it; the holds), and the receipt. Both are JSON. The objects of a record in S3 are named, not fetched.

The address is in neither, unless somebody wrote it into a record. A person's other channel is another contact: export each. The file holds personal data: give it to the person, and delete it.

    $ stille subject export email kari@example.no --out dsr-9`
}

// everything is what is stored about one contact.
type everything struct {
	Asked        receipt        `json:"receipt"`
	Suppressions []keptUnderKey `json:"suppressions"` // one for each key
	History      keptHistory    `json:"history"`
	Classes      []keptInClass  `json:"classes"`
	Holds        []retained     `json:"holds"`
}

type keptUnderKey struct {
	Key        contact.Key   `json:"key"`
	Channel    string        `json:"channel,omitempty"`
	Former     []contact.Key `json:"formerKeys,omitempty"`
	MergedInto contact.Key   `json:"mergedInto,omitempty"`
	Marks      []keptMark    `json:"marks"`
}

type keptMark struct {
	Scope      scope.Scope        `json:"scope"`
	Reason     suppression.Reason `json:"reason"`
	Active     bool               `json:"active"`
	First      time.Time          `json:"first,omitzero"`
	Last       time.Time          `json:"last,omitzero"`
	Source     suppression.Source `json:"source,omitempty"`
	ReleasedAt time.Time          `json:"releasedAt,omitzero"`
}

type keptHistory struct {
	Verified bool           `json:"verified"`
	Broken   string         `json:"broken,omitempty"` // where the chain does not hold
	Entries  []ledger.Entry `json:"entries"`
}

// keptInClass is what a class keeps of the contact, and what the policy says
// about it.
type keptInClass struct {
	Class      string       `json:"class"`
	Sentence   string       `json:"sentence"`
	LegalBasis string       `json:"legalBasis"`
	Keep       string       `json:"keep"`
	Anchor     string       `json:"anchor"`
	Records    []keptRecord `json:"records"`
	Slots      []keptSlot   `json:"slots,omitempty"`
}

type keptRecord struct {
	DueFrom    time.Time      `json:"dueFrom,omitzero"` // absent while it runs
	Unreadable bool           `json:"unreadable,omitempty"`
	Stored     map[string]any `json:"stored"` // letter by letter
}

// keptSlot says which record is the contact's one in a scope.
type keptSlot struct {
	Key    contact.Key `json:"key"`
	Scope  scope.Scope `json:"scope"`
	Record string      `json:"record"`
}

type retained struct {
	Case     string             `json:"case"`
	Reason   string             `json:"reason"`
	Kind     retention.HoldKind `json:"kind"`
	Target   retention.Target   `json:"target"`
	SetAt    time.Time          `json:"setAt"`
	LiftedAt time.Time          `json:"liftedAt,omitzero"`
}

type exportedAnswer struct {
	receipt
	Suppressions int      `json:"suppressions"`
	Entries      int      `json:"entries"`
	Verified     bool     `json:"verified"`
	Records      int      `json:"records"`
	Holds        int      `json:"holds"`
	Files        []string `json:"files"`
}

func (a exportedAnswer) text(w io.Writer) {
	a.receipt.text(w)
	chain := "verified"
	if !a.Verified {
		chain = "broken"
	}
	fmt.Fprintf(w, "holds    %d suppressions, %d entries of their history (the chain is %s), %d records, %d holds\n\n",
		a.Suppressions, a.Entries, chain, a.Records, a.Holds)
	for _, file := range a.Files {
		fmt.Fprintln(w, file)
	}
}

// Run reads everything and writes both files.
func (e subjectExport) Run(ctx context.Context, s *session) error {
	policy, err := s.policy(ctx)
	if err != nil {
		return err
	}
	o, err := s.operator(ctx)
	if err != nil {
		return err
	}
	scopes, err := o.Config.Scopes(ctx)
	if err != nil {
		return err
	}
	of, err := s.subject(ctx, "export", e.person, "")
	if err != nil {
		return err
	}
	all, broken, err := of.sys.operator(s).ReadHistory(ctx, of.keys)
	if err != nil {
		return err
	}
	kept := everything{Asked: of.receipt, History: keptHistory{Verified: broken == nil, Entries: all.Entries()}, Holds: []retained{}}
	if broken != nil {
		kept.History.Broken = broken.Error()
	}
	keys := make([]contact.Key, len(all))
	for i, one := range all {
		keys[i] = one.Key
		if one.Item.Version > 0 {
			kept.Suppressions = append(kept.Suppressions, underKey(one.Item))
		}
	}
	if err := kept.readRecords(ctx, of.sys, policy, scopes, keys); err != nil {
		return err
	}
	answer, err := e.write(kept)
	if err != nil {
		return err
	}
	if err := s.show(answer); err != nil {
		return err
	}
	return broken
}

func underKey(item suppression.Item) keptUnderKey {
	kept := keptUnderKey{Key: item.Key, Channel: string(item.Channel), Former: item.Former, MergedInto: item.MergedInto, Marks: []keptMark{}}
	for _, in := range sortedKeys(item.Marks) {
		for _, reason := range sortedKeys(item.Marks[in]) {
			m := item.Marks[in][reason]
			kept.Marks = append(kept.Marks, keptMark{in, reason, m.Active(), m.First, m.Last, m.Source, m.ReleasedAt})
		}
	}
	return kept
}

// readRecords reads what the classes keep of the contact with these keys, and
// the holds on it and on its records.
func (e *everything) readRecords(ctx context.Context, sys *system, policy *retention.Policy, scopes *scope.Registry, keys []contact.Key) error {
	targets := make([]retention.Target, 0, len(keys))
	for _, key := range keys {
		targets = append(targets, retention.SubjectTarget(key))
	}
	for _, class := range policy.Classes {
		kept := keptInClass{
			Class: class.Name, Sentence: class.Sentence, LegalBasis: class.LegalBasis, Keep: class.Keep.String(), Anchor: class.Anchor, Records: []keptRecord{},
		}
		ids, err := idsOf(ctx, sys, class.Name, keys)
		if err != nil {
			return err
		}
		for _, id := range ids {
			document, there, err := documentOf(ctx, sys, class.Name, id, keys)
			if err != nil {
				return err
			}
			if !there {
				continue
			}
			due, _ := class.DueFrom(document.Record)
			kept.Records = append(kept.Records, keptRecord{DueFrom: due, Unreadable: document.Err != nil, Stored: document.Attributes})
			targets = append(targets, retention.RecordTarget(class.Name, id))
		}
		if class.Name == retention.Messaging {
			if kept.Slots, err = slotsOf(ctx, sys, class.Name, scopes, keys); err != nil {
				return err
			}
		}
		e.Classes = append(e.Classes, kept)
	}
	holds, err := holdsOn(ctx, sys, targets)
	if err != nil {
		return err
	}
	for _, h := range holds {
		e.Holds = append(e.Holds, retained(h))
	}
	return nil
}

// documentOf reads a record, and tells whether it is there and the contact's:
// since the index was asked it may be deleted, or another's.
func documentOf(ctx context.Context, sys *system, class, id string, keys []contact.Key) (retention.Document, bool, error) {
	document, err := sys.records.Document(ctx, class, id)
	if errors.Is(err, retention.ErrNoRecord) {
		return document, false, nil
	}
	return document, err == nil && slices.Contains(keys, document.About), err
}

// slotsOf are the contact's slots that name a record of its.
func slotsOf(ctx context.Context, sys *system, class string, scopes *scope.Registry, keys []contact.Key) ([]keptSlot, error) {
	var slots []keptSlot
	for _, entry := range scopes.All() {
		for _, key := range keys {
			record, err := sys.records.Slot(ctx, class, key, entry.Scope)
			if err != nil {
				return nil, err
			}
			if record == "" {
				continue
			}
			if _, there, err := documentOf(ctx, sys, class, record, keys); err != nil {
				return nil, err
			} else if there {
				slots = append(slots, keptSlot{key, entry.Scope, record})
			}
		}
	}
	return slots, nil
}

// write writes the file and its receipt.
func (e subjectExport) write(kept everything) (exportedAnswer, error) {
	name := filepath.Join(e.Out, "subject-"+kept.Asked.Keys[0])
	answer := exportedAnswer{
		receipt: kept.Asked, Suppressions: len(kept.Suppressions), Entries: len(kept.History.Entries), Verified: kept.History.Verified,
		Holds: len(kept.Holds), Files: []string{name + ".json", name + "-receipt.json"},
	}
	for _, class := range kept.Classes {
		answer.Records += len(class.Records)
	}
	content, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return answer, fmt.Errorf("writing the export: %w", err)
	}
	sum := sha256.Sum256(content)
	answer.SHA256 = hex.EncodeToString(sum[:])
	if err := writeFile(answer.Files[0], content); err != nil {
		return answer, err
	}
	told, err := json.MarshalIndent(answer, "", "  ")
	if err != nil {
		return answer, fmt.Errorf("writing the receipt: %w", err)
	}
	return answer, writeFile(answer.Files[1], told)
}
