// Package pages writes what a person sees behind a link, in their language. It
// promises pages that need neither style nor script and load nothing, that say
// whose messages stop on which channel and what goes on, and that show an
// address masked only. Every answer carries the same protective headers
// (DESIGN section 5). It refuses to decide: what happened is told to it.
//
// A language is one file in text/; New fails where a text is missing.
package pages

import (
	"cmp"
	"crypto/sha256"
	_ "embed" // for the template and the style
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/unsubscribe/language"
)

// The values of the page's form field "action".
const (
	Unsubscribe      = "unsubscribe"
	UnsubscribeAll   = "unsubscribe-all"   // the brand, on a topic's link
	UnsubscribeGroup = "unsubscribe-group" // all brands of the group
	UnsubscribeTopic = "unsubscribe-topic" // the topics of the form field "topic", on a brand's link
	Resubscribe      = "resubscribe"
)

// RetryAfter is how many seconds a caller is asked to wait after a failure.
const RetryAfter = "30"

// Subject is the person of a link, what its opt-out stops, and what else the page
// offers to stop.
type Subject struct {
	Contact contact.Contact
	Entry   scope.Entry   // what the page is about: a brand or one topic
	Brand   scope.Entry   // Entry's brand; Entry itself where that is a brand
	Brands  []scope.Entry // what the page is about where that is several brands of a group
	Topics  []scope.Entry // topics of the brand to stop alone
	Stopped []scope.Entry // topics of the brand that are stopped already
	Group   []scope.Entry // all brands of the group, the brand among them, to stop together
}

// State is what a page says of the contact in the scope of the link.
type State string

// The states there are. A page that is about no contact has none.
const (
	Open    State = "open"
	Stopped State = "stopped"
	Unknown State = "unknown"
)

// Standing is a silence that a page shows.
type Standing struct {
	Since    time.Time // in the zone whose date counts; zero where it is not known
	Undoable bool      // an undo through the link would start the messages again
}

// Pages writes answers. It is safe for concurrent use.
type Pages struct {
	texts  []texts // English first
	page   *template.Template
	styles string // of the Content-Security-Policy

	mu   sync.Mutex
	laid map[string]string // by content: pages that are laid out but for the person
}

//go:embed page.html
var pageTemplate string

//go:embed style.css
var style string

// New reads the embedded texts and the template.
func New() (*Pages, error) {
	all, err := loadTexts()
	if err != nil {
		return nil, err
	}
	page, err := template.New("page").Funcs(template.FuncMap{"unbroken": unbroken(), "inOnePiece": inOnePiece}).Parse(strings.Replace(pageTemplate, "{{.Style}}", style, 1))
	if err != nil {
		return nil, fmt.Errorf("parsing the page: %w", err)
	}
	return &Pages{texts: all, page: page, styles: "style-src " + hashed(style), laid: make(map[string]string)}, nil
}

// hashed names a style in a Content-Security-Policy.
func hashed(style string) string {
	digest := sha256.Sum256([]byte(style))
	return "'sha256-" + base64.StdEncoding.EncodeToString(digest[:]) + "'"
}

