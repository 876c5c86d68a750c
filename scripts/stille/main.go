// Command stille is the operator's hand on a stack: what is due and what an
// address is taken for, the suppression list, the purges with their holds and
// certificates, and the tools' API keys. It promises that it shows no address
// but the ones that `normalise` is asked about, and that its exit code tells
// how it went: 0 done, 1 failed, 2 bad usage, 3 halted by the brake. It holds
// no rules: the domain decides, as it does in the functions.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // retention counts days in zones
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	folder, err := os.Getwd()
	if err != nil {
		folder = "." // no file is found above it, and what needs one says so
	}
	code := run(ctx, os.Args[1:], session{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		folder: folder, now: time.Now, sleep: sleep,
		open: func(ctx context.Context, o options) (*stack, error) { return connect(ctx, o, folder, os.Getenv) },
	})
	stop()
	os.Exit(code)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
