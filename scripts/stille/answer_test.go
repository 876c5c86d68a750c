package main

import (
	"fmt"
	"strings"
	"testing"

	"stille/shared/operator"
	"stille/shared/operator/screen"
)

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
