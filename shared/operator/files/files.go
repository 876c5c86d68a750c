// Package files reads and writes the files of the operator's use cases: lists of
// contacts, the log of an import, certificates. An error never repeats what
// stands in a file of contacts.
package files

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"stille/shared/operator"
)

// Replace replaces a file, through a buffer. After an error the file is as it was. An
// error of write is returned as it is.
func Replace(path string, write func(io.Writer) error) (err error) {
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
	buffer := bufio.NewWriter(file)
	if err := write(buffer); err != nil {
		return err
	}
	for _, step := range []func() error{buffer.Flush, file.Sync, file.Close, func() error { return os.Rename(aside, path) }} {
		if err := step(); err != nil {
			return fmt.Errorf("writing a file: %w", err)
		}
	}
	return nil
}

func replaceBy(path string, content []byte) error {
	return Replace(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// Beside names a file that belongs to another: list.csv and clean make
// list.clean.csv.
func Beside(name, what string) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + what + ext
}

// Check returns nil, or a Mistake where there is no file of the name.
func Check(name string) error {
	switch info, err := os.Stat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return operator.Mistakef("there is no such file")
	case err == nil && info.IsDir():
		return operator.Mistakef("it is a folder, not a file")
	}
	return nil
}

// Open opens a file for reading.
func Open(name string) (*os.File, error) {
	if err := Check(name); err != nil {
		return nil, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the file: %w", err)
	}
	return file, nil
}

// Read reads a whole file.
func Read(name string) ([]byte, error) {
	file, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("reading the file: %w", err)
	}
	return content, nil
}

// Write writes a file and makes its folder.
func Write(path string, content []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	return nil
}
