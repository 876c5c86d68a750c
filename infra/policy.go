package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"stille/shared/environment"
	"stille/shared/names"
)

// areBuiltInto returns an error where a built function carries another policy than
// these files: its tables would not be the stack's.
func areBuiltInto(dist, shown string, files environment.Files) error {
	for _, name := range []string{names.RetentionFile, names.ScopesFile} {
		built, err := filepath.Glob(filepath.Join(dist, "*", name))
		if err != nil {
			return err
		}
		for _, file := range built {
			content, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if !bytes.Equal(content, files.Content[name]) {
				return fmt.Errorf("the functions in dist were built with another %s: build them again with POLICY=%s", filepath.Join(shown, name), shown)
			}
		}
	}
	return nil
}
