package main

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A figure is what our code took and what the plain engine took for the same
// work, round by round.
type figure struct {
	name string
	unit string // "ns", which is printed as a time; "MB"; "" for a number
	ours []float64
	raw  []float64
}

type figures map[string]*figure

var metric = regexp.MustCompile(`^(.+)-(ours|raw)-?(\w*)$`)

// read adds the figures in the output of a test binary.
func (fs figures) read(output string) {
	for line := range strings.Lines(output) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, side, _ := strings.Cut(strings.TrimPrefix(fields[0], "Benchmark"), "/")
		side, _, _ = strings.Cut(side, "-") // the number of processors follows
		for pair := range slices.Chunk(fields[2:], 2) {
			value, err := strconv.ParseFloat(pair[0], 64)
			if err != nil || len(pair) < 2 {
				continue
			}
			switch found := metric.FindStringSubmatch(pair[1]); {
			case found != nil:
				fs.add(found[1], found[2], found[3], value)
			case side == "once":
			case pair[1] == "ns/op":
				fs.add(name, side, "ns", value)
			case pair[1] == "cpu-ns/op":
				fs.add(name+"CPU", side, "ns", value)
			}
		}
	}
}

func (fs figures) add(name, side, unit string, value float64) {
	if fs[name] == nil {
		fs[name] = &figure{name: name, unit: unit}
	}
	switch side {
	case "ours":
		fs[name].ours = append(fs[name].ours, value)
	case "raw":
		fs[name].raw = append(fs[name].raw, value)
	}
}

// sorted lists by name the figures that have both sides of each round.
func (fs figures) sorted() []figure {
	var complete []figure
	for _, name := range slices.Sorted(maps.Keys(fs)) {
		if f := *fs[name]; len(f.ours) > 0 && len(f.ours) == len(f.raw) {
			complete = append(complete, f)
		}
	}
	return complete
}

// ratio is the median of the rounds' ratios.
func (f figure) ratio() float64 {
	ratios := make([]float64, len(f.ours))
	for i := range ratios {
		ratios[i] = f.ours[i] / f.raw[i]
	}
	return median(ratios)
}

// String is the figure's line.
func (f figure) String() string {
	line := fmt.Sprintf("BENCH %s ratio=%.2f ours=%s raw=%s", f.name, f.ratio(), f.value(median(f.ours)), f.value(median(f.raw)))
	if b, found := f.bar(); found && b.absolute {
		line += " bar=" + f.value(b.most)
	} else if found {
		line += fmt.Sprintf(" bar=%.2f", b.most)
	}
	return line
}

func (f figure) value(v float64) string {
	if f.unit != "ns" {
		return fmt.Sprintf("%.4g%s", v, f.unit)
	}
	took, digits := time.Duration(v), time.Duration(1)
	for took/digits >= 1000 { // print three digits
		digits *= 10
	}
	return strings.Replace(took.Round(digits).String(), "µ", "u", 1)
}

// A bar is the most that a figure should be.
type bar struct {
	most     float64
	absolute bool // for ours in the figure's unit, not for the ratio
}

// bar finds the bar of a figure, or of its group: that of Size/check/arm64 is
// the bar of Size. 0.9 of the plain engine's throughput is 1/0.9 of its time.
func (f figure) bar() (bar, bool) {
	bars := map[string]bar{
		"CheckOne":         {most: 1 / 0.9},
		"CheckThousand":    {most: 1 / 0.85},
		"CheckThousandCPU": {most: 12e6, absolute: true},
		"FirstOptOut":      {most: 1 / 0.9},
		"FirstOptOutCPU":   {most: 450e3, absolute: true},
		"RepeatedOptOut":   {most: 1.3},
		"LinkPage":         {most: 1.5},
		"HookEvent":        {most: 1.2},
		"SenderMail":       {most: 1.5},
		"OpenEmail":        {most: 2e3, absolute: true},
		"OpenSMS":          {most: 2e3, absolute: true},
		"MintThousandCPU":  {most: 20e6, absolute: true},
		"Start":            {most: 1.3},
		"PurgeDelete":      {most: 1 / 0.9},
		"PlanUnits":        {most: 1.1},
		"PlanMicros":       {most: 1.3},
		"DeleteUnits":      {most: 1.1},
		"Lane":             {most: 1},
		"PurgeWrites":      {most: 1},
		"PurgeReads":       {most: 1},
		"Memory":           {most: 64, absolute: true},
		"Size":             {most: 1},
		"TokensOpened":     {most: 0},
	}
	found, ok := bars[f.name]
	if !ok {
		group, _, _ := strings.Cut(f.name, "/")
		found, ok = bars[group]
	}
	return found, ok
}

// isOver tells whether the figure is over its bar by more than the half percent
// that its line does not show.
func (f figure) isOver() bool {
	b, found := f.bar()
	measured := f.ratio()
	if b.absolute {
		measured = median(f.ours)
	}
	return found && measured > 1.005*b.most
}

func median[T cmp.Ordered](of []T) T {
	return slices.Sorted(slices.Values(of))[len(of)/2]
}
