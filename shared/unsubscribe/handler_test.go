package unsubscribe_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/suppression"
)

func multipartBody(fields ...string) (contentType, body string) {
	var b strings.Builder
	for i := 0; i < len(fields); i += 2 {
		b.WriteString("--xyz\r\nContent-Disposition: form-data; name=\"" + fields[i] + "\"\r\n\r\n" + fields[i+1] + "\r\n")
	}
	return "multipart/form-data; boundary=xyz", b.String() + "--xyz--\r\n"
}

func TestReadingALinkChangesNothing(t *testing.T) {
	cases := []struct {
		method string
		status int
		page   bool
	}{
		{"GET", 200, true}, {"HEAD", 200, false}, {"OPTIONS", 204, false},
		{"PUT", 405, false}, {"DELETE", 405, false}, {"PATCH", 405, false}, {"get", 405, false},
	}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		for _, c := range cases {
			t.Run(string(ch)+" "+c.method, func(t *testing.T) {
				w := newWorld(t)
				req := request(c.method, w.path(t, ch, acmeID))
				req.Headers["content-type"], req.Body = urlencoded, "List-Unsubscribe=One-Click"
				resp := w.send(t, req)
				if resp.StatusCode != c.status || (resp.Body != "") != c.page || len(w.list.Items()) > 0 {
					t.Errorf("status %d, a body of %d bytes, %d items", resp.StatusCode, len(resp.Body), len(w.list.Items()))
				}
				if allow := resp.Headers["allow"]; (allow == "GET, HEAD, POST, OPTIONS") != (c.status > 200) {
					t.Errorf("Allow: %q", allow)
				}
				w.noLeak(t, resp)
			})
		}
	}
}

func TestAHeadRequestGetsTheSameHeaders(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	get, head := w.send(t, request("GET", path)), w.send(t, request("HEAD", path))
	if diff := cmp.Diff(get.Headers, head.Headers); diff != "" {
		t.Error(diff)
	}
}

func TestAnyPostToAValidLinkOptsOut(t *testing.T) {
	oneClickType, oneClickBody := multipartBody("List-Unsubscribe", "One-Click")
	bothType, bothBody := multipartBody("List-Unsubscribe", "One-Click", "action", "resubscribe")
	cases := []struct {
		name, contentType, body string
		base64                  bool
		page                    bool
	}{
		{name: "one-click, urlencoded", contentType: urlencoded, body: "List-Unsubscribe=One-Click"},
		{name: "one-click, multipart", contentType: oneClickType, body: oneClickBody},
		{name: "one-click with a charset", contentType: urlencoded + "; charset=UTF-8", body: "List-Unsubscribe=One-Click"},
		{name: "one-click with a charset that is garbage", contentType: urlencoded + "; charset=", body: "List-Unsubscribe=One-Click"},
		{name: "one-click in odd case", contentType: "Application/X-WWW-Form-URLEncoded", body: "list-unsubscribe=ONE-CLICK"},
		{name: "one-click with another value", contentType: urlencoded, body: "List-Unsubscribe=yes"},
		{name: "one-click in base64", contentType: urlencoded, body: base64.StdEncoding.EncodeToString([]byte("List-Unsubscribe=One-Click")), base64: true},
		{name: "one-click and resubscribe", contentType: urlencoded, body: "List-Unsubscribe=One-Click&action=resubscribe"},
		{name: "one-click and resubscribe, multipart", contentType: bothType, body: bothBody},
		{name: "the page's form", contentType: urlencoded, body: "action=unsubscribe", page: true},
		{name: "the page's form for the brand", contentType: urlencoded, body: "action=unsubscribe-all", page: true},
		{name: "an unknown action", contentType: urlencoded, body: "action=dance", page: true},
		{name: "resubscribe twice", contentType: urlencoded, body: "action=resubscribe&action=resubscribe", page: true},
		{name: "resubscribe and unsubscribe", contentType: urlencoded, body: "action=resubscribe&action=unsubscribe", page: true},
		{name: "resubscribe and something else", contentType: urlencoded, body: "action=resubscribe&x=1", page: true},
		{name: "resubscribe and something unreadable", contentType: urlencoded, body: "action=resubscribe&%zz", page: true},
		{name: "resubscribe of no type", body: "action=resubscribe", page: true},
		{name: "resubscribe of another type", contentType: "text/plain", body: "action=resubscribe", page: true},
		{name: "nothing at all", page: true},
		{name: "a type without a body", contentType: urlencoded, page: true},
		{name: "a body without a type", body: "List-Unsubscribe=One-Click", page: true},
		{name: "JSON", contentType: "application/json", body: `{"action":"resubscribe"}`, page: true},
		{name: "a type that is garbage", contentType: ";;/", body: "x", page: true},
		{name: "multipart without boundary", contentType: "multipart/form-data", body: oneClickBody, page: true},
		{name: "multipart cut off", contentType: oneClickType, body: oneClickBody[:30], page: true},
		{name: "a body that is too large", contentType: urlencoded, body: "action=resubscribe&x=" + strings.Repeat("x", 5000), page: true},
		{name: "invalid base64", contentType: urlencoded, body: "action=resubscribe", base64: true, page: true},
	}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		for _, c := range cases {
			t.Run(string(ch)+", "+c.name, func(t *testing.T) {
				w := newWorld(t)
				req := post(w.path(t, ch, acmeID), c.contentType, c.body)
				req.IsBase64Encoded = c.base64
				resp := w.send(t, req)
				if resp.StatusCode != 200 || !w.stopped(t, ch, "acme") {
					t.Fatalf("status %d, stopped: %v", resp.StatusCode, w.stopped(t, ch, "acme"))
				}
				if len(w.list.Items()) != 1 {
					t.Errorf("%d contacts have an item", len(w.list.Items()))
				}
				if page := strings.HasPrefix(resp.Headers["content-type"], "text/html"); page != c.page {
					t.Errorf("want a page: %v, got %s", c.page, resp.Headers["content-type"])
				}
				w.noLeak(t, resp)
			})
		}
	}
}

