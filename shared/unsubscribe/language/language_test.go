package language_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"stille/shared/scope"
	"stille/shared/unsubscribe/language"
)

func TestWishesOfRealReadersAreUnderstood(t *testing.T) {
	data, err := os.ReadFile("testdata/languages.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		fields := strings.Split(line, "\t")
		t.Run(fields[0]+" "+fields[1], func(t *testing.T) {
			got, want := language.Best(fields[1]), fields[2]
			if got == "" && fields[0] == "header" {
				got = scope.DefaultLanguage
			}
			if want == "as without lang" {
				want = ""
			}
			if got != want {
				t.Errorf("%q is chosen, want %q", got, want)
			}
		})
	}
}

func TestOddFormsAreUnderstood(t *testing.T) {
	for wishes, want := range map[string]string{
		"NB_no": "nb", " nn ": "nn", "de_DE@euro": "de", "no-NO;q=0.5, sv;q=0.4": "nb", "zz-zz,,;;,da;q=0.1": "da",
		"nb;q=0,nn;q=0.1": "nn", "*,lt;q=0.3": "lt", "en;q=0.2;level=1,fi;q=0.1": "fi", "EN": "en", "nb-NO-x-private": "nb",
		"nno": "nn", "no-nyn": "nn", "nor": "nb", "deu": "de", "gsw": "de", "nb-SJ": "nb", "nb.UTF-8": "nb", "nb;q=,sv": "sv", "nb;q,sv": "sv", "nb:q=0.8,da": "da",
		"nb;q=NaN,sv;q=0.1": "sv", "da;q=.5,sv;q=.4": "da", "da;q=0.999,sv;q=1.000": "sv", "nb;Q=0.8,sv;q=0.9": "sv", "nb;Q=0.8": "nb", "NB;Q=0.8,sv;q=0.7": "nb", "nb;q=-1,fi;q=0.5": "fi", "\"nb\",fi": "fi", "  ,,nb": "nb",
		"is,da": "da", "et,fi": "fi", "lv,lt": "lt", "fr,de-AT;q=0.3": "de", "es,it,pt": "", "norsk": "", "null": "", "undefined": "", "*": "",
		"klingon,fi": "fi", "C": "", "POSIX": "", "zh": "", "\x00": "", "de;q=0": "", strings.Repeat("a,", 50_000): "",
	} {
		if got := language.Best(wishes); got != want {
			t.Errorf("%.40q gives %q, want %q", wishes, got, want)
		}
	}
}

func FuzzBest(f *testing.F) {
	f.Add("nb-NO,nb;q=0,9", "fi")
	f.Add("xx;q=high", "nn")
	f.Fuzz(func(t *testing.T, wishes, odd string) {
		got := language.Best(wishes)
		if got != "" && !slices.Contains(scope.Languages(), got) {
			t.Errorf("%q gives %q", wishes, got)
		}
		// An element that cannot be read changes nothing.
		if !strings.ContainsAny(odd, ",") {
			if again := language.Best(wishes + ",!" + odd); again != got {
				t.Errorf("%q gives %q, with an odd element %q", wishes, got, again)
			}
		}
	})
}
