// Command bench measures what our code adds to the plain thing it is built on.
// It runs every Go benchmark that has the two sub-benchmarks "ours" and "raw"
// and prints one line for each: how many times as long ours takes, the median
// over several rounds, so that what else the machine does weighs on both.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"stille/shared/dynamo/dynamotest"
)

// rounds is odd, so that there is a median.
const rounds = 5

type command struct{}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	parsed := kong.Parse(&command{}, kong.Name("bench"), kong.Description("Measures ours against the plain thing."))
	parsed.FatalIfErrorf(run(ctx))
}

func run(ctx context.Context) error {
	packages, err := withBenchmarks(".")
	if err != nil {
		return err
	}
	server, err := dynamotest.Start()
	if err != nil {
		return err
	}
	defer server.Stop() //nolint:errcheck // it ends with this process anyway
	var measured []figure
	for i := range 1 + rounds {
		output, err := round(ctx, packages, server.Endpoint)
		if err != nil {
			return err
		}
		if i > 0 { // the first one warms DynamoDB Local up
			measured = append(measured, parse(output)...)
		}
	}
	for _, line := range summarise(measured) {
		fmt.Println(line)
	}
	return nil
}

// round runs each benchmark once. Only what has a plain thing beside it.
func round(ctx context.Context, packages []string, endpoint string) (string, error) {
	arguments := append([]string{"test", "-tags", "store", "-run", "^$", "-bench", "./^(ours|raw)$", "-count", "1", "-p", "1"}, packages...)
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Env = append(os.Environ(), dynamotest.Endpoint+"="+endpoint)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("running the benchmarks: %w\n%s", err, output)
	}
	return string(output), nil
}
