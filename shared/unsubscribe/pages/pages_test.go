package pages_test

import (
	"html"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/unsubscribe/pages"
)

var acme = scope.Entry{
	ID: 1, Scope: "acme", Controller: "Acme AS", Name: map[string]string{"en": "Acme & Co", "nb": "Acme og Co"},
	PolicyURL: "https://acme.example/privacy", Contact: "privacy@acme.example",
}

var newsletter = scope.Entry{
	ID: 2, Scope: "acme/newsletter", Controller: "Acme AS",
	Name: map[string]string{
		"en": "the letter", "nb": "brevet", "nn": "brevet", "sv": "brevet", "da": "brevet",
		"fi": "Acmen kirje", "de": "Acme-Brief", "lt": "Acme laiškas",
	},
	PolicyURL: "https://acme.example/privacy", Contact: "privacy@acme.example",
}

var globex = scope.Entry{
	ID: 3, Scope: "globex", Controller: "Globex AS", Name: map[string]string{"en": "Globex"}, SMSNumbers: []string{"+4759440001"},
}

func subject(t *testing.T, ch contact.Channel, entry scope.Entry) pages.Subject {
	t.Helper()
	address := map[contact.Channel]string{contact.Email: "kari@example.no", contact.SMS: "+4791234567"}[ch]
	c, err := contact.Normalise(ch, address, "")
	if err != nil {
		t.Fatal(err)
	}
	return pages.Subject{Contact: c, Entry: entry, Brand: acme}
}

func newPages(t *testing.T) *pages.Pages {
	t.Helper()
	p, err := pages.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func request(acceptLanguage, query string) gateway.Request {
	return gateway.Request{Headers: map[string]string{"accept-language": acceptLanguage}, RawQueryString: query}
}

// every returns each kind of answer there is, by name.
func every(t *testing.T, r pages.Reader, ch contact.Channel, entry scope.Entry) map[string]gateway.Response {
	t.Helper()
	s := subject(t, ch, entry)
	since := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	more, house := s, s
	more.Brand.Look, more.Topics, more.Stopped = purple, []scope.Entry{newsletter, newsletter}, []scope.Entry{newsletter}
	more.Group = []scope.Entry{acme, globex, acme}
	house.Entry, house.Brands = acme, []scope.Entry{acme, globex}
	return map[string]gateway.Response{
		"ask": r.Ask(s, pages.Open, false), "ask more": r.Ask(more, pages.Unknown, true),
		"stands": r.Stands(s, pages.Standing{Since: since, Undoable: true}), "stands for good": r.Stands(more, pages.Standing{Since: since}),
		"done": r.Done(s, true), "done for good": r.Done(s, false), "undone": r.Undone(s), "kept": r.Kept(s),
		"queued": r.Queued(s), "noted": r.Noted(),
		"done, a group": r.Done(house, true), "queued, a group": r.Queued(house), "undone, a group": r.Undone(house),
		"unopened": r.Unopened(ch), "later": r.Later(pages.UnsubscribeTopic, "newsletter"), "failed": r.Failed(), "not found": r.NotFound(),
		"text": r.Text(200, "Unsubscribed."), "options": r.Options(204),
	}
}

func TestEveryAnswerProtectsItsReader(t *testing.T) {
	policy := regexp.MustCompile(`^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='(?: 'sha256-[A-Za-z0-9+/]{43}='; img-src data:)?; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$`)
	want := map[string]string{
		"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow",
		"x-content-type-options": "nosniff", "strict-transport-security": "max-age=63072000",
	}
	for name, resp := range every(t, newPages(t).For(request("", "")), contact.Email, acme) {
		for header, value := range want {
			if got := resp.Headers[header]; got != value {
				t.Errorf("%s: want %s %q, got %q", name, header, value, got)
			}
		}
		if !policy.MatchString(resp.Headers["content-security-policy"]) {
			t.Errorf("%s: Content-Security-Policy %q", name, resp.Headers["content-security-policy"])
		}
		for _, unwanted := range []string{"set-cookie", "location"} {
			if _, there := resp.Headers[unwanted]; there {
				t.Errorf("%s: it sets %s or a cookie", name, unwanted)
			}
		}
	}
}

func TestAPageLoadsNothingAndRunsNothing(t *testing.T) {
	loads := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|<object|<meta http-equiv|\ssrc=|\son[a-z]+=|\sstyle=|url\(|@import`)
	for name, resp := range every(t, newPages(t).For(request("", "")), contact.SMS, newsletter) {
		if found := loads.FindString(strings.ReplaceAll(resp.Body, `<img src="data:`, "")); found != "" {
			t.Errorf("%s: it has %q", name, found)
		}
	}
}

