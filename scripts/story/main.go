// Command story runs the main job once, from end to end, on the local stack, and
// prints each step with its result: links that silence one channel and not the
// other, records that are deleted on their day and records that stay, and the
// certificates. Each step is checked; the first failure ends the story with exit
// code 1.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"stille/scripts/local"
	"stille/scripts/stackfile"
)

func main() {
	if err := tell(); err != nil {
		fmt.Fprintln(os.Stderr, "story:", err)
		os.Exit(1)
	}
}

func tell() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root, err := local.Root()
	if err != nil {
		return err
	}
	file := filepath.Join(root, stackfile.Path)
	stack, err := stackfile.Read(file)
	if err != nil {
		return err
	}
	s, err := newStory(root, file, stack, os.Stdout)
	if err != nil {
		return err
	}
	return s.tell(ctx)
}
