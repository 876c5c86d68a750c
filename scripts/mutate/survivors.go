package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// A Place names a mutant by its source text, which stays when lines move.
type Place struct {
	File     string
	Function string
	Operator string // of gremlins
	Source   string // the line, with the changed operator in brackets
}

// A survivor is a mutant that behaves like the original.
type survivor struct {
	Place `yaml:",inline"`
	Why   string
}

func readSurvivors(path string) ([]survivor, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var all []survivor
	if err := yaml.UnmarshalWithOptions(file, &all, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	for _, s := range all {
		if s.Why == "" {
			return nil, fmt.Errorf("%s does not say why the mutant of %q behaves the same", path, s.Source)
		}
	}
	return all, nil
}

// report is the result of one package.
type report struct {
	folder        string
	total, killed int
	unexplained   []Place
	stale         []Place // explained, but no survivor
}

// judge counts the mutants of a package and looks for the reasons of the
// survivors.
func judge(folder string, mutants []mutant, explained []survivor) (report, error) {
	r := report{folder: folder, total: len(mutants)}
	var survived []Place
	for _, m := range mutants {
		if m.killed() {
			r.killed++
			continue
		}
		p, err := locate(m)
		if err != nil {
			return r, err
		}
		survived = append(survived, p)
		if !slices.ContainsFunc(explained, func(s survivor) bool { return s.Place == p }) {
			r.unexplained = append(r.unexplained, p)
		}
	}
	for _, s := range explained {
		if strings.HasPrefix(s.File, folder+"/") && !slices.Contains(survived, s.Place) {
			r.stale = append(r.stale, s.Place)
		}
	}
	return r, nil
}

func (r report) passed() bool {
	return r.total > 0 && float64(r.total-r.killed) <= mostSurvivors*float64(r.total) && len(r.unexplained) == 0
}

func (r report) String() string {
	var b strings.Builder
	for title, places := range map[string][]Place{"survived without a reason": r.unexplained, "explained, but killed": r.stale} {
		for _, p := range places {
			fmt.Fprintf(&b, "%s:\n- file: %s\n  function: %s\n  operator: %s\n  source: %q\n", title, p.File, p.Function, p.Operator, p.Source)
		}
	}
	fmt.Fprintf(&b, "MUTATE %s killed=%d of %d (%.1f%%)\n", r.folder, r.killed, r.total, 100*float64(r.killed)/float64(max(r.total, 1)))
	return b.String()
}

// locate finds the source text of a mutant.
func locate(m mutant) (Place, error) {
	source, err := os.ReadFile(m.File)
	if err != nil {
		return Place{}, err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, m.File, source, parser.SkipObjectResolution)
	if err != nil {
		return Place{}, err
	}
	p := Place{File: m.File, Operator: m.Type}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && set.Position(f.Pos()).Line <= m.Line && m.Line <= set.Position(f.End()).Line {
			p.Function = f.Name.Name
		}
	}
	line := strings.Split(string(source), "\n")[m.Line-1]
	before, after := line[:m.Column-1], line[m.Column-1:]
	length := 1
	for _, operator := range []string{"==", "!=", "<=", ">=", "++", "--"} {
		if strings.HasPrefix(after, operator) {
			length = len(operator)
		}
	}
	p.Source = strings.TrimSpace(before + "[" + after[:length] + "]" + after[length:])
	return p, nil
}
