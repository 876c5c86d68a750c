//go:build browser

package files_test

import (
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"stille/shared/operator"
	"stille/shared/unsubscribe/pages/pagetest"
)

// judged has axe judge the page, and adds whether the page is wider than the screen.
const judged = `axe.run(document, {resultTypes: ['violations']}).then(result =>
  (result.passes.length === 0 ? ['axe looked at too little'] : result.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.target.join(' '))))
    .concat(document.documentElement.scrollWidth > innerWidth ? ['it is wider than the screen'] : []))`

func TestReportIsAccessible(t *testing.T) {
	axe, err := os.ReadFile("../../../.local/npm/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{"/whole": page(t, november()), "/empty": page(t, &operator.Report{Month: "2026-11"})}
	b := pagetest.Open(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if _, err := io.WriteString(w, shown[r.URL.Path]); err != nil {
			t.Error(err)
		}
	}))
	for path := range shown {
		if got := b.Visit(t, path); got != "Opt-outs and deletions, November 2026" {
			t.Errorf("%s has the title %q", path, got)
		}
		pagetest.Ask(t, b, chromedp.Evaluate[chromedp.Void](string(axe)))
		for _, width := range []int64{320, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				b.Look(t, width, scheme)
				for _, fault := range pagetest.Ask(t, b, chromedp.Evaluate[[]string](judged, chromedp.EvalAwaitPromise)) {
					t.Errorf("%s, %d wide, %s: %s", path, width, scheme, fault)
				}
			}
		}
	}
}
