package main

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestALineForEachBenchmarkWithItsMedianOverTheRounds(t *testing.T) {
	const printed = `goos: linux
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
	want := []string{
		"BENCH CheckOne ratio=1.50 ours=1.5us raw=1us bar=1.11",
		"BENCH MintThousand ratio=1.50 ours=9ms raw=6ms cpu=12.3ms bar=20ms",
	}
	if diff := cmp.Diff(want, summarise(parse(printed))); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// Reaching the store took seven of the ten milliseconds that the start took
// more than the bare one.
func TestTheStoreIsNotCountedInTheStart(t *testing.T) {
	const want = "BENCH Start ratio=1.60 ours=8ms raw=5ms whole=15ms wholeRaw=12ms bar=1.30"
	if got := startLine(15*time.Millisecond, 5*time.Millisecond, 12*time.Millisecond); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestASizeIsHeldAgainstTheLargest(t *testing.T) {
	const want = "BENCH Size/check/arm64 ratio=0.57 ours=11.5MB raw=20MB bar=1"
	if got := sizeLine("check/arm64", 11_478_000); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPackagesWithBenchmarksAreFound(t *testing.T) {
	folder := filepath.Join("..", "..", "shared", "link")
	got, err := withBenchmarks(folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{folder}, got); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
}

func TestEveryAttackIsTurnedAwayAndAGenuineTokenWouldBeCounted(t *testing.T) {
	d, err := newDoors()
	if err != nil {
		t.Fatal(err)
	}
	attacks, err := d.attacks()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attacks {
		if opened, err := d.try(t.Context(), a, 2000); opened > 0 || err != nil {
			t.Errorf("%s, %s: %d opened, %v", a.channel, a.name, opened, err)
		}
	}
	for ch, tokens := range d.genuine {
		known := attack{"genuine", ch, func(r *rand.Rand) string { return d.one(r, ch) }}
		if opened, err := d.try(t.Context(), known, 100); opened != 100 || err != nil {
			t.Errorf("%s: %d of 100 genuine tokens opened, %v", ch, opened, err)
		}
		if len(tokens) < 1000 || strings.Contains(tokens[0], "=") {
			t.Errorf("%s: %d tokens", ch, len(tokens))
		}
	}
}