func TestAMachineGetsAShortText(t *testing.T) {
	w := newWorld(t)
	req := post(w.path(t, contact.Email, acmeID), "", "")
	delete(req.Headers, "accept")
	if diff := cmp.Diff("Unsubscribed.\n", w.send(t, req).Body); diff != "" {
		t.Error(diff)
	}
}

func TestFieldsInTheQueryDoNotCount(t *testing.T) {
	w := newWorld(t)
	req := post(w.path(t, contact.Email, acmeID), urlencoded, "")
	req.RawQueryString = "action=resubscribe"
	w.send(t, req)
	if !w.stopped(t, contact.Email, "acme") {
		t.Error("the query was read")
	}
}

func TestABadLinkIsRefusedWithoutSayingWhy(t *testing.T) {
	w := newWorld(t)
	email, sms := w.path(t, contact.Email, acmeID), w.path(t, contact.SMS, acmeID)
	foreign := newWorld(t)
	cases := []struct{ name, path string }{
		{"a cut off token", email[:len(email)-1]},
		{"a lengthened token", email + "A"},
		{"a changed token", email[:20] + string('A'+(email[20]-'A'+1)%26) + email[21:]},
		{"no token", "/e/"},
		{"no door", "/"},
		{"an empty path", ""},
		{"a token of other keys", foreign.path(t, contact.Email, acmeID)},
		{"an SMS token at the e-mail door", "/e/" + sms[3:]},
		{"an e-mail token at the SMS door", "/s/" + email[3:]},
		{"a path below a token", email + "/x"},
		{"a token of zeros", "/s/" + strings.Repeat("0", 23)},
		{"an SMS token of other keys", foreign.path(t, contact.SMS, acmeID)},
		{"a token in another alphabet", "/e/%F0%9F%98%80"},
		{"a token that is very long", "/e/" + strings.Repeat("A", 100_000)},
	}
	want := w.send(t, request("GET", "/e/x"))
	for _, method := range []string{"GET", "POST", "HEAD"} {
		for _, c := range cases {
			t.Run(method+", "+c.name, func(t *testing.T) {
				req := request(method, c.path)
				if method == "POST" {
					req = oneClick(c.path)
				}
				got, expected := w.send(t, req), want
				if method == "HEAD" {
					expected.Body = ""
				}
				if diff := cmp.Diff(expected, got); diff != "" || got.StatusCode != 404 {
					t.Errorf("status %d %s", got.StatusCode, diff)
				}
				if len(w.list.Items()) > 0 {
					t.Error("it wrote")
				}
			})
		}
	}
	w.noLeak(t)
}

func TestLargeBodyOnABadLinkIsRefused(t *testing.T) {
	cases := []struct {
		name   string
		size   int
		status int
	}{{"4 KB", 4096, 404}, {"a byte more", 4097, 413}}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			if got := w.send(t, post("/e/x", urlencoded, strings.Repeat("x", c.size))).StatusCode; got != c.status {
				t.Errorf("want %d, got %d", c.status, got)
			}
		})
	}
}

func TestABadLinkAllowsTheSameMethods(t *testing.T) {
	w := newWorld(t)
	for method, status := range map[string]int{"OPTIONS": 204, "PUT": 405} {
		good, bad := w.send(t, request(method, w.path(t, contact.Email, acmeID))), w.send(t, request(method, "/e/x"))
		if diff := cmp.Diff(good, bad); diff != "" || bad.StatusCode != status {
			t.Errorf("%s: status %d %s", method, bad.StatusCode, diff)
		}
	}
}

func TestALinkWorksBelowABasePath(t *testing.T) {
	w := newWorld(t)
	req := oneClick("/stage" + w.path(t, contact.Email, acmeID))
	if got := w.send(t, req).StatusCode; got != 200 || !w.stopped(t, contact.Email, "acme") {
		t.Errorf("status %d", got)
	}
}

