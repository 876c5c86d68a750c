package apitest

import (
	"errors"
	"os"
	"path/filepath"
)

// root returns the folder of the repository: the nearest one above the working
// directory that has a go.mod.
func root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, err = os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("no go.mod above the working directory")
		}
		dir, err = filepath.Dir(dir), nil
	}
	return "", err
}