// policy is the Content-Security-Policy of a page: its own styles, and the logo that
// is in the page.
func (p *Pages) policy(c content) string {
	policy := "default-src 'none'; " + p.styles
	if c.Colour != "" {
		policy += " " + hashed(string(c.Colour))
	}
	if c.Logo != "" {
		policy += "; img-src data:"
	}
	return policy + "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

// What the style of all pages has, in light and in dark colours.
const (
	lightColour = "#17584a"
	darkColour  = "#92d6c0"
)

// colours is the style of a brand's colours, after the style of all pages.
func colours(look scope.Look) template.CSS {
	if look == (scope.Look{Logo: look.Logo}) {
		return ""
	}
	light, dark := cmp.Or(look.Colour, lightColour), cmp.Or(look.ColourDark, darkColour)
	//nolint:gosec // package scope has read the colours
	return template.CSS(":root{--deep:" + light + "}@media screen and (prefers-color-scheme:dark){:root{--deep:" + dark + "}}")
}

// unbroken returns a function that keeps "e-mail" on one line, which would break at
// its hyphen.
func unbroken() func(text string) string {
	hyphens := strings.NewReplacer(" e-", " e\u2011", " E-", " E\u2011")
	return func(text string) string {
		if !strings.Contains(text, "-") {
			return text
		}
		if strings.HasPrefix(text, "E-") {
			text = "E\u2011" + text[len("E-"):]
		}
		return hyphens.Replace(text)
	}
}

// inOnePiece takes away the places where a long word may break, for where
// nothing breaks: the title of the window.
func inOnePiece(text string) string { return strings.ReplaceAll(text, "\u00ad", "") }

// Reader writes answers in one language.
type Reader struct {
	pages *Pages
	text  *texts
}

// For returns a Reader in the language of the request: of ?lang= if it names
// a language of the pages, else the best of Accept-Language, else English.
func (p *Pages) For(req gateway.Request) Reader {
	query, _ := url.ParseQuery(req.RawQueryString) // what cannot be read is no wish
	for _, wish := range []string{query.Get("lang"), req.Headers["accept-language"]} {
		best := language.Best(wish)
		for i := range p.texts {
			if p.texts[i].Tag == best {
				return Reader{p, &p.texts[i]}
			}
		}
	}
	return Reader{p, &p.texts[0]}
}

// Text answers with one line of plain text, for machines.
func (r Reader) Text(status int, line string) gateway.Response {
	return r.answer(status, "text/plain; charset=utf-8", line+"\n")
}

// Options tells which methods a link takes: with status 204 to OPTIONS, with
// 405 to any other method.
func (r Reader) Options(status int) gateway.Response {
	resp := r.answer(status, "", "")
	resp.Headers["allow"] = "GET, HEAD, POST, OPTIONS"
	return resp
}

// What stands in a page that is laid out for the person's address, and for the
// date of a silence.
const (
	addressPlace = "\ue000"
	instantPlace = "\ue001"
	datePlace    = "\ue002"
)

func (r Reader) html(status int, c content) gateway.Response {
	c.Text, c.Lang = r.text, r.text.Tag
	address, since := c.Address, c.Since
	if c.Address != "" {
		c.Address = addressPlace
	}
	if c.Since.Date != "" {
		c.Since.Instant, c.Since.Date = instantPlace, datePlace
	}
	body, err := r.pages.lay(c)
	if err != nil {
		// Only a template that does not fit content: a mistake of ours, which
		// the tests of every page rule out.
		return r.Text(http.StatusInternalServerError, "internal error")
	}
	body = strings.Replace(body, instantPlace, since.Instant, 1)
	body = strings.Replace(body, datePlace, since.Date, 1)
	body = strings.Replace(body, addressPlace, string(address), 1)
	resp := r.answer(status, "text/html; charset=utf-8", body)
	resp.Headers["content-language"] = c.Lang
	resp.Headers["content-security-policy"] = r.pages.policy(c)
	return resp
}

// mostLaid is how many pages are kept. A page has some 8 KB, and a link leads to few.
const mostLaid = 256

// lay lays content out. Most people see the same few pages: a page is kept for the
// next person.
func (p *Pages) lay(c content) (string, error) {
	key, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if page, found := p.laid[string(key)]; found {
		return page, nil
	}
	var page strings.Builder
	if err := p.page.Execute(&page, c); err != nil {
		return "", err
	}
	if len(p.laid) == mostLaid {
		clear(p.laid)
	}
	p.laid[string(key)] = page.String()
	return page.String(), nil
}

// answer is the one place where answers get their headers.
func (r Reader) answer(status int, contentType, body string) gateway.Response {
	headers := map[string]string{
		"cache-control":             "no-store",
		"referrer-policy":           "no-referrer",
		"x-robots-tag":              "noindex, nofollow",
		"x-content-type-options":    "nosniff",
		"strict-transport-security": "max-age=63072000",
		"content-security-policy":   r.pages.policy(content{}),
	}
	if contentType != "" {
		headers["content-type"] = contentType
	}
	if status == http.StatusServiceUnavailable {
		headers["retry-after"] = RetryAfter
	}
	return gateway.Response{StatusCode: status, Headers: headers, Body: body}
}
