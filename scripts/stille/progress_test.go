package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProgressIsABarOnATerminalOnly(t *testing.T) {
	const clear = "\r\x1b[K"
	for name, c := range map[string]struct {
		terminal bool
		of       int
		want     string
	}{
		"a terminal": {true, 8, clear + "[" + strings.Repeat("#", 15) + strings.Repeat(".", 15) + "] 4 of 8 lines" +
			clear + "[" + strings.Repeat("#", 30) + "] 9 of 8 lines" + clear},
		"a terminal, total unknown": {true, 0, clear + "4 lines" + clear + "9 lines" + clear},
		"a file":                    {false, 8, "9 of 8 lines\n"},
		"a file, total unknown":     {false, 0, "9 lines\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			now := at
			p := progress{session: &session{stderr: &said, now: func() time.Time { return now }}, terminal: c.terminal, said: at}
			p.at(4, c.of, "lines")
			now = now.Add(sayEvery)
			p.at(9, c.of, "lines")
			p.end()
			if diff := cmp.Diff(c.want, said.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestProgressTellsTheTimeToGo(t *testing.T) {
	var said strings.Builder
	now := at
	p := progress{session: &session{stderr: &said, now: func() time.Time { return now }}, said: at}
	p.at(1000, 3000, "lines") // done by an earlier try
	now = now.Add(sayEvery)
	p.at(1500, 3000, "lines")
	if want := "1500 of 3000 lines, 1m30s to go\n"; said.String() != want {
		t.Errorf("it says %q, want %q", said.String(), want)
	}
}
