//go:build browser

package unsubscribe_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/unsubscribe/pages"
	"stille/shared/unsubscribe/pages/pagetest"
)

// serve is API Gateway: it hands requests to the handlers as events.
func (w *world) serve(t *testing.T) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		req := gateway.Request{
			RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{},
			Body: base64.StdEncoding.EncodeToString(body), IsBase64Encoded: true,
		}
		req.RequestContext.HTTP.Method = r.Method
		for name, values := range r.Header {
			req.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
		w.now = w.now.Add(time.Second)
		resp := w.send(t, req)
		for name, value := range resp.Headers {
			rw.Header().Set(name, value)
		}
		rw.WriteHeader(resp.StatusCode)
		if _, err := io.WriteString(rw, resp.Body); err != nil {
			t.Error(err)
		}
	}
}

// click is a click on the button with this action.
func click(action string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(`button[value="`+action+`"]`), chromedp.NodeVisible)
}

func TestPersonUndoesAnOptOutInABrowser(t *testing.T) {
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		t.Run(string(ch), func(t *testing.T) {
			w := newWorld(t)
			b := pagetest.Open(t, w.serve(t))
			what := map[contact.Channel]string{contact.Email: "e-post", contact.SMS: "SMS"}[ch]

			titles := []string{b.Visit(t, w.path(t, ch, acmeID)+"?lang=nb")}
			if len(w.list.Items()) > 0 {
				t.Error("looking at the page wrote")
			}
			titles = append(titles, b.Leave(t, click(pages.Unsubscribe)))
			if !w.stopped(t, ch, "acme") {
				t.Error("the button did not opt out")
			}
			titles = append(titles, b.Leave(t, click(pages.Resubscribe)))
			if w.stopped(t, ch, "acme") {
				t.Error("the button did not undo")
			}
			titles = append(titles, b.Leave(t, click(pages.Unsubscribe)))
			if !w.stopped(t, ch, "acme") {
				t.Error("the button did not opt out again")
			}
			want := []string{
				"Vil du stoppe reklame på " + what + " fra Acme?", "Reklame på " + what + " fra Acme er stoppet",
				"Du kan få reklame på " + what + " fra Acme igjen", "Reklame på " + what + " fra Acme er stoppet",
			}
			if diff := cmp.Diff(want, titles); diff != "" {
				t.Error(diff)
			}
			b.NoComplaints(t)
		})
	}
}

func TestThePageWorksWithoutScript(t *testing.T) {
	w := newWorld(t)
	b := pagetest.Open(t, w.serve(t))
	b.WithoutScript(t)
	stopped := func() string {
		var in []string
		for _, s := range []scope.Scope{"acme/newsletter", "acme", "globex"} {
			if w.stopped(t, contact.Email, s) {
				in = append(in, string(s))
			}
		}
		return strings.Join(in, " ")
	}
	for _, step := range []struct {
		id                     uint16
		action, title, stopped string
	}{
		{acmeID, pages.UnsubscribeTopic, "You have stopped the Acme newsletter by e-mail", "acme/newsletter"},
		{acmeID, pages.UnsubscribeGroup, "Marketing e-mail from Acme, Globex and Initech has stopped", "acme/newsletter acme globex"},
		{acmeID, pages.Resubscribe, "You may get marketing e-mail from Acme, Globex and Initech again", ""},
		{newsletterID, pages.UnsubscribeAll, "Marketing e-mail from Acme has stopped", "acme/newsletter acme"},
	} {
		b.Visit(t, w.path(t, contact.Email, step.id))
		if got := b.Leave(t, click(step.action)); got != step.title || stopped() != step.stopped {
			t.Errorf("%s: %q, stopped in %q", step.action, got, stopped())
		}
	}
	b.NoComplaints(t)
}

func TestTheKeyboardReachesTheButtonFirst(t *testing.T) {
	w := newWorld(t)
	b := pagetest.Open(t, w.serve(t))
	b.Visit(t, w.path(t, contact.Email, newsletterID))
	b.Do(t, chromedp.KeyEvent(kb.Tab))
	focused := pagetest.Ask(t, b, chromedp.Evaluate[string](`document.activeElement.value`))
	outline := pagetest.Ask(t, b, chromedp.Evaluate[string](`getComputedStyle(document.activeElement).outlineStyle`))
	if focused != pages.Unsubscribe || outline != "solid" {
		t.Errorf("focus on %q with outline %q", focused, outline)
	}
	if got := b.Leave(t, chromedp.KeyEvent(kb.Enter)); got != "You have stopped the Acme newsletter by e-mail" || !w.stopped(t, contact.Email, "acme/newsletter") {
		t.Errorf("after Enter: %q", got)
	}
	if w.stopped(t, contact.Email, "acme") {
		t.Error("Enter stopped the brand")
	}
	b.NoComplaints(t)
}

