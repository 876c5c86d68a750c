package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTablesFitATerminal(t *testing.T) {
	printed := inColumns([][]string{
		{"NAME", "WHERE", "WHY", "WHO"},
		{"å", strings.Repeat("w", 60), "short", absent},
		{"second", "here", strings.Repeat("y", 50), strings.Repeat("o", 40)},
	})
	want := []string{
		"NAME    WHERE", "å       " + strings.Repeat("w", 60), "    why short",
		"second  here", "    why " + strings.Repeat("y", 50), "    who " + strings.Repeat("o", 40), "",
	}
	got := strings.Split(printed, "\n")
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("it prints\n%s", printed)
	}
	for _, line := range got {
		if utf8.RuneCountInString(line) > screenWidth {
			t.Errorf("a line is wider than %d: %q", screenWidth, line)
		}
	}
}

func TestAListEndsAfterAScreenful(t *testing.T) {
	lines := func(text string, n int) string { return strings.Repeat(text+"\n", n) }
	for name, c := range map[string][2]string{
		"nothing":               {"", ""},
		"a screenful":           {lines("row", screenLines), lines("row", screenLines)},
		"one line more":         {lines("row", screenLines+1), lines("row", screenLines) + "1 more lines; --all shows them\n"},
		"without a line's end":  {lines("row", screenLines) + "row", lines("row", screenLines) + "1 more lines; --all shows them"},
		"a row of two lines":    {"head\n" + lines("row\n    more", screenLines), "head\n" + lines("row\n    more", screenLines/2-1) + "26 more lines; --all shows them\n"},
		"what stands around it": {"verdict\n\n" + lines("row", 500) + "\nnext: type this\n", "verdict\n\n" + lines("row", screenLines) + "476 more lines; --all shows them\n\nnext: type this\n"},
		"two lists":             {lines("row", 20) + "\n" + lines("row", 20), lines("row", 20) + "\n" + lines("row", 20)},
		"one long row":          {"row\n" + lines("    more", 40), "row\n40 more lines; --all shows them\n"},
	} {
		if got := string(cutLists([]byte(c[0]))); got != c[1] {
			t.Errorf("%s: it shows\n%s", name, got)
		}
	}
}

func TestVerdictsHaveTheirColours(t *testing.T) {
	got := string(coloured([]byte("send\ndo not send: stop\n\nNAME  STATE\nx     HALTED\n\nnext: type this\n")))
	want := "\x1b[32msend\x1b[39m\n\x1b[31mdo not send\x1b[39m: stop\n\n\x1b[1mNAME  STATE\x1b[0m\nx     \x1b[31mHALTED\x1b[39m\n\n\x1b[1mnext: type this\x1b[0m\n"
	if got != want {
		t.Errorf("it shows %q, want %q", got, want)
	}
}
