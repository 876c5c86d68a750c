package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// largest is the most bytes that a function's binary may have: a container
// loads it before it can start.
const largest = 20_000_000

// sizes builds the functions for both of Lambda's processors and gives a line
// for each, and an error that names those that are too large.
func sizes(ctx context.Context) ([]string, error) {
	var lines, tooLarge []string
	for _, arch := range []string{"amd64", "arm64"} {
		folder := filepath.Join(".local/bench", arch)
		build := exec.CommandContext(ctx, "scripts/build", "linux", arch, "scripts/local", folder) //nolint:gosec // constants
		if output, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("building the functions for %s: %w\n%s", arch, err, output)
		}
		binaries, err := filepath.Glob(filepath.Join(folder, "*/bootstrap"))
		if err != nil {
			return nil, err
		}
		for _, binary := range binaries {
			info, err := os.Stat(binary)
			if err != nil {
				return nil, err
			}
			name := filepath.Base(filepath.Dir(binary)) + "/" + arch
			lines = append(lines, sizeLine(name, info.Size()))
			if info.Size() > largest {
				tooLarge = append(tooLarge, name)
			}
		}
	}
	slices.Sort(lines)
	if len(tooLarge) > 0 {
		return lines, errors.New("larger than a binary may be: " + strings.Join(tooLarge, ", "))
	}
	return lines, nil
}

func sizeLine(name string, bytes int64) string {
	const mega = 1_000_000
	return fmt.Sprintf("BENCH Size/%s ratio=%.2f ours=%.1fMB raw=%dMB bar=1", name, float64(bytes)/largest, float64(bytes)/mega, largest/mega)
}
