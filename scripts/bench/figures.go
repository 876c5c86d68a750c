package main

import (
	"cmp"
	"fmt"
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
	cpu  time.Duration // of the processor, where the benchmark says
}

// parse reads the figures out of what a test binary prints.
func parse(output string) []figure {
	// The number of processors follows the name, unless it is one.
	line := regexp.MustCompile(`(?m)^Benchmark(\w+)/(ours|raw)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op(?:\s+([0-9.]+) cpu-ns/op)?`)
	var figures []figure
	for _, match := range line.FindAllStringSubmatch(output, -1) {
		figures = append(figures, figure{match[1], match[2], nanoseconds(match[3]), nanoseconds(match[4])})
	}
	return figures
}

func nanoseconds(text string) time.Duration {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return time.Duration(n)
}

// bar is the most a figure should be; what is zero does not matter.
type bar struct {
	ratio float64
	took  time.Duration
	cpu   time.Duration
}

// bars are what we hold ourselves to. A ratio is time over time: 0.9 of the
// plain engine's throughput is 1/0.9 of its time.
func bars() map[string]bar {
	return map[string]bar{
		"CheckOne":      {ratio: 1 / 0.9},
		"CheckThousand": {ratio: 1 / 0.85},
		"FirstOptOut":   {ratio: 1 / 0.9},
		"OpenEmail":     {took: 2 * time.Microsecond},
		"OpenSMS":       {took: 2 * time.Microsecond},
		"MintThousand":  {cpu: 20 * time.Millisecond},
		"Start":         {ratio: 1.3},
		"PurgeDelete":   {ratio: 1 / 0.9},
		"PlanUnits":     {ratio: 1.1},
		"PlanMicros":    {ratio: 1.3},
		"DeleteUnits":   {ratio: 1.1},
		"PurgeWrites":   {ratio: 1},
		"PurgeReads":    {ratio: 1},
	}
}

// summarise gives a line for each benchmark, by name.
func summarise(figures []figure) []string {
	names := make(map[string]bool)
	for _, f := range figures {
		names[f.name] = true
	}
	var lines []string
	for name := range names {
		took := func(f figure) time.Duration { return f.took }
		ours, raw := of(figures, name, "ours", took), of(figures, name, "raw", took)
		if len(ours) == 0 || len(ours) != len(raw) {
			continue
		}
		ratios := make([]float64, len(ours))
		for i := range ours {
			ratios[i] = float64(ours[i]) / float64(raw[i])
		}
		line := fmt.Sprintf("BENCH %s ratio=%.2f ours=%s raw=%s", name, median(ratios), short(median(ours)), short(median(raw)))
		if cpu := median(of(figures, name, "ours", func(f figure) time.Duration { return f.cpu })); cpu > 0 {
			line += " cpu=" + short(cpu)
		}
		lines = append(lines, line+bars()[name].String())
	}
	slices.Sort(lines)
	return lines
}

// of lists what was measured on one side of a benchmark, round by round.
func of(figures []figure, name, side string, what func(figure) time.Duration) []time.Duration {
	var all []time.Duration
	for _, f := range figures {
		if f.name == name && f.side == side {
			all = append(all, what(f))
		}
	}
	return all
}

func (b bar) String() string {
	switch {
	case b.ratio > 0:
		return fmt.Sprintf(" bar=%.2f", b.ratio)
	case b.took > 0:
		return " bar=" + b.took.String()
	case b.cpu > 0:
		return " bar=" + b.cpu.String()
	}
	return ""
}

// short is a time as far as it was measured: three digits of it.
func short(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return strings.Replace(d.Round(unit).String(), "µ", "u", 1)
}

func median[T cmp.Ordered](of []T) T {
	return slices.Sorted(slices.Values(of))[len(of)/2]
}
