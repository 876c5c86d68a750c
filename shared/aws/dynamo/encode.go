package dynamo

import (
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
	"stille/shared/scope"
	"stille/shared/suppression"
)

func isUnreadable(err error) bool { return errors.Is(err, ErrUnreadable) }

// storedMark is a mark as stored: times as RFC 3339 in UTC.
type storedMark struct {
	First      string `dynamodbav:"first,omitempty"`
	Last       string `dynamodbav:"last,omitempty"`
	Source     string `dynamodbav:"source,omitempty"`
	ReleasedAt string `dynamodbav:"releasedAt,omitempty"`

	Words     []storedWord `dynamodbav:"words,omitempty"`
	Consented string       `dynamodbav:"consented,omitempty"`
}

// storedWord is an opt-out or an undo.
type storedWord struct {
	At     string `dynamodbav:"at"`
	Source string `dynamodbav:"source,omitempty"`
	Undo   bool   `dynamodbav:"undo,omitempty"`
}

type storedSuppression struct {
	Key     string                           `dynamodbav:"key"`
	Channel string                           `dynamodbav:"channel"`
	Marks   map[string]map[string]storedMark `dynamodbav:"marks"`
	Version int64                            `dynamodbav:"version"`
	Head    string                           `dynamodbav:"head"`
	Former  []string                         `dynamodbav:"former,omitempty"`
	Touched int64                            `dynamodbav:"touched,omitempty"` // attrTouched

	MergedInto string `dynamodbav:"mergedInto,omitempty"` // names.AttrMergedInto
}

// encodeSuppression omits MergedInto: a merged item is never written again.
func encodeSuppression(i suppression.Item) item {
	stored := storedSuppression{
		Key: string(i.Key), Channel: string(i.Channel), Version: i.Version, Head: string(i.Head), Touched: i.Touched,
		Marks: make(map[string]map[string]storedMark, len(i.Marks)),
	}
	for _, key := range i.Former {
		stored.Former = append(stored.Former, string(key))
	}
	for s, reasons := range i.Marks {
		marks := make(map[string]storedMark, len(reasons))
		for r, m := range reasons {
			mark := storedMark{
				First: instant(m.First), Last: instant(m.Last), Source: string(m.Source), ReleasedAt: instant(m.ReleasedAt),
				Consented: instant(m.Consented),
			}
			for _, w := range m.Words {
				mark.Words = append(mark.Words, storedWord{instant(w.At), string(w.Source), w.Undo})
			}
			marks[string(r)] = mark
		}
		stored.Marks[string(s)] = marks
	}
	encoded, _ := attributevalue.MarshalMap(stored) // strings, an integer and maps of strings always marshal
	return encoded
}

// decodeSuppression is strict: an item with anything unknown is unreadable, and
// its contact must not be sent to. The key is returned whenever it can be read.
func decodeSuppression(from item) (suppression.Item, error) {
	var i suppression.Item
	if key, ok := from[names.AttrKey].(*types.AttributeValueMemberS); ok {
		i.Key = contact.Key(key.Value)
	}
	var stored storedSuppression
	if err := attributevalue.UnmarshalMap(from, &stored); err != nil {
		return i, errUnreadable("an attribute of a suppression has the wrong type")
	}
	if stored.Version < 1 || stored.Head == "" || stored.Marks == nil {
		return i, errUnreadable("a suppression lacks its version, head or marks")
	}
	i.Channel, i.Version, i.Head = contact.Channel(stored.Channel), stored.Version, ledger.Hash(stored.Head)
	i.Touched, i.MergedInto = stored.Touched, contact.Key(stored.MergedInto)
	for _, key := range stored.Former {
		i.Former = append(i.Former, contact.Key(key))
	}
	i.Marks = make(map[scope.Scope]map[suppression.Reason]suppression.Mark, len(stored.Marks))
	for s, reasons := range stored.Marks {
		marks := make(map[suppression.Reason]suppression.Mark, len(reasons))
		for r, m := range reasons {
			mark, err := m.decode()
			if err != nil {
				return i, err
			}
			marks[suppression.Reason(r)] = mark
		}
		i.Marks[scope.Scope(s)] = marks
	}
	return i, nil
}

func (m storedMark) decode() (suppression.Mark, error) {
	first, err1 := parseInstant(m.First)
	last, err2 := parseInstant(m.Last)
	released, err3 := parseInstant(m.ReleasedAt)
	consented, err4 := parseInstant(m.Consented)
	if err := errors.Join(err1, err2, err3, err4); err != nil || (m.Last == "" && m.ReleasedAt == "") {
		return suppression.Mark{}, errUnreadable("a mark has no time, or a time that is not RFC 3339")
	}
	mark := suppression.Mark{First: first, Last: last, Source: suppression.Source(m.Source), ReleasedAt: released, Consented: consented}
	for _, w := range m.Words {
		at, err := parseInstant(w.At)
		if err != nil || at.IsZero() {
			return suppression.Mark{}, errUnreadable("a word of a mark has no time, or a time that is not RFC 3339")
		}
		mark.Words = append(mark.Words, suppression.Word{At: at, Source: suppression.Source(w.Source), Undo: w.Undo})
	}
	return mark, nil
}

type storedEntry struct {
	Key        string    `dynamodbav:"key"`
	Version    int64     `dynamodbav:"version"`
	ID         string    `dynamodbav:"id"`
	Channel    string    `dynamodbav:"channel"`
	Action     string    `dynamodbav:"action"`
	Scope      string    `dynamodbav:"scope"`
	Reason     string    `dynamodbav:"reason"`
	Source     string    `dynamodbav:"source"`
	Note       string    `dynamodbav:"note,omitempty"`
	At         time.Time `dynamodbav:"at"`
	RecordedAt time.Time `dynamodbav:"recordedAt"`
	Previous   string    `dynamodbav:"previous,omitempty"`
	Former     string    `dynamodbav:"former,omitempty"`
	FormerHead string    `dynamodbav:"formerHead,omitempty"`
	Asked      string    `dynamodbav:"asked,omitempty"`
}

func encodeEntry(e ledger.Entry) item {
	encoded, _ := attributevalue.MarshalMap(storedEntry{
		Key: string(e.Key), Version: e.Version, ID: e.ID, Channel: string(e.Channel), Action: string(e.Action),
		Scope: string(e.Scope), Reason: e.Reason, Source: e.Source, Note: e.Note,
		At: e.At.UTC(), RecordedAt: e.RecordedAt.UTC(), Previous: string(e.Previous),
		Former: string(e.Former), FormerHead: string(e.FormerHead), Asked: e.Asked,
	})
	return encoded
}

func decodeEntry(from item) (ledger.Entry, error) {
	var s storedEntry
	if err := attributevalue.UnmarshalMap(from, &s); err != nil || s.Version < 1 {
		return ledger.Entry{}, errUnreadable("a ledger entry")
	}
	return ledger.Entry{
		Key: contact.Key(s.Key), Version: s.Version, ID: s.ID, Channel: contact.Channel(s.Channel), Action: ledger.Action(s.Action),
		Scope: scope.Scope(s.Scope), Reason: s.Reason, Source: s.Source, Note: s.Note,
		At: s.At.UTC(), RecordedAt: s.RecordedAt.UTC(), Previous: ledger.Hash(s.Previous),
		Former: contact.Key(s.Former), FormerHead: ledger.Hash(s.FormerHead), Asked: s.Asked,
	}, nil
}
