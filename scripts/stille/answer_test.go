package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"stille/shared/operator"
	"stille/shared/operator/screen"
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
		if utf8.RuneCountInString(line) > screen.Width {
			t.Errorf("a line is wider than %d: %q", screen.Width, line)
		}
	}
}

func TestAListEndsAfterAScreenful(t *testing.T) {
	lines := func(text string, n int) string { return strings.Repeat(text+"\n", n) }
	for name, c := range map[string][2]string{
		"nothing":               {"", ""},
		"a screenful":           {lines("row", screen.Lines), lines("row", screen.Lines)},
		"one line more":         {lines("row", screen.Lines+1), lines("row", screen.Lines) + "1 more lines; --all shows them\n"},
		"without a line's end":  {lines("row", screen.Lines) + "row", lines("row", screen.Lines) + "1 more lines; --all shows them"},
		"a row of two lines":    {"head\n" + lines("row\n    more", screen.Lines), "head\n" + lines("row\n    more", screen.Lines/2-1) + "26 more lines; --all shows them\n"},
		"what stands around it": {"verdict\n\n" + lines("row", 500) + "\nnext: type this\n", "verdict\n\n" + lines("row", screen.Lines) + "476 more lines; --all shows them\n\nnext: type this\n"},
		"two lists":             {lines("row", 20) + "\n" + lines("row", 20), lines("row", 20) + "\n" + lines("row", 20)},
		"one long row":          {"row\n" + lines("    more", 40), "row\n40 more lines; --all shows them\n"},
	} {
		if got := string(screen.Cut([]byte(c[0]))); got != c[1] {
			t.Errorf("%s: it shows\n%s", name, got)
		}
	}
}

func TestAllShowsTheWholeList(t *testing.T) {
	m := inMemory(t)
	for n := range 30 {
		m.run(t, "hold", "set", "--case", fmt.Sprint("C-", n), "--reason", "claim", "--record", "messaging", "sub-1").ended(t, exitDone)
	}
	short, whole := m.run(t, "hold", "list").ended(t, exitDone).out, m.run(t, "hold", "list", "--all").ended(t, exitDone).out
	if !strings.HasPrefix(short, "30 holds stand, 0 are lifted\n") || strings.Count(short, "\n") != screen.Lines+1 || !strings.HasSuffix(short, "8 more lines; --all shows them\n") {
		t.Errorf("it shows\n%s", short)
	}
	if strings.Count(whole, "C-") != 30 || !strings.HasPrefix(whole, strings.Join(strings.SplitAfter(short, "\n")[:screen.Lines], "")) {
		t.Errorf("with --all it shows\n%s", whole)
	}
	if all := answers[operator.HoldList](t, m.run(t, "hold", "list", "--json").ended(t, exitDone))[0]; len(all.Holds) != 30 {
		t.Errorf("in JSON there are %d holds", len(all.Holds))
	}
}

func TestTheFirstLineAnswers(t *testing.T) {
	m := inMemory(t)
	m.run(t, "hold", "set", "--case", "C-17", "--reason", "claim", "--record", "messaging", "sub-1").ended(t, exitDone)
	m.Queue = []operator.Queue{{Name: "drain", Messages: 7}, {Name: "stamp-parked", Messages: 2, Dead: true, URL: "https://sqs/1/stamp-parked"}}
	for args, want := range map[string]string{
		"status":                     "a message is in the dead-letter queue stamp-parked: RUNBOOK.md says what to do about it",
		"queues list":                "2 dead letters, 7 messages on their way",
		"hold list":                  "1 holds stand, 0 are lifted",
		"hold history --case C-17":   "1 events of the case C-17",
		"purge show":                 "no purge ran yet; `stille purge run CLASS` starts one",
		"history email kari@x.no":    "the chain is verified; entries: 0",
		"proof messaging sub-1":      "unknown  messaging has no such record, and no certificate lists one",
		"check email kari@x.example": "send",
	} {
		got := m.run(t, strings.Fields(args)...).out
		if first, _, _ := strings.Cut(got, "\n"); first != want {
			t.Errorf("%s: the first line is %q", args, first)
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
