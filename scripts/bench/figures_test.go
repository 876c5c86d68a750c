package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func lines(fs figures) []string {
	var all []string
	for _, f := range fs.sorted() {
		all = append(all, f.String())
	}
	return all
}

func TestLineShowsMedianOfRounds(t *testing.T) {
	const rounds = `goos: linux
BenchmarkCheckOne/ours-2         	    1000	   1200 ns/op	 100 B/op
BenchmarkCheckOne/raw-2          	    1000	   1000.5 ns/op
BenchmarkCheckOne/ours           	    1000	   9000 ns/op
BenchmarkCheckOne/raw            	    1000	   1000 ns/op
BenchmarkCheckOne/ours-2         	    1000	   1500 ns/op
BenchmarkCheckOne/raw-2          	    1000	   1000 ns/op
BenchmarkMintThousand/raw-2      	      50	   6000000 ns/op	   5000000 cpu-ns/op
BenchmarkMintThousand/ours-2     	      50	   9000000 ns/op	  12345678 cpu-ns/op
BenchmarkAlone/ours-2            	    1000	   1500 ns/op
BenchmarkOther/Mint-2            	    1000	   1500 ns/op
PASS
`
	fs := make(figures)
	fs.read(rounds)
	want := []string{
		"BENCH CheckOne ratio=1.50 ours=1.5us raw=1us bar=1.11",
		"BENCH MintThousand ratio=1.50 ours=9ms raw=6ms",
		"BENCH MintThousandCPU ratio=2.47 ours=12.3ms raw=5ms bar=20ms",
	}
	if diff := cmp.Diff(want, lines(fs)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestMetricsOfOneRunAreFigures(t *testing.T) {
	const once = `goos: linux
BenchmarkPlan/once-2   	       1	21000 ns/op	        12.50 PlanMicros-ours	        25.00 PlanMicros-raw	        66.00 PlanUnits-ours	        64.00 PlanUnits-raw
BenchmarkMemory/once    	       1	21000 ns/op	         25.000 Memory/purge-delete-ours-MB	         20.000 Memory/purge-delete-raw-MB	  12 B/op
BenchmarkSize/once    	       1	21000 ns/op	         11.478 Size/check/arm64-ours-MB	         20.000 Size/check/arm64-raw-MB
BenchmarkTokensOpened/once    	       1	21000 ns/op	         0 TokensOpened-ours	         10000000 TokensOpened-raw
PASS
`
	fs := make(figures)
	fs.read(once)
	want := []string{
		"BENCH Memory/purge-delete ratio=1.25 ours=25MB raw=20MB bar=64MB",
		"BENCH PlanMicros ratio=0.50 ours=12.5 raw=25 bar=1.30",
		"BENCH PlanUnits ratio=1.03 ours=66 raw=64 bar=1.10",
		"BENCH Size/check/arm64 ratio=0.57 ours=11.48MB raw=20MB bar=1.00",
		"BENCH TokensOpened ratio=0.00 ours=0 raw=1e+07 bar=0.00",
	}
	if diff := cmp.Diff(want, lines(fs)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestFigureOverItsBar(t *testing.T) {
	for name, test := range map[string]struct {
		figure figure
		want   bool
	}{
		"ratio at the bar":      {figure{name: "PurgeWrites", ours: []float64{2}, raw: []float64{2}}, false},
		"ratio over the bar":    {figure{name: "PurgeWrites", ours: []float64{2.1}, raw: []float64{2}}, true},
		"one token opened":      {figure{name: "TokensOpened", ours: []float64{1}, raw: []float64{1e7}}, true},
		"time within the bar":   {figure{name: "OpenSMS", unit: "ns", ours: []float64{1900}, raw: []float64{100}}, false},
		"time over the bar":     {figure{name: "OpenSMS", unit: "ns", ours: []float64{2100}, raw: []float64{4000}}, true},
		"size over its group's": {figure{name: "Size/check/amd64", unit: "MB", ours: []float64{21}, raw: []float64{20}}, true},
		"no bar, a slow figure": {figure{name: "SuppressionGet", unit: "ns", ours: []float64{9}, raw: []float64{1}}, false},
		"memory over its bar":   {figure{name: "Memory/purge-delete/4M", unit: "MB", ours: []float64{65}, raw: []float64{65}}, true},
		"memory at its bar":     {figure{name: "Memory/purge-plan/1M", unit: "MB", ours: []float64{64}, raw: []float64{20}}, false},
	} {
		if got := test.figure.isOver(); got != test.want {
			t.Errorf("%s: over is %v", name, got)
		}
	}
}

func TestCostOfADayIsTheEstimate(t *testing.T) {
	const want = "cost other due=6400000 writes=32.1M reads=13.1M files=129408 time=54m0s dollars=22.60"
	if got := costLine("other", 6_400_000); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPackagesWithBenchmarksAreFound(t *testing.T) {
	folder := filepath.Join("..", "..", "shared", "link")
	for _, p := range phases() {
		got, err := p.folders(t.Context(), folder)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"./" + folder}, got); diff != "" {
			t.Errorf("packages (-want +got):\n%s", diff)
		}
	}
}
