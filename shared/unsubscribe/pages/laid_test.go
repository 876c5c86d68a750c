package pages_test

import (
	"fmt"
	"html"
	"strings"
	"testing"
	"time"

	"stille/shared/contact"
	"stille/shared/unsubscribe/pages"
)

func TestEveryPersonSeesTheirOwnPage(t *testing.T) {
	r := newPages(t).For(request("en", ""))
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		for n := range 3 {
			s := subject(t, ch, newsletter)
			address := map[contact.Channel]string{contact.Email: fmt.Sprintf("%ckari@example.no", 'a'+n), contact.SMS: fmt.Sprintf("+479123456%d", n)}[ch]
			person, err := contact.Normalise(ch, address, "")
			if err != nil {
				t.Fatal(err)
			}
			s.Contact = person
			since := noon.AddDate(0, 0, n)
			shown := map[string]string{
				"ask": r.Ask(s, pages.Open, false).Body, "done": r.Done(s, true).Body,
				"stands": r.Stands(s, pages.Standing{Since: since}).Body,
			}
			for name, body := range shown {
				if strings.Count(body, html.EscapeString(person.Masked())) != 1 || strings.Contains(body, "\ue000") {
					t.Errorf("%s by %s to person %d lacks their address", name, ch, n)
				}
			}
			date := fmt.Sprintf(`<time datetime="%s">%s</time>`, since.Format(time.RFC3339), since.Format("2 January 2006"))
			if !strings.Contains(shown["stands"], date) {
				t.Errorf("stands by %s to person %d lacks the date of their silence", ch, n)
			}
		}
	}
}

func TestEveryContentHasItsPage(t *testing.T) {
	all := newPages(t)
	topics := []string{""}
	for n := range 1000 {
		topics = append(topics, fmt.Sprint("topic", n))
	}
	for range 2 {
		for _, topic := range topics {
			for _, language := range []string{"en", "nb"} {
				resp := all.For(request(language, "")).Later(pages.UnsubscribeTopic, topic)
				named := strings.Contains(resp.Body, `value="`+topic+`"`)
				if named != (topic != "") || resp.StatusCode != 503 || !strings.Contains(resp.Body, `lang="`+language+`"`) {
					t.Fatalf("topic %q in %s has another page", topic, language)
				}
			}
		}
	}
}
