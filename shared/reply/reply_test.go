package reply_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"stille/shared/reply"
)

type sample struct {
	Name, Text string
	Verdict    reply.Verdict
}

func samples(t testing.TB) []sample {
	t.Helper()
	data, err := os.ReadFile("testdata/replies.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return append(all,
		// What JSON cannot carry.
		sample{"octets that are no text, around it", "\xff\xfe stop \xc3", reply.Stop},
		sample{"octets that are no text, within it", "ST\xffOP", reply.Stop},
		sample{"octets that are no text, only", "\xff\xff", reply.Ignore},
		sample{"octets that are no text, beside a word that lifts", "start\xff", reply.Start},
	)
}

func TestRead(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.Name, func(t *testing.T) {
			if got := reply.Read(s.Text); got != s.Verdict {
				t.Errorf("%+q is %s, want %s", s.Text, got, s.Verdict)
			}
		})
	}
}

// An SMS has 1,600 characters at most, a queue takes more.
func TestTheLongestTextIsRead(t *testing.T) {
	const size = 16 << 10
	for name, text := range map[string]string{
		"one long word":          strings.Repeat("x", size),
		"letters apart":          strings.Repeat("s t o ", size/6),
		"a letter drawn out":     "sto" + strings.Repeat("o", size) + "m",
		"accents without an end": strings.Repeat("\u0336", size/2),
		"many words":             strings.Repeat("lorem ipsum ", size/12),
	} {
		t.Run(name, func(t *testing.T) {
			want := reply.Review
			if reply.Read(text) != reply.Ignore {
				t.Error("by itself it is not ignored")
			}
			if name == "accents without an end" {
				want = reply.Stop
			}
			if got := reply.Read(text + " stop"); got != want {
				t.Errorf("it is %s, want %s", got, want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.Text, "takk", "stop")
	}
	f.Add("opt", "thank you", "out")
	f.Add("un", "nå", "Abmelden")
	f.Add("a\u0308", "Bitte,", "MELD AV")
	f.Fuzz(func(t *testing.T, text, polite, keyword string) {
		got := reply.Read(text)
		if again := reply.Read(reply.Plain(text)); again != got {
			t.Errorf("%+q is %s, written plainly %s", text, got, again)
		}
		for _, variant := range []string{strings.ToUpper(text), " " + text + "\n", text + "!", "\u200b" + text} {
			if reply.Plain(variant) == reply.Plain(text) && reply.Read(variant) != got {
				t.Errorf("%+q is %s, %+q is %s", text, got, variant, reply.Read(variant))
			}
		}
		if reply.Read(polite) == reply.Ignore && isPolite(polite) && got == reply.Stop {
			for _, nicer := range []string{polite + " " + text, text + " " + polite, polite + ", " + text + ". " + polite + "!"} {
				if v := reply.Read(nicer); v != reply.Stop {
					t.Errorf("%+q is stop, %+q is %s", text, nicer, v)
				}
			}
		}
		if reply.Read(keyword) != reply.Stop {
			return
		}
		for _, more := range []string{text + " " + keyword, keyword + " " + text, text + " " + keyword + "\n" + text} {
			if v := reply.Read(more); v != reply.Stop && v != reply.Review {
				t.Errorf("%+q opts out, %+q is %s", keyword, more, v)
			}
		}
	})
}

func isPolite(text string) bool {
	switch text {
	case "takk", "tack", "tak", "thanks", "thank you", "please", "pls", "vennligst", "nå", "now", "kiitos", "danke", "bitte":
		return true
	}
	return false
}
