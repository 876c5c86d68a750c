package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A figure is one measurement of one side of a benchmark.
type figure struct {
	name string // of the benchmark, without "Benchmark"
	side string // "ours" or "raw"
	took time.Duration
}

// parse reads the figures out of what `go test -bench` prints.
func parse(output string) []figure {
	// The number of processors follows the name, unless it is one.
	line := regexp.MustCompile(`(?m)^Benchmark(\w+)/(ours|raw)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)
	var figures []figure
	for _, match := range line.FindAllStringSubmatch(output, -1) {
		nanoseconds, err := strconv.ParseFloat(match[3], 64)
		if err != nil {
			continue
		}
		figures = append(figures, figure{match[1], match[2], time.Duration(nanoseconds)})
	}
	return figures
}

// summarise gives a line for each benchmark, by name.
func summarise(figures []figure) []string {
	took := make(map[string]map[string][]time.Duration)
	for _, f := range figures {
		if took[f.name] == nil {
			took[f.name] = make(map[string][]time.Duration)
		}
		took[f.name][f.side] = append(took[f.name][f.side], f.took)
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(took)) {
		ours, raw := took[name]["ours"], took[name]["raw"]
		if len(ours) == 0 || len(ours) != len(raw) {
			continue
		}
		ratios := make([]float64, len(ours))
		for i := range ours {
			ratios[i] = float64(ours[i]) / float64(raw[i])
		}
		lines = append(lines, fmt.Sprintf("BENCH %s ratio=%.2f ours=%s raw=%s", name, median(ratios), median(ours), median(raw)))
	}
	return lines
}

func median[T time.Duration | float64](of []T) T {
	return slices.Sorted(slices.Values(of))[len(of)/2]
}

// withBenchmarks lists the packages under a folder that have benchmarks, so
// that the others need not be built.
func withBenchmarks(root string) ([]string, error) {
	found := make(map[string]bool)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && strings.HasPrefix(entry.Name(), "."):
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if bytes.Contains(source, []byte("\nfunc Benchmark")) {
			found["./"+filepath.Dir(path)] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for benchmarks: %w", err)
	}
	return slices.Sorted(maps.Keys(found)), nil
}
