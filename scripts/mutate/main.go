// Command mutate changes one operator after the other in the packages that
// decide who is silent and what is deleted, and runs the quick tests of the
// package each time. A mutant whose tests pass has survived.
//
//	go run ./scripts/mutate                      every package
//	go run ./scripts/mutate shared/certificate   one package
//
// The command fails if fewer than 95 percent of a package's mutants are killed,
// or if a mutant survives that survivors.yaml does not explain.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

const mostSurvivors = 0.05 // of a package's mutants

type command struct {
	Workers  int      `default:"1" help:"Mutants to test at the same time."`
	Packages []string `arg:"" default:"shared/suppression,shared/retention,shared/purge,shared/certificate" help:"Folders of packages."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c command
	parsed := kong.Parse(&c, kong.Name("mutate"), kong.Description("Tests the tests: do they notice a changed operator?"))
	parsed.FatalIfErrorf(c.run(ctx))
}

func (c command) run(ctx context.Context) error {
	explained, err := readSurvivors("scripts/mutate/survivors.yaml")
	if err != nil {
		return err
	}
	var failed []string
	for _, folder := range c.Packages {
		mutants, err := c.unleash(ctx, folder)
		if err != nil {
			return err
		}
		report, err := judge(folder, mutants, explained)
		if err != nil {
			return err
		}
		fmt.Print(report)
		if !report.passed() {
			failed = append(failed, folder)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("too many survivors, or survivors without a reason, in %s: write a test that kills them, or explain in survivors.yaml why the mutant behaves the same", strings.Join(failed, ", "))
	}
	return nil
}

// A mutant is one changed operator.
type mutant struct {
	File         string
	Line, Column int
	Type         string
	Status       string
}

// killed tells whether the tests noticed the mutant. A test that never ends has
// noticed it.
func (m mutant) killed() bool { return m.Status == "KILLED" || m.Status == "TIMED OUT" }

// unleash runs gremlins on one package.
func (c command) unleash(ctx context.Context, folder string) ([]mutant, error) {
	realGo, err := exec.LookPath("go")
	if err != nil {
		return nil, err
	}
	shim, err := filepath.Abs("scripts/mutate/shim")
	if err != nil {
		return nil, err
	}
	output, err := filepath.Abs(filepath.Join(".local", strings.ReplaceAll(folder, "/", "-")+".mutants.json"))
	if err != nil {
		return nil, err
	}
	gremlins := exec.CommandContext(ctx, ".local/bin/gremlins", "unleash", "./"+folder,
		"--workers", fmt.Sprint(c.Workers), "--timeout-coefficient", "10", "--output", output)
	gremlins.Stdout, gremlins.Stderr = os.Stdout, os.Stderr
	gremlins.Env = append(os.Environ(), "REAL_GO="+realGo, "PATH="+shim+string(filepath.ListSeparator)+os.Getenv("PATH"),
		// Gremlins takes the time of the first run for the time of every run.
		"GOFLAGS="+os.Getenv("GOFLAGS")+" -count=1 -vet=off")
	if err := gremlins.Run(); err != nil {
		return nil, fmt.Errorf("running gremlins on %s: %w", folder, err)
	}
	file, err := os.ReadFile(output)
	if err != nil {
		return nil, err
	}
	return readMutants(folder, file)
}

// readMutants reads the output of gremlins. It leaves out mutants that do not
// compile, and those of packages below the folder.
func readMutants(folder string, file []byte) ([]mutant, error) {
	var result struct {
		Files []struct {
			Name      string `json:"file_name"`
			Mutations []mutant
		}
	}
	if err := json.Unmarshal(file, &result); err != nil {
		return nil, fmt.Errorf("reading the output of gremlins: %w", err)
	}
	var mutants []mutant
	for _, f := range result.Files {
		for _, m := range f.Mutations {
			m.File = filepath.Join(folder, f.Name)
			if filepath.Dir(f.Name) == "." && m.Status != "NOT VIABLE" {
				mutants = append(mutants, m)
			}
		}
	}
	return mutants, nil
}

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
