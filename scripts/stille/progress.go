package main

import (
	"fmt"
	"strings"
	"time"
)

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

// line shows a line.
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
