package main

import (
	"fmt"
	"io"
	"os"
)

// replaceFile writes a file that is there whole or, after an error, as it was.
// An error of write's is returned as it is.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	aside := path + ".part"
	file, err := os.OpenFile(aside, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("writing a file: %w", err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(aside)
		}
	}()
	if err := write(file); err != nil {
		return err
	}
	for _, step := range []func() error{file.Sync, file.Close, func() error { return os.Rename(aside, path) }} {
		if err := step(); err != nil {
			return fmt.Errorf("writing a file: %w", err)
		}
	}
	return nil
}
