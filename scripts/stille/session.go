package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/retention"
	"stille/shared/scope"
)

// session is one call of the program. Tests make their own.
type session struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	folder         string // where files are looked for, and above it
	now            func() time.Time
	sleep          func(ctx context.Context, d time.Duration) error
	open           func(ctx context.Context, o options) (*system, error)
	options        options
	opened         *system
}

// system is the stack that the command works on.
func (s *session) system(ctx context.Context) (*system, error) {
	var err error
	if s.opened == nil {
		s.opened, err = s.open(ctx, s.options)
	}
	return s.opened, err
}

// operator carries out the use cases on that stack.
func (s *session) operator(ctx context.Context) (*operator.Operator, error) {
	sys, err := s.system(ctx)
	if err != nil {
		return nil, err
	}
	return sys.operator(s), nil
}

// answer is what a command found out or did: text for people, its JSON form
// for programs.
type answer interface{ text(w io.Writer) }

func (s *session) show(a answer) error {
	out := bufio.NewWriter(s.stdout)
	if s.options.JSON {
		if err := json.NewEncoder(out).Encode(a); err != nil {
			return fmt.Errorf("writing the answer: %w", err)
		}
	} else {
		a.text(out)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}

// say tells the operator something that is not the answer.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.stderr, format+"\n", args...) }

// lines are the given texts or, where there are none, those of standard input,
// one a line.
func (s *session) lines(given []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, text := range given {
			if !yield(text, nil) {
				return
			}
		}
		if len(given) > 0 {
			return
		}
		if isTerminal(s.stdin) {
			s.say("reading standard input, one a line; end it with Ctrl-D")
		}
		in := bufio.NewReader(s.stdin)
		for {
			line, err := in.ReadString('\n')
			if line != "" && !yield(strings.TrimSuffix(line, "\n"), nil) {
				return
			}
			if err == io.EOF {
				return
			}
			if err != nil {
				yield("", fmt.Errorf("reading standard input: %w", err))
				return
			}
		}
	}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}

// policy is the retention policy.
func (s *session) policy() (*retention.Policy, error) {
	return load(s, s.options.Policy, "policy-file", names.RetentionFile, retention.LoadPolicy)
}

// class finds a class of the policy.
func (s *session) class(name string) (retention.Class, *retention.Policy, error) {
	policy, err := s.policy()
	if err != nil {
		return retention.Class{}, nil, err
	}
	class, ok := policy.Class(name)
	if !ok {
		known := make([]string, len(policy.Classes))
		for i, c := range policy.Classes {
			known[i] = c.Name
		}
		return class, policy, usage("the policy has no such class; it has %s", strings.Join(known, ", "))
	}
	return class, policy, nil
}

func (s *session) registry() (*scope.Registry, error) {
	return load(s, s.options.Scopes, "scopes-file", names.ScopesFile, scope.Load)
}

// scope finds a scope by its name: a brand, a topic or "*".
func (s *session) scope(named string) (scope.Scope, error) {
	if scope.Scope(named) == scope.Everywhere {
		return scope.Everywhere, nil
	}
	registry, err := s.registry()
	if err != nil {
		return "", err
	}
	entry, ok := registry.Lookup(scope.Scope(named))
	if !ok {
		return "", usage("there is no such scope; there are %s, and * for all", knownScopes(registry))
	}
	return entry.Scope, nil
}

func knownScopes(registry *scope.Registry) string {
	var known []string
	for _, e := range registry.All() {
		known = append(known, string(e.Scope))
	}
	return strings.Join(known, ", ")
}

// load reads a policy file: the given one, or the project's.
func load[T any](s *session, given, flag, name string, parse func([]byte) (T, error)) (T, error) {
	var none T
	file := given
	if file == "" {
		var found bool
		if file, found = upwards(s.folder, filepath.Join("infra", name)); !found {
			return none, fmt.Errorf("there is no infra/%s at or above the working directory: go to the project, or say --%s FILE", name, flag)
		}
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return none, usage("--%s: there is no such file", flag)
	}
	if err != nil {
		return none, fmt.Errorf("reading --%s: %w", flag, err)
	}
	parsed, err := parse(data)
	if err != nil {
		return none, fmt.Errorf("%s:\n%w", file, err)
	}
	return parsed, nil
}

// upwards finds a file at or above a folder.
func upwards(folder, name string) (string, bool) {
	for {
		file := filepath.Join(folder, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file, true
		}
		if folder == filepath.Dir(folder) {
			return "", false
		}
		folder = filepath.Dir(folder)
	}
}
