package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/retention"
)

// attribute describes one attribute of a record that the system uses.
type attribute struct {
	name  string
	flags flags
	field func(*retention.Stored) any // a pointer to its value
}

type flags uint8

const (
	read     flags = 1 << iota // a decision about the record reads it
	decides                    // a decision rests on it, so every later write is conditional on it
	replaced                   // Put writes it
	sorts                      // an index sorts by it, so its time is written in sortable form
	derived                    // the system works it out: a change of it changes nothing that the record says
)

func (a attribute) has(f flags) bool { return a.flags&f != 0 }

// attributes are all attributes of a record that the system uses. Other
// attributes belong to the record's owner, and stay unchanged.
func attributes() []attribute {
	return []attribute{
		{names.AttrID, read, func(s *retention.Stored) any { return &s.ID }},
		{names.AttrSubject, read | decides | replaced, func(s *retention.Stored) any { return &s.Subject }},
		{names.AttrFormerSubjects, read | decides | replaced, func(s *retention.Stored) any { return &s.Former }},
		{names.AttrScope, read | decides | replaced, func(s *retention.Stored) any { return &s.Scope }},
		{names.AttrBasis, read | decides | replaced, func(s *retention.Stored) any { return &s.Basis }},
		{names.AttrOccurredAt, read | decides | replaced, func(s *retention.Stored) any { return &s.OccurredAt }},
		{names.AttrFirstAt, read | decides | replaced | derived, func(s *retention.Stored) any { return &s.FirstAt }},
		{names.AttrRetentionStart, read | decides | replaced, func(s *retention.Stored) any { return &s.Start }},
		{names.AttrStartAsOf, read | decides | replaced, func(s *retention.Stored) any { return &s.StartAsOf }},
		{names.AttrWithdrawnAt, read | decides | replaced | sorts | derived, func(s *retention.Stored) any { return &s.WithdrawnAt }},
		{names.AttrObjects, read | decides | replaced, func(s *retention.Stored) any { return &s.Objects }},
		{names.AttrClaimed, read | decides | replaced | derived, func(s *retention.Stored) any { return &s.Claimed }},
		{names.AttrPurgingBy, read | decides | derived, func(s *retention.Stored) any { return &s.PurgingBy }},
		{names.AttrPurging, read | derived, func(s *retention.Stored) any { return &s.Purging }},
		{names.AttrPurged, read | derived, func(s *retention.Stored) any { return &s.Purged }},
		{names.AttrLastActivityAt, read | replaced, func(s *retention.Stored) any { return &s.LastActivityAt }},
		{names.AttrRetentionSort, read | derived, func(s *retention.Stored) any { return &s.Sort }},
		{names.AttrRetentionShard, read | derived, func(s *retention.Stored) any { return &s.Shard }},
		{names.AttrActiveSort, read | derived, func(s *retention.Stored) any { return &s.ActiveSort }},
		{names.AttrData, replaced, func(s *retention.Stored) any { return &s.Data }},
	}
}

// projection is the attributes that a decision about a record reads: all but
// the owner's.
func projection() (text *string, attributeNames map[string]string) {
	var t terms
	for _, a := range attributes() {
		if a.has(read) {
			t.set += ",#" + a.name
		}
	}
	return aws.String(t.set[1:]), t.attributes()
}

// write is the value of the attribute in a stored record.
func (a attribute) write(s *retention.Stored) types.AttributeValue {
	switch value := a.field(s).(type) {
	case *time.Time:
		if a.has(sorts) && !value.IsZero() {
			return text(retention.Sort(*value))
		}
		return text(instant(*value))
	case *json.RawMessage:
		return text(string(*value)) // JSON, unchanged
	default:
		if written, err := attributevalue.Marshal(value); err == nil {
			if _, empty := written.(*types.AttributeValueMemberNULL); !empty {
				return written
			}
		}
		return text("") // strings and lists of strings always marshal
	}
}

// decodeRecord reads a record of any service. A record whose times
// cannot be read is unreadable: it is never due.
func decodeRecord(from item) (retention.Stored, error) {
	s := retention.Stored{Revision: from}
	for _, a := range attributes() {
		value, there := from[a.name]
		if !there || !a.has(read) {
			continue
		}
		if err := a.decode(value, &s); err != nil {
			return retention.Stored{Record: retention.Record{ID: idOf(from)}, Revision: from}, err
		}
	}
	return s, nil
}

