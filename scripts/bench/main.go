// Command bench measures what our code adds to the plain engine under it, and
// prints one line for each figure. A ratio is ours over raw: less is better.
//
//	go run ./scripts/bench           every figure
//	go run ./scripts/bench 'Check'   the benchmarks whose names match
//
// Every figure comes from a Go benchmark. A benchmark with the sub-benchmarks
// "ours" and "raw" is one figure: the median of the ratios of many short
// rounds. A benchmark with the sub-benchmark "once" is too slow for rounds; it
// reports each figure as two metrics with the units NAME-ours and NAME-raw, or
// NAME-ours-MB and NAME-raw-MB.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"stille/shared/purge"
	"stille/shared/retention"
)

type command struct {
	Names string `arg:"" default:"." help:"A regular expression for the names of benchmarks, without \"Benchmark\"."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c command
	parsed := kong.Parse(&c, kong.Name("bench"), kong.Description("Measures ours against the plain engine."))
	parsed.FatalIfErrorf(c.run(ctx))
}

func (c command) run(ctx context.Context) error {
	var over []string
	for _, p := range phases() {
		measured, err := p.measure(ctx, c.Names)
		if err != nil {
			return err
		}
		for _, f := range measured.sorted() {
			fmt.Println(f)
			if f.isOver() {
				over = append(over, f.name)
			}
		}
	}
	for _, due := range []int{1_000_000, 10_000_000} {
		for _, class := range []string{"other", retention.Messaging} {
			fmt.Println(costLine(class, due))
		}
	}
	if len(over) > 0 {
		fmt.Println("over their bar:", strings.Join(over, ", "))
	} else {
		fmt.Println("no figure is over its bar")
	}
	return nil
}

// costLine is the cost of a day's deletions, spread evenly over the shards and
// with nothing held.
func costLine(class string, due int) string {
	shards := make([]int, retention.Shards)
	for n := range shards {
		shards[n] = due / retention.Shards
	}
	cost := purge.Estimate(class, shards, 0)
	return fmt.Sprintf("cost %s due=%d writes=%.1fM reads=%.1fM files=%d time=%s dollars=%.2f",
		class, due, float64(cost.WriteUnits)/1e6, float64(cost.ReadUnits)/1e6, cost.Files, cost.Time.Round(time.Minute), cost.Dollars())
}
