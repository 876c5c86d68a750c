// Command stille is the operator's tool for a stack: flags and text around the
// use cases of shared/operator. It promises that it shows no address but the
// addresses that `normalise` is given, and that its exit code says how it ended:
// 0 done, 1 failed, 2 bad usage, 3 halted by the brake, 4 the answer is no. It
// holds no rules.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
	_ "time/tzdata" // retention counts days in zones
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the program at once
	folder, err := os.Getwd()
	if err != nil {
		folder = "." // nothing is found above it, and a command that needs a file says so
	}
	program, err := os.Executable()
	if err != nil {
		program = folder
	}
	code := run(ctx, os.Args[1:], session{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		colour: isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		folder: folder, now: time.Now, sleep: sleep,
		open: func(ctx context.Context, o options) (*stack, error) {
			return connectFrom(ctx, o, folder, filepath.Dir(program), os.Getenv, deployedTables)
		},
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