func TestANewerKeysLinkOpensAfterOneRefresh(t *testing.T) {
	w := newWorld(t)
	w.freshLinkKeys = newLinkKeys(t)
	if got := w.send(t, oneClick(w.path(t, contact.Email, acmeID))).StatusCode; got != 200 || w.refreshes != 1 {
		t.Errorf("status %d after %d refreshes", got, w.refreshes)
	}
}

func TestWhenKeysOrStoreFailNothingIsClaimed(t *testing.T) {
	cases := []struct {
		name  string
		fail  func(*world)
		getOK bool
	}{
		{"the store", func(w *world) { w.listErr = errDown }, true},
		{"the contact keys", func(w *world) { w.contactErr = contact.ErrForeignKeys }, true},
		{"the link keys", func(w *world) { w.linkErr = errDown }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.fail(w)
			path := w.path(t, contact.Email, acmeID)
			get, text, page := w.send(t, request("GET", path)), w.send(t, oneClick(path)), w.send(t, form(path, "resubscribe"))
			if ok := get.StatusCode == 200; ok != c.getOK {
				t.Errorf("GET: status %d", get.StatusCode)
			}
			for _, resp := range []gateway.Response{text, page} {
				if resp.StatusCode != 503 || resp.Headers["retry-after"] == "" {
					t.Errorf("status %d, Retry-After %q", resp.StatusCode, resp.Headers["retry-after"])
				}
			}
			if !strings.HasPrefix(text.Headers["content-type"], "text/plain") || !strings.Contains(page.Body, `value="resubscribe"`) {
				t.Error("a machine needs a text, a person a page that tries the same again")
			}
			w.noLeak(t, get, text, page)
		})
	}
}

func TestAnUnlistedScopesLinkIsNotForged(t *testing.T) {
	w := newWorld(t)
	if got := w.send(t, oneClick(w.path(t, contact.Email, unlistedID))).StatusCode; got != 503 || len(w.waits(t)) != 1 {
		t.Errorf("want 503, got %d; %d wait", got, len(w.messages))
	}
}

func TestAPanicsPageIsInTheReadersLanguage(t *testing.T) {
	w := newWorld(t)
	w.linkKeys = nil
	req := request("GET", w.path(t, contact.Email, acmeID))
	req.Headers["accept-language"] = "nb"
	resp := w.send(t, req)
	if resp.StatusCode != 500 || resp.Headers["content-language"] != "nb" || resp.Headers["cache-control"] != "no-store" {
		t.Errorf("status %d, language %q", resp.StatusCode, resp.Headers["content-language"])
	}
	if !strings.Contains(w.logs.String(), `"msg":"panic"`) {
		t.Error("the panic is not in the log")
	}
}

func TestTheLogSaysWhatALinkDid(t *testing.T) {
	w := newWorld(t)
	w.send(t, oneClick(w.path(t, contact.Email, newsletterID)))
	key := w.key(t, contact.Email)
	for _, want := range []string{
		`"key":"` + key.Short() + `"`, `"scope":"acme/newsletter"`, `"action":"unsubscribe"`, `"oneClick":true`, `"outcome":"added"`,
	} {
		if !strings.Contains(w.logs.String(), want) {
			t.Errorf("no %s in the log", want)
		}
	}
}

func TestTheListStoresTheSource(t *testing.T) {
	for source, req := range map[suppression.Source]func(string) gateway.Request{
		suppression.SourceOneClick: oneClick,
		suppression.SourceLink:     func(path string) gateway.Request { return form(path, "unsubscribe") },
	} {
		w := newWorld(t)
		w.send(t, req(w.path(t, contact.SMS, acmeID)))
		got := w.item(t, contact.SMS).Marks["acme"][suppression.Unsubscribed]
		if diff := cmp.Diff(suppression.Mark{First: w.now, Last: w.now, Source: source}, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAnOldLinkOptsOutAfterNewConsent(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	w.send(t, oneClick(path))
	w.now = w.now.AddDate(5, 0, 0)
	key := w.key(t, contact.Email)
	_, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{key}}, suppression.Change{
		Action: suppression.Release, Scope: "acme", Reason: suppression.Unsubscribed, At: w.now, Source: suppression.SourceTool,
	}, w.now)
	must(t, err)
	if w.stopped(t, contact.Email, "acme") {
		t.Fatal("the consent did not count")
	}
	w.now = w.now.Add(time.Hour)
	w.send(t, oneClick(path))
	if !w.stopped(t, contact.Email, "acme") {
		t.Error("the old link did not opt out")
	}
}

func TestOnlyAForgedLinkIsRefused(t *testing.T) {
	if !errors.Is(link.ErrUnknownKey, link.ErrForged) {
		t.Error("a link of an unknown key would get a 503 for ever")
	}
}
