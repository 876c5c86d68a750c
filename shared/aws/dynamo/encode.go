package dynamo

import (
	"errors"
	"strconv"
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

// Attributes of a suppression that nothing outside this file uses. Times are RFC
// 3339 in UTC.
const (
	attrChannel = "channel"
	attrMarks   = "marks" // map scope -> reason -> mark
	attrHead    = "head"
	attrFormer  = "former"

	attrFirst      = "first" // the attributes of a mark
	attrLast       = "last"
	attrSource     = "source"
	attrReleasedAt = "releasedAt"
	attrConsented  = "consented"
	attrWords      = "words" // a list; a word has attrAt, attrSource and attrUndo
	attrUndo       = "undo"
)

// encodeSuppression omits MergedInto: a merged item is never written again.
func encodeSuppression(i suppression.Item) item {
	marks := make(item, len(i.Marks))
	for s, reasons := range i.Marks {
		of := make(item, len(reasons))
		for r, m := range reasons {
			of[string(r)] = encodeMark(m)
		}
		marks[string(s)] = members(of)
	}
	stored := item{
		names.AttrKey: text(string(i.Key)), attrChannel: text(string(i.Channel)), names.AttrVersion: number(i.Version),
		attrHead: text(string(i.Head)), attrMarks: members(marks),
	}
	if i.Touched != 0 {
		stored[attrTouched] = number(i.Touched)
	}
	if len(i.Former) > 0 {
		stored[attrFormer] = list(i.Former)
	}
	return stored
}

func encodeMark(m suppression.Mark) types.AttributeValue {
	mark := item{}
	setText(mark, attrFirst, instant(m.First))
	setText(mark, attrLast, instant(m.Last))
	setText(mark, attrSource, string(m.Source))
	setText(mark, attrReleasedAt, instant(m.ReleasedAt))
	setText(mark, attrConsented, instant(m.Consented))
	if len(m.Words) > 0 {
		words := make([]types.AttributeValue, len(m.Words))
		for n, w := range m.Words {
			word := item{attrAt: text(instant(w.At))}
			setText(word, attrSource, string(w.Source))
			if w.Undo {
				word[attrUndo] = &types.AttributeValueMemberBOOL{Value: true}
			}
			words[n] = members(word)
		}
		mark[attrWords] = &types.AttributeValueMemberL{Value: words}
	}
	return members(mark)
}

// setText sets an attribute to a text that is not empty.
func setText(to item, name, value string) {
	if value != "" {
		to[name] = text(value)
	}
}

// reading reads the attributes of an item, or of a map in one.
type reading struct {
	from  item
	known int  // the number of attributes that were read
	wrong bool // one of them has another form than it must have
}

// whole reports whether every attribute was read and has its form.
func (r *reading) whole() bool { return !r.wrong && r.known == len(r.from) }

// value returns an attribute of one type; false if there is none.
func value[T types.AttributeValue](r *reading, name string) (read T, ok bool) {
	stored, there := r.from[name]
	if !there {
		return read, false
	}
	r.known++
	read, ok = stored.(T)
	r.wrong = r.wrong || !ok
	return read, ok
}

func (r *reading) text(name string) string {
	if read, ok := value[*types.AttributeValueMemberS](r, name); ok {
		return read.Value
	}
	return ""
}

func (r *reading) number(name string) int64 {
	read, ok := value[*types.AttributeValueMemberN](r, name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(read.Value, 10, 64)
	r.wrong = r.wrong || err != nil
	return n
}

func (r *reading) instant(name string) time.Time {
	at, err := parseInstant(r.text(name))
	r.wrong = r.wrong || err != nil
	return at
}

func (r *reading) list(name string) []types.AttributeValue {
	if read, ok := value[*types.AttributeValueMemberL](r, name); ok {
		return read.Value
	}
	return nil
}

func (r *reading) members(name string) item {
	if read, ok := value[*types.AttributeValueMemberM](r, name); ok {
		return read.Value
	}
	return nil
}

// decodeSuppression is strict: an item with anything unknown, from a newer version
// of the system for example, is unreadable, and its contact must not be sent to. An
// older version would write the item without what it does not know. The key is
// returned whenever it can be read.
func decodeSuppression(from item) (suppression.Item, error) {
	r := reading{from: from}
	i := suppression.Item{Key: contact.Key(r.text(names.AttrKey))}
	read := suppression.Item{
		Key: i.Key, Channel: contact.Channel(r.text(attrChannel)), Version: r.number(names.AttrVersion), Head: ledger.Hash(r.text(attrHead)),
		Touched: r.number(attrTouched), MergedInto: contact.Key(r.text(names.AttrMergedInto)),
		Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{},
	}
	for _, key := range r.list(attrFormer) {
		former, ok := key.(*types.AttributeValueMemberS)
		if !ok {
			return i, errUnreadable("a former key of a suppression is no text")
		}
		read.Former = append(read.Former, contact.Key(former.Value))
	}
	scopes := reading{from: r.members(attrMarks)}
	if !r.whole() || read.Version < 1 || read.Head == "" || scopes.from == nil {
		return i, errUnreadable("a suppression lacks its version, head or marks, or has an attribute that is unknown or of the wrong type")
	}
	for s := range scopes.from {
		reasons := reading{from: scopes.members(s)}
		marks := make(map[suppression.Reason]suppression.Mark, len(reasons.from))
		for reason := range reasons.from {
			mark, err := decodeMark(reading{from: reasons.members(reason)})
			if err != nil {
				return i, err
			}
			marks[suppression.Reason(reason)] = mark
		}
		read.Marks[scope.Scope(s)] = marks
	}
	if !scopes.whole() {
		return i, errUnreadable("the marks of a suppression are no maps")
	}
	return read, nil
}

func decodeMark(r reading) (suppression.Mark, error) {
	mark := suppression.Mark{
		First: r.instant(attrFirst), Last: r.instant(attrLast), Source: suppression.Source(r.text(attrSource)),
		ReleasedAt: r.instant(attrReleasedAt), Consented: r.instant(attrConsented),
	}
	words := r.list(attrWords)
	if !r.whole() || mark.Last.IsZero() && mark.ReleasedAt.IsZero() {
		return mark, errUnreadable("a mark has no time, or has an attribute that is unknown or of the wrong type")
	}
	for _, word := range words {
		stored, _ := word.(*types.AttributeValueMemberM)
		if stored == nil {
			return mark, errUnreadable("a word of a mark is no map")
		}
		w := reading{from: stored.Value}
		undo, _ := value[*types.AttributeValueMemberBOOL](&w, attrUndo)
		mark.Words = append(mark.Words, suppression.Word{
			At: w.instant(attrAt), Source: suppression.Source(w.text(attrSource)), Undo: undo != nil && undo.Value,
		})
		if !w.whole() || mark.Words[len(mark.Words)-1].At.IsZero() {
			return mark, errUnreadable("a word of a mark has no time, or has an attribute that is unknown or of the wrong type")
		}
	}
	return mark, nil
}

func decodeEntry(from item) (ledger.Entry, error) {
	var e ledger.Entry
	if err := decode(from, &e, jsonTags); err != nil || e.Version < 1 {
		return ledger.Entry{}, errUnreadable("a ledger entry")
	}
	return e, nil
}

// The tags that name the attributes of a struct that is stored as it is: by the names
// that it has in JSON, or by others.
const (
	jsonTags  = "json"
	storeTags = "store"
)

// encode writes a struct of texts, numbers, times and lists of these by the names of
// its tags. The times are in UTC.
func encode(from any, tags string) item {
	encoded, _ := attributevalue.MarshalMapWithOptions(from, func(o *attributevalue.EncoderOptions) {
		o.TagKey = tags
		o.EncodeTime = func(t time.Time) (types.AttributeValue, error) { return text(t.UTC().Format(time.RFC3339Nano)), nil }
	})
	return encoded
}

// decode reads what encode wrote.
func decode(from item, into any, tags string) error {
	return attributevalue.UnmarshalMapWithOptions(from, into, func(o *attributevalue.DecoderOptions) { o.TagKey = tags })
}
