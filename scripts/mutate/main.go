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
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
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
