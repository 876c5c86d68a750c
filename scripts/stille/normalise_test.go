package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNormalisePrintsTheContactOrWhyNot(t *testing.T) {
	for _, c := range []struct {
		name, stdin string
		args        []string
		out         string
	}{
		{name: "an e-mail address", args: []string{"email", " Kari@Example.NO "}, out: "ok kari@example.no\n"},
		{name: "one line an address, the bad ones too", args: []string{"email", "kari", "", "kari@example.no"},
			out: "invalid no @\ninvalid no @\nok kari@example.no\n"},
		{name: "standard input, an empty line too, and a last one without an end", args: []string{"email"},
			stdin: "kari@example.no\n\nola@example.no\r\nper@example.no",
			out:   "ok kari@example.no\ninvalid no @\nok ola@example.no\nok per@example.no\n"},
		{name: "nothing from nothing", args: []string{"email"}},
		{name: "a number with a country", args: []string{"sms", "+47 912 34 567", "004791234567"}, out: "ok +4791234567\nok +4791234567\n"},
		{name: "a number with a region", args: []string{"sms", "--region", "NO", "912 34 567"}, out: "ok +4791234567\n"},
		{name: "a region in front of the channel", args: []string{"--region", "no", "sms", "912 34 567"}, out: "ok +4791234567\n"},
		{name: "a number without either", args: []string{"sms", "912 34 567"}, out: "invalid a number without + or 00 needs a region\n"},
		{name: "an address that begins with a dash, behind --", args: []string{"email", "--", "-a@example.no", "--", "--json"},
			out: "ok -a@example.no\ninvalid no @\ninvalid no @\n"},
		{name: "-- between addresses", args: []string{"email", "a@example.no", "--", "-b@example.no"},
			out: "ok a@example.no\nok -b@example.no\n"},
		{name: "not UTF-8", args: []string{"email"}, stdin: "\xff@example.no\n", out: "invalid not UTF-8\n"},
		{name: "JSON", args: []string{"email", "--json", "Kari@example.no", "kari"},
			out: `{"ok":true,"normalised":"kari@example.no"}` + "\n" + `{"ok":false,"why":"no @"}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := call{stdin: c.stdin}.run(t, append([]string{"normalise"}, c.args...)...).ended(t, exitDone)
			if diff := cmp.Diff([]string{c.out, ""}, []string{got.out, got.errors}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNormaliseAnswersEveryLineWithOneLine(t *testing.T) {
	lines := rapid.SliceOf(rapid.StringMatching("[ -~æ\t\r\x00\u202e]{0,20}(@example\\.no)?"))
	rapid.Check(t, func(r *rapid.T) {
		input := lines.Draw(r, "lines")
		channel := rapid.SampledFrom([]string{"email", "sms"}).Draw(r, "channel")
		got := call{stdin: strings.Join(append(input, ""), "\n")}.run(t, "normalise", channel, "--region=NO").ended(t, exitDone)
		answered := strings.Split(got.out, "\n")
		if len(answered) != len(input)+1 {
			r.Fatalf("%d lines answer %d", len(answered)-1, len(input))
		}
		for _, line := range answered[:len(input)] {
			if !strings.HasPrefix(line, "ok ") && !strings.HasPrefix(line, "invalid ") {
				r.Fatalf("answered %q", line)
			}
		}
	})
}
