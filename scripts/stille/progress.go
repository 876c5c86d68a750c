package main

import (
	"fmt"
	"strings"
	"time"
)

// barWidth is in characters.
const barWidth = 30

// bar shows how much of something is done.
func bar(done, of int) string {
	filled := barWidth
	if of > 0 {
		filled = barWidth * min(done, of) / of
	}
	return fmt.Sprintf("[%s%s] %d of %d", strings.Repeat("#", filled), strings.Repeat(".", barWidth-filled), done, of)
}

// progress says how far a command has come: in a bar that is written over on a
// terminal, else in a line now and then.
type progress struct {
	*session
	terminal bool
	said     time.Time
}

func (s *session) progress() *progress {
	return &progress{session: s, terminal: isTerminal(s.stderr), said: s.now()}
}

// at says that so much is done. What all of it is may not be known: 0.
func (p *progress) at(done, of int, what string) {
	now := p.now()
	switch {
	case p.terminal && of > 0:
		fmt.Fprintf(p.stderr, "\r\x1b[K%s %s", bar(done, of), what)
	case p.terminal:
		fmt.Fprintf(p.stderr, "\r\x1b[K%d %s", done, what)
	case now.Sub(p.said) >= sayEvery && of > 0:
		p.said = now
		p.say("%d of %d %s", done, of, what)
	case now.Sub(p.said) >= sayEvery:
		p.said = now
		p.say("%d %s", done, what)
	}
}

// end takes away the line that is written over.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(p.stderr, "\r\x1b[K")
	}
}
