package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"stille/shared/names"
	"stille/shared/retention"
	"stille/shared/scope"
)

// lockFile remembers every scope that was ever deployed.
const lockFile = "scopes.lock"

// policyFiles are what one folder says about classes and scopes.
type policyFiles struct {
	folder  string
	content map[string][]byte // by the file's name
	policy  *retention.Policy
	newLock []byte
}

// readPolicyFiles reads retention.yaml, scopes.yaml and scopes.lock of a folder.
// Its error names every mistake with its file and line.
func readPolicyFiles(folder string) (policyFiles, error) {
	p := policyFiles{folder: folder, content: map[string][]byte{}}
	// A lost lock would let ids be used again, so a missing lock is an error.
	for _, name := range []string{names.RetentionFile, names.ScopesFile, lockFile} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return p, err
		}
		p.content[name] = content
	}
	var err error
	if p.policy, err = retention.LoadPolicy(p.content[names.RetentionFile]); err != nil {
		err = fmt.Errorf("%s: %w", p.name(names.RetentionFile), err)
	}
	return p, errors.Join(err, p.readScopes())
}

// readScopes checks the scopes against the scopes that were deployed before.
func (p *policyFiles) readScopes() error {
	registry, err := scope.Load(p.content[names.ScopesFile])
	if err != nil {
		return fmt.Errorf("%s: %w", p.name(names.ScopesFile), err)
	}
	if p.newLock, err = scope.CheckLock(p.content[lockFile], registry); err != nil {
		return fmt.Errorf("%s: %w\nIf no link of such a scope was ever sent, delete its line in %[1]s.", p.name(lockFile), err) //nolint:revive,staticcheck // two sentences
	}
	return nil
}

// areBuiltInto returns an error where a built function carries another policy
// than these files: its tables would not be the stack's.
func (p policyFiles) areBuiltInto(dist string) error {
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
			if !bytes.Equal(content, p.content[name]) {
				return fmt.Errorf("the functions in dist were built with another %s: build them again with POLICY=%s", p.name(name), filepath.Dir(p.name(name)))
			}
		}
	}
	return nil
}

// saveLock adds the new scopes to the lock.
func (p policyFiles) saveLock() error {
	if bytes.Equal(p.content[lockFile], p.newLock) {
		return nil
	}
	return os.WriteFile(filepath.Join(p.folder, lockFile), p.newLock, 0o600)
}

// name is a file's name as seen from the project's folder.
func (p policyFiles) name(file string) string { return filepath.Join("infra", p.folder, file) }
