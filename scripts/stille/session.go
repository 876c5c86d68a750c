package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"text/template"
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
	colour         bool   // the answer is for a terminal that shows colours
	folder         string // where files are looked for, and above it
	now            func() time.Time
	sleep          func(ctx context.Context, d time.Duration) error
	open           func(ctx context.Context, o options) (*stack, error)
	options        options
	opened         *stack
	texts          *template.Template // of the answers, once one is written
}

// stack is the deployed stack that the command works on, by the session's clock.
func (s *session) stack(ctx context.Context) (*stack, error) {
	if s.opened != nil {
		return s.opened, nil
	}
	on, err := s.open(ctx, s.options)
	if err != nil {
		return nil, err
	}
	if on.found {
		s.say("working on %s; --aws works on AWS", on.Where)
	}
	on.Now, s.opened = s.now, on
	return on, nil
}

// remarkPolicy says so if the project at or above the working directory has
// another policy than the deployed one, by which every command answers. The
// local stack has the demo's policy and no other.
func (s *session) remarkPolicy(ctx context.Context, on *stack) {
	if on.Local {
		return
	}
	policy, err := on.Config.Policy(ctx)
	if err != nil {
		return
	}
	if file, differs := s.otherFile(on, names.RetentionFile, isPolicy(policy)); differs {
		s.say("note: %s is not the deployed policy; this answer goes by the deployed one", file)
	}
}

// otherFile finds a policy file of the project at or above the working directory, and
// tells whether it differs from what is deployed. A file that cannot be read differs;
// without a project, nothing does.
func (s *session) otherFile(on *stack, name string, isDeployed func(text []byte) bool) (file string, differs bool) {
	folder := "infra"
	if on.Local {
		folder = filepath.Join("scripts", "local")
	}
	file, found := findUpwards(s.folder, filepath.Join(folder, name))
	if !found {
		return "", false
	}
	text, err := os.ReadFile(file)
	return file, err != nil || !isDeployed(text)
}

// isPolicy recognises a retention policy.
func isPolicy(deployed *retention.Policy) func(text []byte) bool {
	return func(text []byte) bool {
		policy, err := retention.LoadPolicy(text)
		return err == nil && policy.Hash() == deployed.Hash()
	}
}

// areScopes recognises scopes.
func areScopes(deployed *scope.Registry) func(text []byte) bool {
	return func(text []byte) bool {
		scopes, err := scope.Load(text)
		return err == nil && reflect.DeepEqual(scopes, deployed)
	}
}

// say tells the operator something that is not the answer.
func (s *session) say(format string, args ...any) { fmt.Fprintf(s.stderr, format+"\n", args...) }

// each answers the given texts or, without any, the lines of standard input.
func (s *session) each(given []string, answer func(text string) error) error {
	for _, text := range given {
		if err := answer(text); err != nil {
			return err
		}
	}
	if len(given) > 0 {
		return nil
	}
	if isTerminal(s.stdin) {
		s.say("reading standard input, one a line; end it with Ctrl-D")
	}
	in := bufio.NewReader(s.stdin)
	for mark := "\ufeff"; ; mark = "" { // Windows begins a text with a byte order mark
		line, err := in.ReadString('\n')
		line = strings.TrimPrefix(line, mark)
		if line != "" {
			if err := answer(strings.TrimSuffix(line, "\n")); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
	}
}

// interruptible is a reader that Ctrl-C ends.
type interruptible struct {
	ctx context.Context
	in  io.Reader
}

// Read reads, or returns operator.ErrInterrupted once the context has ended.
func (r interruptible) Read(p []byte) (int, error) {
	type part struct {
		n   int
		err error
	}
	read := make(chan part, 1)
	go func() {
		n, err := r.in.Read(p)
		read <- part{n, err}
	}()
	select {
	case got := <-read:
		return got.n, got.err
	case <-r.ctx.Done():
		return 0, operator.ErrInterrupted
	}
}

func isTerminal(stream any) bool {
	if r, ok := stream.(interruptible); ok {
		stream = r.in
	}
	file, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}

// findUpwards finds a file at or above a folder.
func findUpwards(folder, name string) (string, bool) {
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

const (
	barWidth = 30 // characters
	sayEvery = 30 * time.Second
)

// bar shows how much of something is done.
func bar(done, of int) string {
	filled := barWidth
	if of > 0 {
		filled = barWidth * min(done, of) / of
	}
	return fmt.Sprintf("[%s%s] %d of %d", strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled), done, of)
}

// progress says how far a command is: in a line that is written over on a
// terminal, and else in a line now and then.
type progress struct {
	*session
	terminal bool
	said     time.Time
	since    time.Time // when from was done
	from     int
}

func (s *session) progress() *progress {
	return &progress{session: s, terminal: isTerminal(s.stderr), said: s.now()}
}

// at says how much is done, and how long the rest takes at this speed. of is 0 if
// the whole is not known.
func (p *progress) at(done, of int, what string) {
	if p.since.IsZero() {
		p.since, p.from = p.now(), done
	}
	if fresh := done - p.from; fresh > 0 && of > done {
		left := p.now().Sub(p.since) * time.Duration(of-done) / time.Duration(fresh)
		what += ", " + left.Round(time.Second).String() + " to go"
	}
	switch {
	case p.terminal && of > 0:
		p.line(bar(done, of) + " " + what)
	case of > 0:
		p.line(fmt.Sprintf("%d of %d %s", done, of, what))
	default:
		p.line(fmt.Sprintf("%d %s", done, what))
	}
}

func (p *progress) line(text string) {
	now := p.now()
	switch {
	case p.terminal:
		fmt.Fprint(p.stderr, "\r\x1b[K"+text)
	case now.Sub(p.said) >= sayEvery:
		p.said = now
		p.say("%s", text)
	}
}

// end removes the line that is written over.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.stderr, "\r\x1b[K")
	}
}
