package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"stille/shared/aws/dynamo/dynamotest"
)

// rounds is odd, so that there is a median. A slice of time as short as each
// has in one round puts ours and the plain thing close together: what else the
// machine does weighs on both.
const (
	rounds = 15
	slice  = "200ms"
)

// pairs measures every benchmark that has the sub-benchmarks "ours" and "raw".
func pairs(ctx context.Context) ([]string, error) {
	packages, err := withBenchmarks(".")
	if err != nil {
		return nil, err
	}
	if err := compile(ctx, packages); err != nil {
		return nil, err
	}
	server, err := dynamotest.Start()
	if err != nil {
		return nil, err
	}
	defer server.Stop() //nolint:errcheck // it ends with this process anyway
	var measured []figure
	for i := range 1 + rounds {
		for _, folder := range packages {
			output, err := measure(ctx, folder, server.Endpoint, "./^(ours|raw)$", slice)
			if err != nil {
				return nil, err
			}
			if i > 0 { // the first round warms DynamoDB Local up
				measured = append(measured, parse(output)...)
			}
		}
	}
	return summarise(measured), nil
}

// binary is where a package's benchmarks are compiled to.
func binary(folder string) (string, error) {
	return filepath.Abs(filepath.Join(".local/bench", strings.ReplaceAll(folder, "/", "-")+".test"))
}

func compile(ctx context.Context, folders []string) error {
	for _, folder := range folders {
		target, err := binary(folder)
		if err != nil {
			return err
		}
		build := exec.CommandContext(ctx, "go", "test", "-c", "-tags", "store", "-o", target, "./"+folder) //nolint:gosec // folders of ours
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("compiling the benchmarks of %s: %w\n%s", folder, err, output)
		}
	}
	return nil
}

// measure runs some of a package's benchmarks, in its own folder.
func measure(ctx context.Context, folder, endpoint, which, each string) (string, error) {
	program, err := binary(folder)
	if err != nil {
		return "", err
	}
	command := exec.CommandContext(ctx, program, "-test.run", "^$", "-test.bench", which, "-test.benchtime", each, "-test.timeout", "1h") //nolint:gosec // as above
	command.Dir = folder
	command.Env = append(os.Environ(), dynamotest.Endpoint+"="+endpoint)
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running the benchmarks of %s: %w\n%s", folder, err, output)
	}
	return string(output), nil
}

// withBenchmarks lists the folders below one that have benchmarks, so that the
// others need not be compiled.
func withBenchmarks(root string) ([]string, error) {
	found := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if bytes.Contains(source, []byte("\nfunc Benchmark")) {
			found[filepath.Dir(path)] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for benchmarks: %w", err)
	}
	return slices.Sorted(maps.Keys(found)), nil
}
