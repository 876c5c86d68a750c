package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"stille/shared/aws/dynamo/dynamotest"
)

// A phase runs the benchmarks that have certain sub-benchmarks.
type phase struct {
	marker string // in the source of these benchmarks
	subs   string // -test.bench, after the benchmark's name
	each   string // -test.benchtime
	warmUp int    // rounds that do not count: DynamoDB Local starts slowly
	rounds int    // an odd number, for the median
}

// A round of a pair is short, so that the rest of the machine's work weighs on
// both sides of the ratio.
func phases() []phase {
	return []phase{
		{marker: `b.Run("ours"`, subs: "^(ours|raw)$", each: "200ms", warmUp: 1, rounds: 15},
		{marker: `b.Run("once"`, subs: "^once$", each: "1x", rounds: 1},
	}
}

const compiled = ".local/bench"

// measure compiles the benchmarks of the phase and runs those with matching
// names, package by package and round by round.
func (p phase) measure(ctx context.Context, names string) (figures, error) {
	folders, err := p.folders(ctx, "functions", "shared", "scripts")
	if err != nil {
		return nil, err
	}
	build := exec.CommandContext(ctx, "go", append([]string{"test", "-c", "-tags", "store", "-o", compiled + "/"}, folders...)...)
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the benchmarks: %w\n%s", err, output)
	}
	server, err := dynamotest.Start()
	if err != nil {
		return nil, err
	}
	defer server.Stop() //nolint:errcheck // it ends with this process
	measured := make(figures)
	for round := range p.warmUp + p.rounds {
		for _, folder := range folders {
			output, err := p.runFolder(ctx, folder, names, server.Endpoint)
			if err != nil {
				return nil, err
			}
			if round >= p.warmUp {
				measured.read(output)
			}
		}
	}
	return measured, nil
}

// runFolder runs the benchmarks of one package in the package's folder.
func (p phase) runFolder(ctx context.Context, folder, names, endpoint string) (string, error) {
	program, err := filepath.Abs(filepath.Join(compiled, filepath.Base(folder)+".test"))
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, program, "-test.run", "^$", "-test.bench", names+"/"+p.subs, "-test.benchtime", p.each, "-test.timeout", "1h")
	command.Dir = folder
	command.Env = append(os.Environ(), dynamotest.Endpoint+"="+endpoint)
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running the benchmarks of %s: %w\n%s", folder, err, output)
	}
	return string(output), nil
}

// folders lists the packages below the roots that have the phase's benchmarks.
func (p phase) folders(ctx context.Context, roots ...string) ([]string, error) {
	arguments := append([]string{"-rlF", "--include=*_test.go", p.marker}, roots...)
	output, err := exec.CommandContext(ctx, "grep", arguments...).Output()
	if err != nil {
		return nil, fmt.Errorf("looking for benchmarks: %w", err)
	}
	var folders []string
	for _, file := range strings.Fields(string(output)) {
		folders = append(folders, "./"+filepath.Dir(file))
	}
	slices.Sort(folders)
	return slices.Compact(folders), nil
}