func (a attribute) decode(value types.AttributeValue, s *retention.Stored) error {
	field := a.field(s)
	at, isTime := field.(*time.Time)
	var written string
	if isTime {
		field = &written
	}
	if err := attributevalue.Unmarshal(value, field); err != nil {
		return unreadableRecord("an attribute has the wrong type")
	}
	if !isTime {
		return nil
	}
	var err error
	if *at, err = parseInstant(written); err != nil || written == "" {
		return unreadableRecord("a time is not RFC 3339")
	}
	if a.has(sorts) {
		s.WithdrawnSort = written
	}
	return nil
}

// unreadableRecord returns an error that names the fault, never the value.
func unreadableRecord(what string) error {
	return fmt.Errorf("%w: %s", retention.ErrUnreadable, what)
}

// revision is the item that was read of a record; nil for a record that was not
// read.
func revision(s retention.Stored) item {
	was, _ := s.Revision.(item)
	return was
}

// unchangedRecord is the condition that a record exists, and that everything a
// decision about the record rests on is unchanged since it was read.
func unchangedRecord(s retention.Stored) terms {
	var deciding []string
	for _, a := range attributes() {
		if a.has(decides) {
			deciding = append(deciding, a.name)
		}
	}
	return same(s, deciding...)
}

// same is the condition that a record exists, and that the attributes are unchanged
// since it was read, in their stored form. The text is short: longer placeholders
// made a page of a purge two percent slower.
func same(s retention.Stored, attributes ...string) terms {
	was := revision(s)
	t := terms{where: "attribute_exists(" + names.AttrID + ")", values: item{}}
	for _, name := range attributes {
		in := name
		if in == names.AttrScope { // a reserved word
			in = "#" + in
		}
		if value, there := was[name]; there {
			t.where += " AND " + in + " = :" + name
			t.values[":"+name] = value
		} else {
			t.where += " AND attribute_not_exists(" + in + ")"
		}
	}
	return t
}

// Document reads one record strongly, with the owner's attributes. The error
// wraps ErrNoRecord if there is none.
func (r *Records) Document(ctx context.Context, class, id string) (retention.Document, error) {
	stored, err := r.item(ctx, class, id)
	if err != nil {
		return retention.Document{}, err
	}
	d := retention.Document{Attributes: plainMap(stored)}
	d.Stored, d.Err = decodeRecord(stored)
	d.ID = id
	if subject, ok := d.Attributes[names.AttrSubject].(string); ok {
		d.About = contact.Key(subject)
	}
	if data, ok := d.Attributes[names.AttrData].(string); ok && json.Valid([]byte(data)) {
		d.Attributes[names.AttrData] = json.RawMessage(data)
	}
	return d, nil
}

// dataOf is a record's data as JSON, in whatever form its owner wrote the data.
func dataOf(record item) json.RawMessage {
	value, there := record[names.AttrData]
	if !there {
		return nil
	}
	if written, ok := value.(*types.AttributeValueMemberS); ok && json.Valid([]byte(written.Value)) {
		return json.RawMessage(written.Value)
	}
	data, _ := json.Marshal(plain(value)) // strings, lists and maps always marshal
	return data
}

func plainMap(from item) map[string]any {
	target := make(map[string]any, len(from))
	for name, value := range from {
		target[name] = plain(value)
	}
	return target
}

// plain is a value as encoding/json writes it. Numbers keep all their digits.
func plain(from types.AttributeValue) any {
	switch v := from.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return json.Number(v.Value)
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberB:
		return v.Value
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberBS:
		return v.Value
	case *types.AttributeValueMemberNS:
		numbers := make([]json.Number, len(v.Value))
		for i, n := range v.Value {
			numbers[i] = json.Number(n)
		}
		return numbers
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, one := range v.Value {
			list[i] = plain(one)
		}
		return list
	case *types.AttributeValueMemberM:
		return plainMap(v.Value)
	}
	return nil // a null
}
