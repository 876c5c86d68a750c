//go:build store

package oracle_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"stille/shared/aws/objects/objectstest"
	"stille/shared/names"
)

// state is the whole state, byte by byte: every item of every table, and the
// number of versions of every object.
type state struct {
	Items   map[string]string // "table key" -> the item without its mark
	Marks   map[string]string // "table key" -> the run that marked it
	Objects map[string]int    // "bucket/key" -> versions and delete markers
}

func (e *estate) state(ctx context.Context) (state, error) {
	s := state{map[string]string{}, map[string]string{}, map[string]int{}}
	for _, table := range e.tables() {
		items, err := e.scan(ctx, table)
		if err != nil {
			return s, err
		}
		for _, item := range items {
			if err := s.note(table, item); err != nil {
				return s, err
			}
		}
	}
	for _, name := range []string{"letters", "other"} {
		for key, versions := range (objectstest.Bucket{S3: e.s3, Name: name}).Left(e.t) {
			s.Objects[name+"/"+key] = versions
		}
	}
	return s, nil
}

// note adds an item as DynamoDB writes it, its attributes sorted.
func (s state) note(table string, item map[string]types.AttributeValue) error {
	written, err := attributevalue.MarshalMapJSON(item)
	if err != nil {
		return err
	}
	var attributes map[string]map[string]any
	if err := json.Unmarshal(written, &attributes); err != nil {
		return err
	}
	name := table
	for _, key := range []string{names.AttrID, names.AttrTarget, names.AttrKey, names.AttrClass, names.AttrRun, names.AttrSlot} {
		if value, ok := attributes[key]["S"]; ok {
			name += " " + value.(string)
		}
	}
	if run, ok := attributes[names.AttrPurgingBy]["S"]; ok {
		s.Marks[name] = run.(string)
		delete(attributes, names.AttrPurgingBy)
		delete(attributes, names.AttrPurging)
		delete(attributes, names.AttrPurged)
	}
	sorted, err := json.Marshal(attributes)
	s.Items[name] = string(sorted)
	return err
}

// after is the right state after a run has purged a class.
func (s state) after(table, run string, records []told, verdicts map[string]verdict) state {
	next := state{maps.Clone(s.Items), maps.Clone(s.Marks), maps.Clone(s.Objects)}
	for _, t := range records {
		name := table + " " + t.ID
		switch verdicts[t.ID] {
		case deleted:
			delete(next.Items, name)
			delete(next.Marks, name)
			claim := fmt.Sprintf(`{"class":{"S":%q},"record":{"S":%q},"slot":`, t.Class, t.ID)
			maps.DeleteFunc(next.Items, func(_, item string) bool { return strings.HasPrefix(item, claim) })
		case stuck:
			next.Marks[name] = run
		case "": // of another class
			continue
		}
		for o, versions := range t.left(verdicts[t.ID]) {
			if next.Objects[o.Bucket+"/"+o.Key] = versions; versions == 0 {
				delete(next.Objects, o.Bucket+"/"+o.Key)
			}
		}
	}
	return next
}

// difference is one item or object in which two states differ.
type difference struct{ name, want, got string }

// of is the record of the item or object.
func (d difference) of() string {
	return strings.TrimRight(d.name[strings.LastIndexAny(d.name, " /")+1:], "x")
}

func (s state) differences(got state) []difference {
	all := differences("item ", s.Items, got.Items)
	all = append(all, differences("mark on ", s.Marks, got.Marks)...)
	return append(all, differences("versions of ", s.Objects, got.Objects)...)
}

func differences[V comparable](what string, want, got map[string]V) []difference {
	both := maps.Clone(want)
	maps.Copy(both, got)
	says := func(of map[string]V, name string) string {
		if value, there := of[name]; there {
			return fmt.Sprint(value)
		}
		return "none"
	}
	var all []difference
	for _, name := range slices.Sorted(maps.Keys(both)) {
		if w, g := says(want, name), says(got, name); w != g {
			all = append(all, difference{what + name, w, g})
		}
	}
	return all
}
