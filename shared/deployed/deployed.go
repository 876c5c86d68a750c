// Package deployed guards what a deploy must never take back: a scope keeps its id
// for ever, because links that were sent carry the id, and a class stays in the
// policy, because a class without a policy is never purged. The template of the data
// stack notes the scopes and the classes. A deploy compares the template that it
// brings with the template that is deployed, so no checkout can forget. The package
// does no I/O.
package deployed

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// Note is the key of the note in a resource's metadata.
const Note = "stille:deployed"

// Promised is what a deployed stack has promised to keep.
type Promised struct {
	Scopes  map[uint16]scope.Scope `json:"scopes"` // by id
	Classes []string               `json:"classes"`
	Tables  map[string]string      `json:"tables,omitempty"` // restored tables, by their ids

	Replicated bool `json:"replicated,omitempty"` // evidence is copied elsewhere, which is no promise
}

// By returns what these policy files promise. The placeholder brand is left out:
// the first own brand may take its id.
func By(policy *retention.Policy, scopes *scope.Registry) Promised {
	p := Promised{Scopes: map[uint16]scope.Scope{}}
	for _, e := range scopes.All() {
		if e.Scope.Brand() != scope.Placeholder {
			p.Scopes[e.ID] = e.Scope
		}
	}
	for _, class := range policy.Classes {
		p.Classes = append(p.Classes, class.Name)
	}
	return p
}

// In reads the note of a template, as CloudFormation has it. A template without
// resources promises nothing: the stack does not exist, or has only a change set that
// nobody executed.
func In(template []byte) (Promised, error) {
	var content struct {
		Resources map[string]struct {
			Metadata map[string]json.RawMessage
		}
	}
	if len(template) > 0 {
		if err := json.Unmarshal(template, &content); err != nil {
			return Promised{}, fmt.Errorf("reading the template of the data stack: %w", err)
		}
	}
	if len(content.Resources) == 0 {
		return Promised{}, nil
	}
	for _, resource := range content.Resources {
		if note, found := resource.Metadata[Note]; found {
			var p Promised
			if err := json.Unmarshal(note, &p); err != nil {
				return Promised{}, fmt.Errorf("reading what the data stack promised: %w", err)
			}
			return p, nil
		}
	}
	return Promised{}, errors.New("the template of the data stack does not note its scopes and classes: if another program made the stack, choose another prefix")
}

// Allows returns every reason why next must not be deployed over p, or nil.
func (p Promised) Allows(next Promised) error {
	ids := map[scope.Scope]uint16{}
	for id, s := range next.Scopes {
		ids[s] = id
	}
	var wrong []error
	for _, id := range slices.Sorted(maps.Keys(p.Scopes)) {
		was := p.Scopes[id]
		switch is, kept := next.Scopes[id]; {
		case kept && is != was:
			wrong = append(wrong, fmt.Errorf("infra/%s: id %d is %s for ever and cannot become %s: links that were sent carry the id; give %[4]s another id", names.ScopesFile, id, was, is))
		case !kept && ids[was] != 0:
			wrong = append(wrong, fmt.Errorf("infra/%s: %s has id %d for ever and cannot get %d: links that were sent carry the id", names.ScopesFile, was, id, ids[was]))
		case !kept:
			wrong = append(wrong, fmt.Errorf("infra/%s: %s (id %d) is deployed and is missing: links that were sent carry the id; put the scope back", names.ScopesFile, was, id))
		}
	}
	for _, class := range p.Classes {
		if !slices.Contains(next.Classes, class) {
			wrong = append(wrong, fmt.Errorf("infra/%s: the class %s is deployed and is missing: its records would never be purged; put the class back, with `retired: true` where it takes no more records", names.RetentionFile, class))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(p.Tables)) {
		if next.Tables[id] == "" {
			wrong = append(wrong, fmt.Errorf("infra/%s: tables: %s is %s since a restore and is missing: a new, empty table would take its place; put the name back", names.EnvironmentsFile, id, p.Tables[id]))
		}
	}
	return errors.Join(wrong...)
}
