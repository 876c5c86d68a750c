// Package local runs the whole system on this machine: it starts MiniStack,
// deploys to MiniStack with the real CDK, and writes down where everything is. Every
// server listens on the loopback address only. The package ends only processes that
// it started. Stacks in different places share nothing, so tests run beside a stack
// that is in use.
package local

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"stille/scripts/stackfile"
)

// A Place is where a stack runs: its folder, its port and its lifetime.
type Place struct {
	Root   string // the project's folder, absolute
	Folder string // everything this stack writes, absolute
	File   string // the stack file, absolute
	Port   int    // of MiniStack, on 127.0.0.1

	// Tables are the names of tables that were restored, by the tables' ids.
	Tables map[string]string

	// Lasting stacks outlive the process that starts them and keep their data
	// over a restart. Other stacks end with that process and keep nothing.
	Lasting bool

	// Enforcing stacks enforce the rights of roles, as AWS does. Other stacks let
	// every role do everything.
	Enforcing bool
}

// Lasting is the place of the stack of `make run`.
func Lasting(root string, port int) Place {
	return Place{
		Root:    root,
		Folder:  filepath.Join(root, ".local", "run"),
		File:    filepath.Join(root, stackfile.Path),
		Port:    port,
		Lasting: true,
	}
}

// Passing makes a place for a stack that tests start: a new folder and a free port.
// Down removes the folder.
func Passing(root string) (Place, error) {
	parent := filepath.Join(root, ".local")
	if err := os.MkdirAll(parent, 0o750); err != nil {
		return Place{}, fmt.Errorf("making a place for a stack: %w", err)
	}
	if err := sweep(parent); err != nil {
		return Place{}, fmt.Errorf("making a place for a stack: %w", err)
	}
	folder, err := os.MkdirTemp(parent, "test-")
	if err != nil {
		return Place{}, fmt.Errorf("making a place for a stack: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return Place{}, fmt.Errorf("making a place for a stack: %w", err)
	}
	return Place{Root: root, Folder: folder, File: filepath.Join(folder, "stack.json"), Port: port}, nil
}

// sweep removes the folders of passing stacks that were killed.
func sweep(parent string) error {
	records, err := filepath.Glob(filepath.Join(parent, "test-*", processFile))
	if err != nil {
		return err
	}
	for _, record := range records {
		if p, found := readProcess(record); found && p.runs() {
			continue
		}
		if err := os.RemoveAll(filepath.Dir(record)); err != nil {
			return err
		}
	}
	return nil
}

// Root is the project's folder: the folder of go.mod, at or above the working
// directory.
func Root() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the project's folder: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", errors.New("finding the project's folder: no go.mod at or above the working directory")
		}
		folder = filepath.Dir(folder)
	}
}

func (p Place) endpoint() string { return address(p.Port) }

func (p Place) path(elements ...string) string {
	return filepath.Join(append([]string{p.Folder}, elements...)...)
}

// tool is the path of a program that scripts/setup installed.
func (p Place) tool(elements ...string) string {
	return filepath.Join(append([]string{p.Root, ".local"}, elements...)...)
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func isFree(port int) bool {
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	_ = listener.Close()
	return true
}
