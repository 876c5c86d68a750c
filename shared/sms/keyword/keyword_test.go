package keyword_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"stille/shared/sms/keyword"
)

type sample struct {
	Name, Text string
	Verdict    keyword.Verdict
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
		sample{"octets that are no text, around it", "\xff\xfe stop \xc3", keyword.Stop},
		sample{"octets that are no text, within it", "ST\xffOP", keyword.Stop},
		sample{"octets that are no text, only", "\xff\xff", keyword.Ignore},
		sample{"octets that are no text, beside a word that lifts", "start\xff", keyword.Start},
	)
}

func TestRead(t *testing.T) {
	for _, s := range samples(t) {
		t.Run(s.Name, func(t *testing.T) {
			if got := keyword.Read(s.Text); got != s.Verdict {
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
			want := keyword.Review
			if keyword.Read(text) != keyword.Ignore {
				t.Error("by itself it is not ignored")
			}
			if name == "accents without an end" {
				want = keyword.Stop
			}
			if got := keyword.Read(text + " stop"); got != want {
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
	f.Fuzz(func(t *testing.T, text, polite, word string) {
		got := keyword.Read(text)
		if again := keyword.Read(keyword.Plain(text)); again != got {
			t.Errorf("%+q is %s, written plainly %s", text, got, again)
		}
		for _, variant := range []string{strings.ToUpper(text), " " + text + "\n", text + "!", "\u200b" + text} {
			if keyword.Plain(variant) == keyword.Plain(text) && keyword.Read(variant) != got {
				t.Errorf("%+q is %s, %+q is %s", text, got, variant, keyword.Read(variant))
			}
		}
		if keyword.Read(polite) == keyword.Ignore && isPolite(polite) && got == keyword.Stop {
			for _, nicer := range []string{polite + " " + text, text + " " + polite, polite + ", " + text + ". " + polite + "!"} {
				if v := keyword.Read(nicer); v != keyword.Stop {
					t.Errorf("%+q is stop, %+q is %s", text, nicer, v)
				}
			}
		}
		if keyword.Read(word) != keyword.Stop {
			return
		}
		for _, more := range []string{text + " " + word, word + " " + text, text + " " + word + "\n" + text} {
			if v := keyword.Read(more); v != keyword.Stop && v != keyword.Review {
				t.Errorf("%+q opts out, %+q is %s", word, more, v)
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
