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

// policyFiles are what one folder says about classes and scopes.
type policyFiles struct {
	folder  string
	content map[string][]byte // by the file's name
	policy  *retention.Policy
	scopes  *scope.Registry
}

// readPolicyFiles reads retention.yaml and scopes.yaml of a folder. Its error names
// every mistake with its file and line.
func readPolicyFiles(folder string) (policyFiles, error) {
	p := policyFiles{folder: folder, content: map[string][]byte{}}
	for _, name := range []string{names.RetentionFile, names.ScopesFile} {
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return p, err
		}
		p.content[name] = content
	}
	var wrongPolicy, wrongScopes error
	if p.policy, wrongPolicy = retention.LoadPolicy(p.content[names.RetentionFile]); wrongPolicy != nil {
		wrongPolicy = fmt.Errorf("%s: %w", p.name(names.RetentionFile), wrongPolicy)
	}
	if p.scopes, wrongScopes = scope.Load(p.content[names.ScopesFile]); wrongScopes != nil {
		wrongScopes = fmt.Errorf("%s: %w", p.name(names.ScopesFile), wrongScopes)
	}
	return p, errors.Join(wrongPolicy, wrongScopes)
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

// name is a file's name as seen from the project's folder.
func (p policyFiles) name(file string) string { return filepath.Join("infra", p.folder, file) }
