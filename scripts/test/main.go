// Command test runs the project's tests. Its last line counts the tests that
// passed, failed and were skipped. It exits with 0 only if at least one test
// ran, every test passed and every package compiled. The services that the
// tests need end with the command.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"stille/shared/aws/dynamo/dynamotest"
)

// tags are the build tags of tests that need more than Go: DynamoDB Local, the
// deployed stack, Chromium, the CDK.
const tags = "store,stack,browser,infra"

type command struct {
	Quick    bool     `help:"Only the tests that need no service; the CDK app, which is slow to build, is left out."`
	Packages []string `arg:"" optional:"" help:"Packages to test (default: all)."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c command
	parsed := kong.Parse(&c, kong.Name("test"), kong.Description("Runs the project's tests."))
	counts, err := c.run(ctx, os.Stdout)
	parsed.FatalIfErrorf(err)
	fmt.Println(counts)
	parsed.Exit(counts.exitCode())
}

func (c command) run(ctx context.Context, out io.Writer) (counts, error) {
	environment := os.Environ()
	// Most of a warm run is linking. Without debug information it takes a third less.
	arguments := []string{"test", "-json", "-ldflags=-s"}
	if !c.Quick {
		server, err := dynamotest.Start()
		if err != nil {
			return counts{}, err
		}
		defer server.Stop() //nolint:errcheck // it ends with this process
		environment = append(environment, dynamotest.Endpoint+"="+server.Endpoint)
		// The test cache does not see that a service answers differently.
		arguments = append(arguments, "-tags", tags, "-count=1", "-timeout=20m")
	}
	return goTest(ctx, append(arguments, c.packages()...), environment, out)
}

// packages are those that the command line names, or all.
func (c command) packages() []string {
	switch {
	case len(c.Packages) > 0:
		return c.Packages
	case c.Quick:
		return []string{"./functions/...", "./shared/...", "./scripts/..."}
	}
	return []string{"./..."}
}

// goTest runs the go command and counts the results of its tests. A test that
// failed is in the counts, not in the error.
func goTest(ctx context.Context, arguments, environment []string, out io.Writer) (counts, error) {
	command := exec.CommandContext(ctx, "go", arguments...)
	command.Env = environment
	command.Stderr = os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	events, err := command.StdoutPipe()
	if err != nil {
		return counts{}, fmt.Errorf("running the tests: %w", err)
	}
	if err := command.Start(); err != nil {
		return counts{}, fmt.Errorf("running the tests: %w", err)
	}
	counted, err := tally(events, out)
	waitErr := command.Wait()
	var exit *exec.ExitError
	if errors.As(waitErr, &exit) && counted.failed > 0 {
		waitErr = nil
	}
	return counted, errors.Join(err, waitErr)
}
