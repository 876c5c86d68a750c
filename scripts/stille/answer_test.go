package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTablesFitATerminal(t *testing.T) {
	var b strings.Builder
	table := newTable(&b, "NAME", "WHERE", "WHY", "WHO")
	table.row("å", strings.Repeat("w", 60), "short", "")
	table.row("second", "here", strings.Repeat("y", 50), strings.Repeat("o", 40))
	table.end()
	want := []string{
		"NAME    WHERE", "å       " + strings.Repeat("w", 60), "    why short",
		"second  here", "    why " + strings.Repeat("y", 50), "    who " + strings.Repeat("o", 40), "",
	}
	got := strings.Split(b.String(), "\n")
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("it prints\n%s", b.String())
	}
	for _, line := range got {
		if utf8.RuneCountInString(line) > tableWidth {
			t.Errorf("a line is wider than %d: %q", tableWidth, line)
		}
	}
}

func TestATerminalShowsVerdictsInColour(t *testing.T) {
	for colour, want := range map[bool]string{true: "\x1b[32msend\x1b[39m\n", false: "send\n"} {
		var out strings.Builder
		code := run(t.Context(), []string{"check", "email", "kari@example.no"}, session{stdout: &out, stderr: &out, colour: colour, opened: inMemory(t).stack()})
		if out.String() != want || code != exitDone {
			t.Errorf("it prints %q, want %q", out.String(), want)
		}
	}
}
