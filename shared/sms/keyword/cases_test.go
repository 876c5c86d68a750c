package keyword_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"stille/shared/sms/keyword"
)

// corpus reads a table of testdata: a text, a tab, what it does.
func corpus(t testing.TB, file string) [][2]string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var all [][2]string
	for _, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")[1:] {
		text, want, found := strings.Cut(line, "\t")
		if !found {
			t.Fatalf("%s: %q has no tab", file, line)
		}
		all = append(all, [2]string{text, want})
	}
	return all
}

// Each keyword and stem is a no however it is mistyped; the rule must not know more.
func TestMistypedKeywordsAreReviewed(t *testing.T) {
	for _, word := range []string{"stop", "stopp", "quit", "cancel", "revoke", "remove", "optout", "unsubscribe", "avslutt", "avmeld", "slutt", "avregistrera", "afmeld", "frameld", "lopeta", "abmelden", "atsisakyti",
		"stoppe", "stoppen", "slutte", "avslutte", "avsluta", "avmelding", "avbestill", "afmelding", "framelding", "abbestellen", "abmeldung", "peruuta", "lopettakaa", "stabdyti", "nustokite"} {
		for i := range word {
			doubled := word[:i+1] + word[i:]
			ways := []string{doubled}
			if i > 0 {
				ways = append(ways, word[:i]+word[i+1:], word[:i-1]+word[i:i+1]+word[i-1:i]+word[i+1:])
			}
			for _, way := range ways {
				if got := keyword.Read(way); got != keyword.Review && got != keyword.Stop {
					t.Errorf("%s for %s is %s", way, word, got)
				}
			}
		}
	}
	for _, other := range []string{"shop", "stap", "atop", "top", "topp", "step", "quilt", "quiet", "cancer", "remote", "evoke", "hopp"} {
		if got := keyword.Read(other); got != keyword.Ignore {
			t.Errorf("%s is another word and is %s", other, got)
		}
	}
}

// The longest text must not hold up the replies behind it.
func BenchmarkRead(b *testing.B) {
	for name, text := range map[string]string{"keyword": "STOP", "chatter": "Kan jeg komme klokka 5?", "longest": strings.Repeat("ikke send lorem ", 1000)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				keyword.Read(text)
			}
		})
	}
}

func TestRepliesOfRealPeopleAreRead(t *testing.T) {
	for _, file := range []string{"replies.tsv", "more-replies.tsv"} {
		for i, c := range corpus(t, file) {
			t.Run(fmt.Sprint(file, " line ", i+2), func(t *testing.T) {
				got := keyword.Read(c[0])
				if want := keyword.Verdict(c[1]); got != want && (got != keyword.Stop || want != keyword.Review) {
					t.Errorf("%q is %s, want %s", c[0], got, want)
				}
			})
		}
	}
}
