package deployed_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/deployed"
	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
)

// by reads policy files in which texts are replaced.
func by(t *testing.T, replaced ...string) deployed.Promised {
	t.Helper()
	texts := strings.NewReplacer(replaced...)
	policy, err := retention.LoadPolicy([]byte(texts.Replace(string(retentiontest.File()))))
	if err != nil {
		t.Fatal(err)
	}
	scopes, err := scope.Load([]byte(texts.Replace(string(scopetest.File()))))
	if err != nil {
		t.Fatal(err)
	}
	return deployed.By(policy, scopes)
}

func TestPromiseCannotBeTakenBack(t *testing.T) {
	restored := func(p deployed.Promised, name string) deployed.Promised {
		p.Tables = map[string]string{"ledger": name}
		return p
	}
	by := func(t *testing.T, replaced ...string) deployed.Promised {
		return restored(by(t, replaced...), "stille-ledger-2")
	}
	before := by(t)
	without := func(id uint16) deployed.Promised {
		p := by(t)
		delete(p.Scopes, id)
		return p
	}
	with := func(p deployed.Promised, id uint16, s scope.Scope) deployed.Promised {
		p.Scopes[id] = s
		return p
	}
	for _, test := range []struct {
		name string
		next deployed.Promised
		want []string
	}{
		{"the same again", by(t), nil},
		{"one scope more", with(by(t), 9, "initech"), nil},
		{"a scope that is gone", without(3), []string{"globex (id 3) is deployed and is missing"}},
		{"an id used for another scope", with(by(t), 3, "initech"), []string{"id 3 is globex for ever and cannot become initech"}},
		{"a scope under another id", with(without(3), 9, "globex"), []string{"globex has id 3 for ever and cannot get 9"}},
		{"two scopes swapped", with(with(by(t), 1, "globex"), 3, "acme"), []string{"id 1 is acme for ever", "id 3 is globex for ever"}},
		{"a class that is gone", by(t, "class: service", "class: parcels"), []string{"the class service is deployed and is missing"}},
		{"a restored table under another name", restored(by(t), "stille-ledger-3"), nil},
		{"all at once", deployed.Promised{}, []string{"(id 1)", "(id 2)", "(id 3)", "communication", "messaging", "contact", "service", "ledger is stille-ledger-2 since a restore"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var said string
			if err := before.Allows(test.next); err != nil {
				said = err.Error()
			}
			if lines(said) != len(test.want) {
				t.Errorf("want %d reasons in\n%s", len(test.want), said)
			}
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("want %q in\n%s", want, said)
				}
			}
		})
	}
	if err := (deployed.Promised{}).Allows(before); err != nil {
		t.Errorf("the first deploy is refused: %v", err)
	}
}

func lines(text string) int {
	if text == "" {
		return 0
	}
	return 1 + strings.Count(text, "\n")
}

func TestPlaceholderPromisesNothing(t *testing.T) {
	got := by(t, "scope: acme", "scope: "+string(scope.Placeholder))
	if diff := cmp.Diff(map[uint16]scope.Scope{3: "globex"}, got.Scopes); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTemplateNotesWhatIsPromised(t *testing.T) {
	want := by(t)
	template, err := json.Marshal(map[string]any{"Resources": map[string]any{
		"other":        map[string]any{"Type": "AWS::S3::Bucket", "Metadata": map[string]any{"aws:cdk:path": "x"}},
		"suppressions": map[string]any{"Metadata": map[string]any{deployed.Note: want}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := deployed.In(template)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, template := range []string{"", "{}"} {
		if got, err := deployed.In([]byte(template)); err != nil || len(got.Scopes)+len(got.Classes) > 0 {
			t.Errorf("no stack, %q: %+v, %v", template, got, err)
		}
	}
	for _, template := range []string{`{"Resources":{"a":{}}}`, "no template", `{"Resources":{"a":{"Metadata":{"` + deployed.Note + `":7}}}}`} {
		if _, err := deployed.In([]byte(template)); err == nil {
			t.Errorf("nothing is guarded by %s", template)
		}
	}
}