func TestStatusesAndTypes(t *testing.T) {
	want := map[string]int{
		"ask more": 200, "stands": 200, "stands for good": 200, "done, a group": 200, "undone, a group": 200, "queued, a group": 503,
		"ask": 200, "done": 200, "done for good": 200, "undone": 200, "kept": 200, "queued": 503, "noted": 503,
		"later": 503, "unopened": 503,
		"failed": 500, "not found": 404, "text": 200, "options": 204,
	}
	for name, resp := range every(t, newPages(t).For(request("", "")), contact.Email, acme) {
		if resp.StatusCode != want[name] {
			t.Errorf("%s: want %d, got %d", name, want[name], resp.StatusCode)
		}
		if _, there := resp.Headers["retry-after"]; there != (want[name] == 503) {
			t.Errorf("%s: Retry-After there: %v", name, there)
		}
	}
}

// seen is the text of a page as a reader sees it.
func seen(resp gateway.Response) string {
	_, body, _ := strings.Cut(resp.Body, "<body>")
	text := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, "")
	return plain(strings.Join(strings.Fields(text), " "))
}

// plain is a text without what keeps its words together or lets them break.
func plain(text string) string {
	return strings.NewReplacer("\u2011", "-", "\u00ad", "").Replace(html.UnescapeString(text))
}

func buttons(resp gateway.Response) []string {
	var found []string
	for _, m := range regexp.MustCompile(`<button name="action" value="([^"]*)"[^>]*>([^<]*)<`).FindAllStringSubmatch(resp.Body, -1) {
		found = append(found, m[1]+": "+plain(m[2]))
	}
	return found
}

