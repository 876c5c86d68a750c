package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const source = `package day

const hours = 24 * 60

func later(a, b int) bool {
	return a >= b
}
`

// inFolder writes the source to a package and returns the package's folder.
func inFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "day.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestMutantIsNamedByItsSource(t *testing.T) {
	file := filepath.Join(inFolder(t), "day.go")
	for _, test := range []struct {
		line, column int
		want         Place
	}{
		{3, 18, Place{file, "", "T", "const hours = 24 [*] 60"}},
		{6, 11, Place{file, "later", "T", "return a [>=] b"}},
	} {
		got, err := locate(mutant{File: file, Line: test.line, Column: test.column, Type: "T"})
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("error %v (-want +got)\n%s", err, diff)
		}
	}
}

func TestPackagePassesWithFewExplainedSurvivors(t *testing.T) {
	folder := inFolder(t)
	file := filepath.Join(folder, "day.go")
	boundary := survivor{Place{file, "later", "T", "return a [>=] b"}, "a and b are never equal"}
	for name, test := range map[string]struct {
		killed, survived int
		explained        []survivor
		want             bool
	}{
		"every mutant killed":            {20, 0, nil, true},
		"one explained survivor of 20":   {19, 1, []survivor{boundary}, true},
		"one unexplained survivor of 20": {19, 1, nil, false},
		"one explained survivor of 19":   {18, 1, []survivor{boundary}, false},
		"an explanation that is stale":   {20, 0, []survivor{boundary}, true},
		"no mutant":                      {0, 0, nil, false},
	} {
		var mutants []mutant
		for n := range test.killed + test.survived {
			m := mutant{File: file, Line: 6, Column: 11, Type: "T", Status: []string{"KILLED", "TIMED OUT"}[n%2]}
			if n < test.survived {
				m.Status = []string{"LIVED", "NOT COVERED"}[n%2]
			}
			mutants = append(mutants, m)
		}
		r, err := judge(folder, mutants, test.explained)
		if err != nil || r.passed() != test.want {
			t.Errorf("%s: passed %v, error %v", name, r.passed(), err)
		}
	}
}

func TestMutantsOfOtherPackagesAreLeftOut(t *testing.T) {
	const output = `{"files": [
		{"file_name": "day.go", "mutations": [{"line": 6, "column": 11, "type": "T", "status": "LIVED"}, {"line": 6, "column": 11, "type": "T", "status": "NOT VIABLE"}]},
		{"file_name": "daytest/fake.go", "mutations": [{"line": 1, "column": 1, "type": "T", "status": "LIVED"}]}]}`
	got, err := readMutants("shared/day", []byte(output))
	if diff := cmp.Diff([]mutant{{"shared/day/day.go", 6, 11, "T", "LIVED"}}, got); diff != "" || err != nil {
		t.Errorf("error %v (-want +got)\n%s", err, diff)
	}
}

func TestEverySurvivorHasAReason(t *testing.T) {
	survivors, err := readSurvivors("survivors.yaml")
	if err != nil || len(survivors) == 0 {
		t.Errorf("%d survivors, error %v", len(survivors), err)
	}
	unexplained := filepath.Join(t.TempDir(), "survivors.yaml")
	if err := os.WriteFile(unexplained, []byte("- file: day.go\n  source: return a [>=] b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSurvivors(unexplained); err == nil {
		t.Error("a survivor without a reason is accepted")
	}
}
