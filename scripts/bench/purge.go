package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/purge"
	"stille/shared/retention"
)

// purgeBenchmarks is the folder of what is measured once, over large tables.
const purgeBenchmarks = "shared/purge"

// purgeLines gives a line for each of these figures, and what many deletions in
// a day cost by them.
func purgeLines(ctx context.Context) ([]string, error) {
	if err := compile(ctx, []string{purgeBenchmarks}); err != nil {
		return nil, err
	}
	server, err := dynamotest.Start()
	if err != nil {
		return nil, err
	}
	defer server.Stop() //nolint:errcheck // it ends with this process anyway
	output, err := measure(ctx, purgeBenchmarks, server.Endpoint, "./^once$", "1x")
	if err != nil {
		return nil, err
	}
	lines := summariseOnce(output)
	for _, due := range []int{1_000_000, 10_000_000} {
		for _, class := range []string{"other", retention.Messaging} {
			lines = append(lines, costLine(class, due))
		}
	}
	return lines, nil
}

// summariseOnce gives a line for each figure that a benchmark reports the two
// sides of, by name: as the units "NAME-ours" and "NAME-raw".
func summariseOnce(output string) []string {
	sides := make(map[string]map[string]float64)
	for _, line := range regexp.MustCompile(`(?m)^Benchmark\w+/once(?:-\d+)?\s+\d+\s+(.+)$`).FindAllStringSubmatch(output, -1) {
		for pair := range slices.Chunk(strings.Fields(line[1]), 2) {
			name, side, found := strings.Cut(pair[len(pair)-1], "-")
			value, err := strconv.ParseFloat(pair[0], 64)
			if !found || err != nil {
				continue
			}
			if sides[name] == nil {
				sides[name] = make(map[string]float64)
			}
			sides[name][side] = value
		}
	}
	var lines []string
	for name, of := range sides {
		lines = append(lines, fmt.Sprintf("BENCH %s ratio=%.2f ours=%.4g raw=%.4g%s", name, of["ours"]/of["raw"], of["ours"], of["raw"], bars()[name]))
	}
	slices.Sort(lines)
	return lines
}

// costLine is what so many deletions cost, spread evenly, when nothing is held.
func costLine(class string, due int) string {
	shards := make([]int, retention.Shards)
	for n := range shards {
		shards[n] = due / retention.Shards
	}
	cost := purge.Estimate(class, shards, 0)
	return fmt.Sprintf("cost %s due=%d writes=%.1fM reads=%.1fM files=%d time=%s dollars=%.2f",
		class, due, float64(cost.WriteUnits)/1e6, float64(cost.ReadUnits)/1e6, cost.Files, cost.Time.Round(time.Minute), cost.Dollars())
}