func TestPageSaysWhoWhatAndWhatGoesOn(t *testing.T) {
	en, nb := newPages(t).For(request("en", "")), newPages(t).For(request("nb", ""))
	email, sms, topic := subject(t, contact.Email, acme), subject(t, contact.SMS, acme), subject(t, contact.Email, newsletter)
	more, house, since := email, email, time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	more.Topics, more.Stopped, more.Group = []scope.Entry{newsletter}, []scope.Entry{newsletter}, []scope.Entry{acme, globex, globex}
	house.Brands = []scope.Entry{acme, globex}
	cases := []struct {
		name    string
		page    gateway.Response
		says    []string
		buttons []string
	}{
		{
			"the question about e-mail", en.Ask(email, pages.Open, false),
			[]string{"Stop marketing e-mail from Acme & Co?", "k•••@example.no", "Acme AS is responsible for", "privacy@acme.example", "Marketing by SMS from Acme & Co. To stop that", "receipts"},
			[]string{"unsubscribe: Stop marketing e-mail"},
		},
		{
			"the answer about SMS", en.Done(sms, true),
			[]string{"Marketing by SMS from Acme & Co has stopped", "4567", "Marketing e-mail from Acme & Co. To stop that", "receipts", "at once", "24 hours"},
			[]string{"resubscribe: Undo"},
		},
		{
			"the answer without undo", en.Done(sms, false), []string{"has stopped"}, nil,
		},
		{
			"the question about a topic offers the brand too", en.Ask(topic, pages.Open, false),
			[]string{"Stop the letter by e-mail?", "Other marketing e-mail from Acme & Co, if you stop only the letter"},
			[]string{"unsubscribe: Stop the letter", "unsubscribe-all: Stop all marketing e-mail from Acme & Co"},
		},
		{
			"the answer while the store is down", en.Queued(sms),
			[]string{"Your choice is noted", "will soon send no more marketing to this phone number", "4567", "could not be saved", "need do nothing", "receipts"},
			nil,
		},
		{
			"the answer about a topic while the store is down", nb.Queued(topic),
			[]string{"Valget ditt er notert", "slutter snart å sende brevet til denne e-postadressen", "k•••@example.no", "ikke å gjøre noe mer"},
			nil,
		},
		{
			"the question with all that may be stopped", en.Ask(more, pages.Open, true),
			[]string{"This is about this address alone.", "You have stopped the letter by e-mail", "within 24 hours"},
			[]string{
				"unsubscribe: Stop marketing e-mail", "unsubscribe-topic: Stop only the letter",
				"unsubscribe-group: Stop marketing e-mail from Acme & Co, Globex and Globex", "resubscribe: Undo",
			},
		},
		{
			"the stop that stands", en.Stands(email, pages.Standing{Since: since, Undoable: true}),
			[]string{"Marketing e-mail from Acme & Co has stopped", "This has applied since 2 November 2026."}, []string{"resubscribe: Undo"},
		},
		{
			"the stop that stands for good", nb.Stands(sms, pages.Standing{Since: since}),
			[]string{"Reklame på SMS fra Acme og Co er stoppet", "siden 02.11.2026", "Det gjelder akkurat dette nummeret.", "skrive til kontaktadressen"}, nil,
		},
		{
			"the answer about a group", en.Done(house, true),
			[]string{
				"Marketing e-mail from Acme & Co and Globex has stopped", "Acme & Co and Globex send no more marketing",
				"Marketing by SMS from Acme & Co. To stop that, use the link in an SMS.", "Marketing by SMS from Globex. To stop that, use the link in an SMS, or answer STOP.",
			},
			[]string{"resubscribe: Undo"},
		},
		{
			"the undone stop of a group", en.Undone(house), []string{"You may get marketing e-mail from Acme & Co and Globex again"},
			[]string{"unsubscribe-group: Stop marketing e-mail from Acme & Co and Globex"},
		},
		{"the undone stop", en.Undone(email), []string{"You may get marketing e-mail from Acme & Co again"}, []string{"unsubscribe: Stop marketing e-mail"}},
		{"the undo refused", en.Kept(email), []string{"is still stopped", "24 hours"}, nil},
		{"a mistake of ours", en.Failed(), []string{"went wrong on our side", "do not know whether it was saved"}, nil},
		{"the failure of a form", en.Later(pages.UnsubscribeAll, ""), []string{"could not confirm"}, []string{"unsubscribe-all: Try again"}},
		{
			"the question in Norwegian", nb.Ask(email, pages.Open, false),
			[]string{"Vil du stoppe reklame på e-post fra Acme og Co?", "kvitteringer", "på SMS"},
			[]string{"unsubscribe: Stopp reklame på e-post"},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, words := range c.says {
				if !strings.Contains(seen(c.page), words) {
					t.Errorf("it does not say %q", words)
				}
			}
			if diff := cmp.Diff(c.buttons, buttons(c.page)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryLanguageSaysWhoAndForWhom(t *testing.T) {
	p, s := newPages(t), subject(t, contact.SMS, newsletter)
	for _, lang := range scope.Languages() {
		r := p.For(request(lang, ""))
		about := map[string]gateway.Response{"ask": r.Ask(s, pages.Open, false), "done": r.Done(s, true), "undone": r.Undone(s), "kept": r.Kept(s), "queued": r.Queued(s)}
		for name, resp := range about {
			for _, words := range []string{acme.DisplayName(lang), newsletter.DisplayName(lang), "Acme AS", "+47 •••• 4567", "privacy@acme.example"} {
				if !strings.Contains(seen(resp), words) {
					t.Errorf("%s in %s does not say %q", name, lang, words)
				}
			}
		}
	}
}

func TestThePolicyAndTheContactAreLinked(t *testing.T) {
	resp := newPages(t).For(request("en", "")).Ask(subject(t, contact.Email, acme), pages.Open, false)
	for _, link := range []string{`href="https://acme.example/privacy"`, `href="mailto:privacy@acme.example"`} {
		if !strings.Contains(resp.Body, link) {
			t.Errorf("no %s", link)
		}
	}
}

// What a GET shows offers the other languages. What answers a form does not:
// the way back would ask once more.
func TestTheOtherLanguagesAreOffered(t *testing.T) {
	links := regexp.MustCompile(`<a href="\?lang=(\w+)" hreflang="(\w+)" lang="(\w+)">`)
	offers := []string{"ask", "ask more", "stands", "stands for good", "unopened", "not found"}
	for _, lang := range scope.Languages() {
		want := slices.DeleteFunc(slices.Sorted(slices.Values(scope.Languages())), func(l string) bool { return l == lang })
		for name, resp := range every(t, newPages(t).For(request(lang, "")), contact.Email, acme) {
			var got []string
			for _, m := range links.FindAllStringSubmatch(resp.Body, -1) {
				if m[1] != m[2] || m[1] != m[3] {
					t.Errorf("%s in %s: a link to %s says it leads to %s", name, lang, m[1], m[2:])
				}
				got = append(got, m[1])
			}
			slices.Sort(got)
			if slices.Contains(offers, name) != (len(got) > 0) || len(got) > 0 && !slices.Equal(got, want) {
				t.Errorf("%s in %s offers %v", name, lang, got)
			}
		}
	}
}

func TestPagesShowNoAddressAndNoPlaceholder(t *testing.T) {
	p := newPages(t)
	for _, lang := range scope.Languages() {
		for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
			for _, entry := range []scope.Entry{acme, newsletter} {
				for name, resp := range every(t, p.For(request(lang, "")), ch, entry) {
					body := resp.Body
					if i := strings.Index(body, "<body>"); i >= 0 {
						body = body[i:]
					}
					if strings.Contains(body, "kari@") || strings.Contains(body, "9123") || strings.ContainsAny(body, "{}") {
						t.Errorf("%s in %s: an address or a placeholder", name, lang)
					}
				}
			}
		}
	}
}

func TestAnAddressIsNoMarkup(t *testing.T) {
	s := subject(t, contact.Email, acme)
	var err error
	if s.Contact, err = contact.Normalise(contact.Email, "kari+a&amp@example.no", ""); err != nil {
		t.Fatal(err)
	}
	if page := newPages(t).For(request("", "")).Done(s, true).Body; !strings.Contains(page, "k•••+a&amp;amp@example.no") {
		t.Error("the mask is not escaped")
	}
}

func TestTheLanguageIsTheReaders(t *testing.T) {
	cases := []struct{ name, accept, query, want string }{
		{"none asked for", "", "", "en"},
		{"one we have", "nb", "", "nb"},
		{"one we have, with a region", "nb-NO,nb;q=0.9,en;q=0.5", "", "nb"},
		{"Norwegian without saying which", "no", "", "nb"},
		{"nynorsk", "nn-NO,nn;q=0.9,no;q=0.8,nb;q=0.7,en;q=0.5", "", "nn"},
		{"Norwegian without saying which, and then nynorsk", "no, nn;q=0.5", "", "nb"},
		{"Swedish as spoken in Finland", "sv-FI, fi;q=0.9", "", "sv"},
		{"German as spoken in Austria", "de-AT", "", "de"},
		{"Danish", "da-DK,da;q=0.9", "", "da"},
		{"Finnish", "fi-FI", "", "fi"},
		{"Lithuanian", "lt-LT,lt;q=0.9,en-US;q=0.8", "", "lt"},
		{"the better of two", "en;q=0.3, nb;q=0.8", "", "nb"},
		{"the best of many", "da;q=0.1, fi;q=0.2, lt;q=0.9, de;q=0.8", "", "lt"},
		{"a refused language", "de;q=0, fi;q=0.1", "", "fi"},
		{"the second where we lack the first", "zh, nb;q=0.5", "", "nb"},
		{"one we lack", "zh", "", "en"},
		{"garbage", ";;;q=,", "", "en"},
		{"the query before the header", "en", "lang=nb", "nb"},
		{"the query among other things", "nb", "utm=1&lang=en", "en"},
		{"a query in nynorsk", "nb", "lang=nn", "nn"},
		{"a query that says Norwegian", "nn", "lang=no", "nb"},
		{"a query with a region", "en", "lang=de-CH", "de"},
		{"a query we lack", "nb", "lang=zh", "nb"},
		{"a query that is garbage", "nb", "lang=%zz&%", "nb"},
	}
	p := newPages(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			resp := p.For(request(c.accept, c.query)).NotFound()
			if got := resp.Headers["content-language"]; got != c.want || !strings.Contains(resp.Body, `<html lang="`+c.want+`">`) {
				t.Errorf("want %s, got %s", c.want, got)
			}
		})
	}
}
