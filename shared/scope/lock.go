package scope

import (
	"fmt"
	"strconv"
	"strings"

	"stille/shared/strictyaml"
)

// Placeholder is the brand of the scopes.yaml that the project ships.
const Placeholder Scope = "example-brand"

// CheckLock compares the registry with scopes.lock, which has a line
// "ID SCOPE" for every scope that was ever deployed, by id, and comments that
// start with #. It returns the lock with new scopes added; the placeholder's are
// not added, so that the first own brand can take its id. Removing a scope,
// giving its id to another scope, or giving it another id is an error
// (strictyaml.Mistakes, with the lock's lines): links that were sent carry the id.
func CheckLock(lock []byte, r *Registry) (newLock []byte, err error) {
	var mistakes strictyaml.Mistakes
	seen := map[uint16]bool{}
	n := 0
	for line := range strings.Lines(string(lock)) {
		n++
		if strings.HasPrefix(line, "#") {
			newLock = append(newLock, strings.TrimSuffix(line, "\n")+"\n"...)
			continue
		}
		if what := lockMistake(strings.TrimSuffix(line, "\n"), seen, r); what != "" {
			mistakes = append(mistakes, strictyaml.Mistake{Line: n, What: what})
		}
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	for _, e := range r.entries {
		if e.Scope.Brand() != Placeholder {
			newLock = fmt.Appendf(newLock, "%d %s\n", e.ID, e.Scope)
		}
	}
	return newLock, nil
}

// lockMistake returns what is wrong with a line of the lock, or "".
func lockMistake(line string, seen map[uint16]bool, r *Registry) string {
	digits, name, _ := strings.Cut(line, " ")
	id, err := strconv.ParseUint(digits, 10, 12)
	if err != nil || id == 0 || !form.MatchString(name) {
		return "must be a scope's id, a space and its name"
	}
	if seen[uint16(id)] {
		return fmt.Sprintf("id %d is here twice", id)
	}
	seen[uint16(id)] = true
	if e, ok := r.ByID(uint16(id)); ok && string(e.Scope) != name {
		return fmt.Sprintf("id %d is %s for good and cannot become %s", id, name, e.Scope)
	}
	e, ok := r.Lookup(Scope(name))
	if !ok {
		return fmt.Sprintf("%s (id %d) is not in scopes.yaml: a scope is never removed", name, id)
	}
	if e.ID != uint16(id) {
		return fmt.Sprintf("%s has id %d for good and cannot get %d", name, id, e.ID)
	}
	return ""
}
