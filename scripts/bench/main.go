// Command bench measures what our code adds to the plain thing it is built on,
// one line a figure. A ratio is ours over raw: the time (or size) ours takes
// for each that the plain thing takes, so that 1 is as good as it gets and
// less is better.
//
//	go run ./scripts/bench          everything: pairs, purge, memory, start, tokens, sizes
//	go run ./scripts/bench tokens   random and altered tokens only
//
// Pairs are Go benchmarks with the two sub-benchmarks "ours" and "raw"; their
// ratio is the median over several rounds.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type command struct {
	All    all    `cmd:"" default:"1" help:"Every figure."`
	Pairs  only   `cmd:"" help:"The benchmarks with a plain thing beside them."`
	Start  start  `cmd:"" help:"From the start of the process to the first answer."`
	Purge  once   `cmd:"" help:"What a purge consumes, and how that follows what is due."`
	Memory memory `cmd:"" help:"What the steps of a small and a large purge take."`
	Sizes  size   `cmd:"" help:"The functions' binaries; exit 1 where one is too large."`
	Tokens tokens `cmd:"" help:"Random and altered tokens against the links' doors; exit 1 where one opens."`
}

type (
	all    struct{}
	only   struct{}
	start  struct{}
	once   struct{}
	memory struct{}
	size   struct{}
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed := kong.Parse(&command{}, kong.Name("bench"), kong.Description("Measures ours against the plain thing."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	parsed.FatalIfErrorf(parsed.Run())
}

// Run measures everything there is.
func (all) Run(ctx context.Context) error {
	for _, measure := range []func(context.Context) error{
		only{}.Run, once{}.Run, memory{}.Run, start{}.Run, tokens{Tries: defaultTries}.Run, size{}.Run,
	} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Run measures the pairs.
func (only) Run(ctx context.Context) error {
	lines, err := pairs(ctx)
	return printed(lines, err)
}

// Run measures the start.
func (start) Run(ctx context.Context) error {
	line, err := startUp(ctx)
	if err != nil {
		return err
	}
	return printed([]string{line}, nil)
}

// Run measures what is measured once.
func (once) Run(ctx context.Context) error {
	lines, err := purgeLines(ctx)
	return printed(lines, err)
}

// Run measures the memory.
func (memory) Run(ctx context.Context) error {
	lines, err := memoryLines(ctx)
	return printed(lines, err)
}

// Run measures the sizes.
func (size) Run(ctx context.Context) error {
	lines, err := sizes(ctx)
	return printed(lines, err)
}

func printed(lines []string, err error) error {
	for _, line := range lines {
		fmt.Println(line)
	}
	return err
}
