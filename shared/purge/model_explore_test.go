package purge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// broken says which promise a state breaks; "" for none.
func (m model) broken() string {
	if m.promised && (!m.records[plain].there || m.records[plain].moved) {
		return "an acknowledged hold is broken"
	}
	if m.robbed {
		return "an object went that another record has"
	}
	for n, run := range m.runs {
		for id, record := range m.records {
			if run.certified && run.listed[id] != (record.by == int8(n)+1) {
				return fmt.Sprintf("record %d was deleted by run %d, and run %d certifies: %v", id, record.by, n+1, run.listed[id])
			}
		}
	}
	return ""
}

// explore visits every state that the steps reach. It returns how a promise is
// broken, "" if none is, and the number of states.
func explore(r rules, calls, executions int) (broken string, states int, deletedAll bool) {
	type from struct {
		state model
		by    string
	}
	start := model{}
	for id := range start.records {
		start.records[id].there = true
	}
	steps := r.steps(calls, executions)
	seen := map[model]from{start: {}}
	for waiting := []model{start}; len(waiting) > 0; {
		state := waiting[len(waiting)-1]
		waiting = waiting[:len(waiting)-1]
		if what := state.broken(); what != "" {
			var trace []string
			for at := state; at != start; at = seen[at].state {
				trace = append(trace, seen[at].by)
			}
			slices.Reverse(trace)
			return what + ":\n" + strings.Join(trace, "\n"), len(seen), deletedAll
		}
		deletedAll = deletedAll || state.records[plain].by > 0 && state.records[letter].by > 0 && state.runs[executions-1].certified
		for name, take := range steps {
			next, taken := take(state)
			if _, known := seen[next]; !taken || known {
				continue
			}
			seen[next] = from{state, name}
			waiting = append(waiting, next)
		}
	}
	return "", len(seen), deletedAll
}

func TestEveryOrderKeepsHoldsAndCertifiesDeletionsOnce(t *testing.T) {
	all := rules{turnChecked: true, turnEnded: true, epochChecked: true, frozen: true, readFirst: true, claimChecked: true}
	for _, c := range []struct{ calls, executions int }{{2, 1}, {1, 2}} {
		broken, states, deletedAll := explore(all, c.calls, c.executions)
		t.Logf("%d runs with %d calls: %d states", c.executions, c.calls, states)
		if broken != "" || !deletedAll {
			t.Errorf("both records can be deleted: %v; %s", deletedAll, broken)
		}
	}
}

func TestEachRuleIsNeeded(t *testing.T) {
	for name, r := range map[string]rules{
		"without the check of the turn":   {turnEnded: true, epochChecked: true, frozen: true, readFirst: true, claimChecked: true},
		"without the end of the turn":     {turnChecked: true, epochChecked: true, frozen: true, readFirst: true, claimChecked: true},
		"without the check of the fence":  {turnChecked: true, turnEnded: true, frozen: true, readFirst: true, claimChecked: true},
		"without the freeze":              {turnChecked: true, turnEnded: true, epochChecked: true, readFirst: true, claimChecked: true},
		"without a reading before a page": {turnChecked: true, turnEnded: true, epochChecked: true, frozen: true, claimChecked: true},
		"without the claim of an object":  {turnChecked: true, turnEnded: true, epochChecked: true, frozen: true, readFirst: true},
	} {
		if broken, states, _ := explore(r, 1, 2); broken == "" {
			t.Errorf("%s no promise is broken in %d states", name, states)
		}
	}
}
