//go:build browser

package pages_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"stille/shared/unsubscribe/pages/pagetest"
)

// renew makes TestPicturesShowThePages take the pictures of the documents.
var renew = flag.Bool("renew-pictures", false, "take the documents' pictures of the pages")

// The folder pictures holds the screenshots that the documents show, and in
// pages.txt the hash of the page that each of them shows. A page that changed
// fails here until `make pictures` was run.
func TestPicturesShowThePages(t *testing.T) {
	const folder, known = "pictures", "pages.txt"
	write := func(file string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := site(t)
	b := pagetest.Open(t, serve(t, all))
	var shown strings.Builder
	for _, p := range []struct{ file, page, scheme string }{
		{"ask-light.png", "/en/ask", "light"}, {"ask-dark.png", "/en/ask", "dark"}, {"stands-light.png", "/en/stands", "light"},
	} {
		fmt.Fprintf(&shown, "%x  %s\n", sha256.Sum256([]byte(all[p.page].Body)), p.file)
		if *renew {
			b.Visit(t, p.page)
			b.Look(t, 480, p.scheme)
			write(p.file, pagetest.Ask(t, b, chromedp.FullScreenshot(100)))
		}
	}
	if *renew {
		write(known, []byte(shown.String()))
	}
	want, err := os.ReadFile(filepath.Join(folder, known))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), shown.String()); diff != "" {
		t.Errorf("the pages are not the pictured ones, run `make pictures` (-pictured +now):\n%s", diff)
	}
}
