//go:build browser

// Package pagetest shows pages to tests in a headless Chromium, as a reader
// would see them. It promises a browser with its own profile, served over
// loopback only, that ends with the test, and that tells what the browser
// complained about.
package pagetest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"
)

// patience is how long one test may use its browser, on a busy machine too.
const patience = 15 * time.Minute

// Tab is a browser's tab, with what the browser complained about in it.
type Tab struct {
	context.Context
	site string

	mu         sync.Mutex
	complaints []string
}

func (b *Tab) complain(what string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.complaints = append(b.complaints, what)
}

// Open starts a browser and serves the handler to it.
func Open(t *testing.T, site http.Handler) *Tab {
	t.Helper()
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	allocator, cancel := chromedp.NewExecAllocator(t.Context(),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("lang", "en"))
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx)) // the browser lives as long as the context of this call
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	b := &Tab{Context: ctx, site: server.URL}
	must(t, chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *cdplog.EventEntryAdded:
			b.complain(e.Entry.Text)
		case *runtime.EventConsoleAPICalled, *runtime.EventExceptionThrown:
			b.complain("a script ran")
		}
	}))
	Call(t, b, cdplog.Enable, cdp.Empty{})
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Call sends a command of the DevTools protocol.
func Call[P, R any](t *testing.T, b *Tab, command cdp.Command[P, R], params P) R {
	t.Helper()
	answer, err := chromedp.Call(b, command, params)
	must(t, err)
	return answer
}

// Ask returns what an action finds out.
func Ask[T any](t *testing.T, b *Tab, action chromedp.Action[T]) T {
	t.Helper()
	answer, err := chromedp.Run(b, action)
	must(t, err)
	return answer
}

// Visit goes to a page and returns its title.
func (b *Tab) Visit(t *testing.T, path string) string {
	t.Helper()
	must(t, chromedp.Do(b, chromedp.Navigate(b.site+path)))
	return Ask(t, b, chromedp.Title())
}

// Do does what stays on the page.
func (b *Tab) Do(t *testing.T, action chromedp.Action[chromedp.Void]) {
	t.Helper()
	must(t, chromedp.Do(b, action))
}

// Leave does what leads to another page and returns that page's title.
func (b *Tab) Leave(t *testing.T, action chromedp.Action[chromedp.Void]) string {
	t.Helper()
	_, err := chromedp.RunResponse(b, action)
	must(t, err)
	return Ask(t, b, chromedp.Title())
}

// Look sets the size of the screen and the reader's colour scheme, "light" or
// "dark", and further wishes as pairs of a media feature and its value.
func (b *Tab) Look(t *testing.T, width int64, scheme string, wishes ...string) {
	t.Helper()
	b.Do(t, chromedp.EmulateViewport(width, 800))
	features := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}
	for i := 0; i+1 < len(wishes); i += 2 {
		features = append(features, &emulation.MediaFeature{Name: wishes[i], Value: wishes[i+1]})
	}
	Call(t, b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})
}

// WithoutScript lets pages run none from now on.
func (b *Tab) WithoutScript(t *testing.T) {
	t.Helper()
	Call(t, b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// NoComplaints fails where the browser complained, or a page ran a script.
func (b *Tab) NoComplaints(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if diff := cmp.Diff([]string(nil), b.complaints); diff != "" {
		t.Error(diff)
	}
}
