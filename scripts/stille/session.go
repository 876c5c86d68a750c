package main

import (
	"bufio"
	"context"
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
	if s.opened != nil {
		return s.opened, nil
	}
	var err error
	if s.opened, err = s.open(ctx, s.options); err == nil && s.opened.found {
		s.say("working on %s; --aws works on AWS", s.opened.where)
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

// remarkPolicy says so where the project at or above the working directory has
// another policy than the deployed one, by which every command answers. The
// local stack has the demo's policy and no other.
func (s *session) remarkPolicy(ctx context.Context, o *operator.Operator) {
	file, found := upwards(s.folder, filepath.Join("infra", names.RetentionFile))
	if !found || s.opened.local {
		return
	}
	deployed, err := o.Config.Policy(ctx)
	if err != nil {
		return // the command itself says so
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return
	}
	if policy, err := retention.LoadPolicy(text); err != nil || policy.Hash() != deployed.Hash() {
		s.say("note: %s is not the deployed policy; this answer goes by the deployed one (hash %s)", file, deployed.Hash())
	}
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