func TestAnotherLanguageIsOneClickAway(t *testing.T) {
	w := newWorld(t)
	b := pagetest.Open(t, w.serve(t))
	b.Visit(t, w.path(t, contact.Email, acmeID))
	if got := b.Leave(t, chromedp.Click(chromedp.CSS(`a[hreflang="nb"]`))); got != "Vil du stoppe reklame på e-post fra Acme?" {
		t.Errorf("got %q", got)
	}
	if len(w.list.Items()) > 0 {
		t.Error("changing the language wrote")
	}
	b.NoComplaints(t)
}

// views is each page, as a way to get there from a fresh world.
func views() map[string]func(*testing.T, *world, *pagetest.Tab) {
	to := func(ch contact.Channel, id uint16, actions ...string) func(*testing.T, *world, *pagetest.Tab) {
		return func(t *testing.T, w *world, b *pagetest.Tab) {
			b.Visit(t, w.path(t, ch, id))
			for _, action := range actions {
				b.Leave(t, click(action))
			}
		}
	}
	return map[string]func(*testing.T, *world, *pagetest.Tab){
		"ask":   to(contact.Email, acmeID),
		"topic": to(contact.SMS, newsletterID),
		"done":  to(contact.SMS, acmeID, pages.Unsubscribe),
		"reopened": func(t *testing.T, w *world, b *pagetest.Tab) {
			to(contact.Email, acmeID, pages.UnsubscribeTopic)(t, w, b)
			to(contact.SMS, newsletterID, pages.Unsubscribe)(t, w, b)
			b.Visit(t, w.path(t, contact.SMS, newsletterID))
		},
		"a group": to(contact.Email, acmeID, pages.UnsubscribeGroup),
		"undone":  to(contact.Email, newsletterID, pages.Unsubscribe, pages.Resubscribe),
		"kept": func(t *testing.T, w *world, b *pagetest.Tab) {
			b.Visit(t, w.path(t, contact.Email, acmeID))
			b.Leave(t, click(pages.Unsubscribe))
			w.now = w.now.Add(48 * time.Hour)
			b.Leave(t, click(pages.Resubscribe))
		},
		"later": func(t *testing.T, w *world, b *pagetest.Tab) {
			b.Visit(t, w.path(t, contact.Email, acmeID))
			w.listErr = errDown
			b.Leave(t, click(pages.Unsubscribe))
		},
		"not found": func(t *testing.T, _ *world, b *pagetest.Tab) { b.Visit(t, "/e/x") },
	}
}

// barriers measures, in the page: texts with less contrast than 4.5:1, edges
// of buttons with less than 3:1, buttons lower than 44 px, and a page wider
// than the screen.
const barriers = `(() => {
  const found = []
  const rgb = text => text.match(/[\d.]+/g).map(Number)
  const luminance = colour => {
    const [r, g, b] = colour.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m)
    return (x + 0.05) / (y + 0.05)
  }
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor)
      if (colour.length === 3 || colour[3] === 1) return colour
    }
    return [255, 255, 255]
  }
  let texts = 0
  for (const e of document.body.querySelectorAll('*')) {
    const style = getComputedStyle(e)
    if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
      texts++
      if (contrast(rgb(style.color), behind(e)) < 4.5) found.push('contrast of the text in ' + e.tagName)
    }
    if (e.tagName === 'BUTTON') {
      if (contrast(rgb(style.borderTopColor), behind(e.parentElement)) < 3) found.push('contrast of a button')
      if (e.getBoundingClientRect().height < 44) found.push('a low button')
    }
  }
  if (texts < 2) found.push('there is no text')
  if (document.documentElement.scrollWidth > innerWidth) found.push('it is wider than the screen')
  if (document.querySelectorAll('h1').length !== 1 || !document.querySelector('main')) found.push('the outline')
  return found
})()`

func TestNoPageHasBarriers(t *testing.T) {
	screens := map[string]int64{"a small phone": 320, "a desktop": 1280}
	for name, reach := range views() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := pagetest.Open(t, w.serve(t))
			reach(t, w, b)
			for screen, width := range screens {
				for _, scheme := range []string{"light", "dark"} {
					b.Look(t, width, scheme)
					if found := pagetest.Ask(t, b, chromedp.Evaluate[[]string](barriers)); len(found) > 0 {
						t.Errorf("on %s, %s: %s", screen, scheme, strings.Join(found, ", "))
					}
				}
			}
		})
	}
}
