package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestALineForEachBenchmarkWithItsMedianOverTheRounds(t *testing.T) {
	const printed = `goos: linux
BenchmarkSuppressionGet/ours-2         	    1000	   1200 ns/op	 100 B/op
BenchmarkSuppressionGet/raw-2          	    1000	   1000.5 ns/op
BenchmarkSuppressionGet/ours           	    1000	   9000 ns/op
BenchmarkSuppressionGet/raw            	    1000	   1000 ns/op
BenchmarkSuppressionGet/ours-2         	    1000	   1500 ns/op
BenchmarkSuppressionGet/raw-2          	    1000	   1000 ns/op
BenchmarkAlone/ours-2                  	    1000	   1500 ns/op
BenchmarkOther/Mint-2                  	    1000	   1500 ns/op
PASS
`
	want := []string{"BENCH SuppressionGet ratio=1.50 ours=1.5µs raw=1µs"}
	if diff := cmp.Diff(want, summarise(parse(printed))); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestPackagesWithBenchmarksAreFound(t *testing.T) {
	got, err := withBenchmarks(filepath.Join("..", "..", "shared", "link"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"./" + filepath.Join("..", "..", "shared", "link")}, got); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}
