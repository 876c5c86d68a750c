package operator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"stille/shared/contact"
	"stille/shared/retention"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// Everything is all that is stored about one contact: the exported file.
type Everything struct {
	Receipt      Receipt          `json:"receipt"`
	Suppressions []KeptItem       `json:"suppressions"` // one for each key
	History      KeptHistory      `json:"history"`
	Classes      []KeptClass      `json:"classes"`
	Holds        []retention.Hold `json:"holds"` // on the contact, or on one of its records
}

// KeptItem is what is known of the contact under one key.
type KeptItem struct {
	Key        contact.Key   `json:"key"`
	Channel    string        `json:"channel,omitempty"`
	Former     []contact.Key `json:"formerKeys,omitempty"`
	MergedInto contact.Key   `json:"mergedInto,omitempty"`
	Marks      []KeptMark    `json:"marks"`
}

// KeptMark is one reason in one scope.
type KeptMark struct {
	Scope  scope.Scope        `json:"scope"`
	Reason suppression.Reason `json:"reason"`
	Active bool               `json:"active"`
	suppression.Mark
}

// KeptHistory is the ledger's entries about the contact.
type KeptHistory struct {
	Told
	Broken string `json:"broken,omitempty"` // where the chain does not hold
}

// KeptClass is what a class keeps of the contact, and what the policy says of it.
type KeptClass struct {
	Class      string       `json:"class"`
	Sentence   string       `json:"sentence"`
	LegalBasis string       `json:"legalBasis"`
	Keep       string       `json:"keep"`
	Anchor     string       `json:"anchor"`
	Records    []KeptRecord `json:"records"`
	Slots      []KeptSlot   `json:"slots,omitempty"`
}

// KeptRecord is one record with all that its owner keeps in it.
type KeptRecord struct {
	DueFrom    time.Time      `json:"dueFrom,omitzero"` // absent while the record runs
	Unreadable bool           `json:"unreadable,omitempty"`
	Stored     map[string]any `json:"stored"` // every attribute, unchanged
}

// KeptSlot says which record is the contact's only one in a scope.
type KeptSlot struct {
	Key    contact.Key `json:"key"`
	Scope  scope.Scope `json:"scope"`
	Record string      `json:"record"`
}

// SubjectExport is the receipt of an export, and how much the file holds.
type SubjectExport struct {
	Receipt
	Suppressions int      `json:"suppressions"`
	Entries      int      `json:"entries"`
	Verified     bool     `json:"verified"`
	Records      int      `json:"records"`
	Holds        int      `json:"holds"`
	Files        []string `json:"files"`
}

// ExportSubject reads everything that is stored about a person, as the content
// of a JSON file, and the receipt of that file, without the names of the files.
// The error of a broken history wraps ledger.ErrBroken and comes with the answer.
func (o *Operator) ExportSubject(ctx context.Context, p Person) (*SubjectExport, []byte, error) {
	who, receipt, err := o.subject(ctx, "export", p, "")
	if err != nil {
		return nil, nil, err
	}
	all, broken, err := o.readHistory(ctx, who.Keys)
	if err != nil {
		return nil, nil, err
	}
	kept := Everything{Receipt: receipt, History: KeptHistory{Told: all.told(broken)}, Holds: []retention.Hold{}}
	if broken != nil {
		kept.History.Broken = broken.Error()
	}
	keys := make([]contact.Key, len(all))
	for i, c := range all {
		keys[i] = c.key
		if c.item.Version > 0 {
			kept.Suppressions = append(kept.Suppressions, KeptItem{c.item.Key, string(c.item.Channel), c.item.Former, c.item.MergedInto, marksOf(c.item)})
		}
	}
	if err := o.readKept(ctx, &kept, keys); err != nil {
		return nil, nil, err
	}
	content, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return nil, nil, fmt.Errorf("writing the export: %w", err)
	}
	return kept.receipt(content), content, broken
}

// receipt is the receipt of the file with this content.
func (e Everything) receipt(content []byte) *SubjectExport {
	sum := sha256.Sum256(content)
	answer := &SubjectExport{
		Receipt: e.Receipt, Suppressions: len(e.Suppressions), Entries: len(e.History.Entries), Verified: e.History.Verified, Holds: len(e.Holds),
	}
	answer.SHA256 = hex.EncodeToString(sum[:])
	for _, class := range e.Classes {
		answer.Records += len(class.Records)
	}
	return answer
}

// marksOf are the marks of an item, ordered by scope and reason.
func marksOf(item suppression.Item) []KeptMark {
	marks := []KeptMark{}
	for _, in := range sortedKeys(item.Marks) {
		for _, reason := range sortedKeys(item.Marks[in]) {
			m := item.Marks[in][reason]
			marks = append(marks, KeptMark{in, reason, m.Active(), m})
		}
	}
	return marks
}

// readKept reads what the classes keep of the contact with these keys, and the
// holds on the contact and on its records.
func (o *Operator) readKept(ctx context.Context, kept *Everything, keys []contact.Key) error {
	policy, err := o.Config.Policy(ctx)
	if err != nil {
		return err
	}
	targets := subjectTargets(keys)
	for _, class := range policy.Classes {
		in := KeptClass{
			Class: class.Name, Sentence: class.Sentence, LegalBasis: class.LegalBasis, Keep: class.Keep.String(), Anchor: class.Anchor, Records: []KeptRecord{},
		}
		ids, err := o.recordIDs(ctx, class.Name, keys)
		if err != nil {
			return err
		}
		for _, id := range ids {
			document, found, err := o.document(ctx, class.Name, id, keys)
			if err != nil {
				return err
			}
			if found {
				due, _ := class.DueFrom(document.Record)
				in.Records = append(in.Records, KeptRecord{DueFrom: due, Unreadable: document.Err != nil, Stored: document.Attributes})
				targets = append(targets, retention.RecordTarget(class.Name, id))
			}
		}
		if class.Name == retention.Messaging {
			if in.Slots, err = o.slots(ctx, class.Name, keys); err != nil {
				return err
			}
		}
		kept.Classes = append(kept.Classes, in)
	}
	holds, err := o.holdsOn(ctx, targets)
	if err != nil {
		return err
	}
	kept.Holds = append(kept.Holds, holds...)
	return nil
}

// document reads a record, and reports whether it exists and is the contact's:
// since the index was read it may have been deleted, or be another contact's.
func (o *Operator) document(ctx context.Context, class, id string, keys []contact.Key) (retention.Document, bool, error) {
	document, err := o.Records.Document(ctx, class, id)
	if errors.Is(err, retention.ErrNoRecord) {
		return document, false, nil
	}
	return document, err == nil && slices.Contains(keys, document.About), err
}

// slots are the contact's slots that name one of its records.
func (o *Operator) slots(ctx context.Context, class string, keys []contact.Key) ([]KeptSlot, error) {
	scopes, err := o.Config.Scopes(ctx)
	if err != nil {
		return nil, err
	}
	var slots []KeptSlot
	for _, entry := range scopes.All() {
		for _, key := range keys {
			record, err := o.Records.Slot(ctx, class, key, entry.Scope)
			if err != nil {
				return nil, err
			}
			if record == "" {
				continue
			}
			if _, found, err := o.document(ctx, class, record, keys); err != nil {
				return nil, err
			} else if found {
				slots = append(slots, KeptSlot{key, entry.Scope, record})
			}
		}
	}
	return slots, nil
}
