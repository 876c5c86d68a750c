package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSMSReplyPrintsWhatAReplyDoes(t *testing.T) {
	for _, c := range []struct {
		name, stdin string
		args        []string
		out         string
	}{
		{name: "one word a text", args: []string{"Stopp!", "START", "hjelp", "please don't stop", "Ja", ""}, out: "stop\nstart\nhelp\nreview\nignore\nignore\n"},
		{name: "standard input, an empty line too, and a last one without an end", stdin: "STOP\n\nstop takk\r\nthank you", out: "stop\nignore\nstop\nignore\n"},
		{name: "nothing from nothing"},
		{name: "line ends within a text", args: []string{"STOP\n\nKari"}, out: "review\n"},
		{name: "texts that begin with a dash, behind --", args: []string{"--", "-stop-", "--json"}, out: "stop\nignore\n"},
		{name: "not UTF-8", stdin: "stop\xff\n", out: "stop\n"},
		{name: "JSON", args: []string{"--json", "Stop", "ja"}, out: `{"reply":"stop"}` + "\n" + `{"reply":"ignore"}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := call{stdin: c.stdin}.run(t, append([]string{"sms-reply"}, c.args...)...).ended(t, exitDone)
			if diff := cmp.Diff([]string{c.out, ""}, []string{got.out, got.errors}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
