//go:build browser

package pages_test

import (
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/unsubscribe/pages/pagetest"
)

// tools is where scripts/setup puts npm packages.
const tools = "../../../.local/npm/node_modules/"

// site is every page in every language, by its path. What is about a person is
// there about e-mail from a brand and about SMS on a topic.
func site(t *testing.T) map[string]gateway.Response {
	t.Helper()
	all, p := map[string]gateway.Response{}, newPages(t)
	for _, lang := range scope.Languages() {
		r := p.For(request("", "lang="+lang))
		for name, resp := range every(t, r, contact.Email, acme) {
			about := every(t, r, contact.SMS, newsletter)[name]
			if !strings.HasPrefix(resp.Headers["content-type"], "text/html") {
				continue
			}
			path := "/" + lang + "/" + strings.NewReplacer(" ", "-", ",", "").Replace(name)
			all[path] = resp
			if about.Body != resp.Body {
				all[path+"-topic"] = about
			}
		}
	}
	if len(all) != 8*(4+2*13) {
		t.Fatalf("there are %d pages", len(all))
	}
	return all
}

func serve(t *testing.T, all map[string]gateway.Response) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		resp := all[r.URL.Path]
		for name, value := range resp.Headers {
			rw.Header().Set(name, value)
		}
		rw.WriteHeader(resp.StatusCode)
		if _, err := io.WriteString(rw, resp.Body); err != nil {
			t.Error(err)
		}
	}
}

// judged has axe judge the page by these rules, or by all. The page's policy
// does not hold for what comes through the DevTools protocol.
func judged(rules string) string {
	return `axe.run(document, {preload: false, resultTypes: ['violations'], ` + rules + `}).then(result =>
  result.passes.length === 0 ? ['axe looked at too little'] :
    result.violations.flatMap(v => v.nodes.map(n => v.id + ': ' + n.target.join(' '))))`
}

const (
	allRules  = `rules: {'target-size': {enabled: true}}`
	lookRules = `runOnly: ['color-contrast', 'target-size', 'link-in-text-block']` // what a look can change
)

// squeezed finds what axe does not look at: what is cut, wider than the screen,
// or moves.
const squeezed = `(() => {
  const found = document.documentElement.scrollWidth > innerWidth ? ['it is wider than the screen'] : []
  for (const e of document.body.querySelectorAll('*:not(svg *)')) {
    const style = getComputedStyle(e)
    if (style.display !== 'inline' && e.scrollWidth > e.clientWidth + 1) found.push('cut: ' + e.tagName)
    if (style.transitionDuration !== '0s' || style.animationName !== 'none') found.push('it moves: ' + e.tagName)
  }
  return found
})()`

// look is how a reader sees a page, and which of axe's rules are asked then.
type look struct {
	width  int64
	scheme string
	rules  string
}

func TestEveryPageIsAccessible(t *testing.T) {
	axe, err := os.ReadFile(tools + "axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	looks := []look{{320, "light", allRules}, {320, "dark", lookRules}, {1280, "dark", lookRules}, {1280, "light", lookRules}}
	all := site(t)
	for _, lang := range scope.Languages() {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			b := pagetest.Open(t, serve(t, all))
			for _, path := range slices.Sorted(maps.Keys(all)) {
				if !strings.HasPrefix(path, "/"+lang+"/") {
					continue
				}
				b.Visit(t, path)
				pagetest.Ask(t, b, chromedp.Evaluate[chromedp.Void](string(axe)))
				for _, l := range looks {
					b.Look(t, l.width, l.scheme)
					found := pagetest.Ask(t, b, chromedp.Evaluate[[]string](judged(l.rules), chromedp.EvalAwaitPromise))
					found = append(found, pagetest.Ask(t, b, chromedp.Evaluate[[]string](squeezed))...)
					for _, fault := range found {
						t.Errorf("%s, %d wide, %s: %s", path, l.width, l.scheme, fault)
					}
				}
			}
		})
	}
}

// shown is what a page holds and where the browser puts it.
const shown = `document.documentElement.outerHTML + [...document.body.querySelectorAll('*')].map(e => {
  const r = e.getBoundingClientRect()
  return e.tagName + ' ' + [r.x, r.y, r.width, r.height]
}).join()`

func TestAPageIsTheSameWithoutScript(t *testing.T) {
	all := site(t)
	b := pagetest.Open(t, serve(t, all))
	visit := func() map[string]string {
		seen := map[string]string{}
		for path := range all {
			if strings.HasPrefix(path, "/en/") {
				b.Visit(t, path)
				seen[path] = pagetest.Ask(t, b, chromedp.Evaluate[string](shown))
			}
		}
		return seen
	}
	with := visit()
	b.WithoutScript(t)
	if diff := cmp.Diff(with, visit()); diff != "" || len(with) == 0 {
		t.Error(diff)
	}
}

func TestButtonsDifferInTheReadersColours(t *testing.T) {
	all := site(t)
	b := pagetest.Open(t, serve(t, all))
	b.Look(t, 320, "light", "forced-colors", "active")
	b.Visit(t, "/en/ask-topic")
	borders := pagetest.Ask(t, b, chromedp.Evaluate[[]string](
		`[...document.querySelectorAll('button')].map(e => getComputedStyle(e).borderTopWidth + ' ' + getComputedStyle(e).borderTopStyle)`))
	if diff := cmp.Diff([]string{"4px solid", "2px solid"}, borders); diff != "" {
		t.Error(diff)
	}
}
