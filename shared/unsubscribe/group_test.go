package unsubscribe_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// silent lists the scopes in which marketing is stopped by their own mark.
func (w *world) silent(t *testing.T) []string {
	t.Helper()
	var found []string
	for s, reasons := range w.item(t, contact.Email).Marks {
		if slices.ContainsFunc(slices.Collect(maps.Values(reasons)), suppression.Mark.Active) {
			found = append(found, string(s))
		}
	}
	slices.Sort(found)
	return found
}

func TestAFormStopsWhatItSays(t *testing.T) {
	house := []string{"acme", "globex", "initech"}
	cases := []struct {
		name, body string
		id         uint16
		want       []string
		says       string
	}{
		{"the group", "action=unsubscribe-group", acmeID, house, "Marketing e-mail from Acme, Globex and Initech has stopped"},
		{"the group through a topic's link", "action=unsubscribe-group", newsletterID, house, "Acme, Globex and Initech has stopped"},
		{"the group of a brand that is in none", "action=unsubscribe-group", umbrellaID, []string{"umbrella"}, "Marketing e-mail from Umbrella has stopped"},
		{"a topic", "action=unsubscribe-topic&topic=newsletter", acmeID, []string{"acme/newsletter"}, "You have stopped the Acme newsletter by e-mail"},
		{"a topic by its scope, in capitals", "action=unsubscribe-topic&topic=Acme/Newsletter+", acmeID, []string{"acme/newsletter"}, "You have stopped the Acme newsletter"},
		{"an unknown topic", "action=unsubscribe-topic&topic=offers", acmeID, []string{"acme"}, "Marketing e-mail from Acme has stopped"},
		{"an unknown topic on a topic's link", "action=unsubscribe-topic&topic=offers", newsletterID, []string{"acme/newsletter"}, "You have stopped the Acme newsletter"},
		{"a topic of another brand", "action=unsubscribe-topic&topic=newsletter", globexID, []string{"globex"}, "Marketing e-mail from Globex has stopped"},
		{"no topic", "action=unsubscribe-topic", acmeID, []string{"acme"}, "Marketing e-mail from Acme has stopped"},
		{"two topics", "action=unsubscribe-topic&topic=newsletter&topic=offers", acmeID, []string{"acme"}, "Marketing e-mail from Acme has stopped"},
		{"a topic and the brand", "action=unsubscribe-topic&topic=newsletter&action=unsubscribe", acmeID, []string{"acme"}, "Marketing e-mail from Acme has stopped"},
		{"a topic and something unreadable", "action=unsubscribe-topic&topic=newsletter&%zz", acmeID, []string{"acme"}, "Marketing e-mail from Acme has stopped"},
		{"a topic and one-click", "action=unsubscribe-topic&topic=newsletter&List-Unsubscribe=One-Click", acmeID, []string{"acme"}, "Unsubscribed."},
		{"the group and the topic", "action=unsubscribe-topic&topic=newsletter&action=unsubscribe-group", acmeID, house, "Acme, Globex and Initech has stopped"},
		{"a topic beside the undo", "action=resubscribe&topic=newsletter", acmeID, []string{"acme"}, "Marketing e-mail from Acme has stopped"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			resp := w.send(t, post(w.path(t, contact.Email, c.id), urlencoded, c.body))
			if diff := cmp.Diff(c.want, w.silent(t)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if resp.StatusCode != 200 || !strings.Contains(strings.ReplaceAll(resp.Body, "\u2011", "-"), c.says) {
				t.Errorf("status %d, or the page does not say %q", resp.StatusCode, c.says)
			}
			w.noLeak(t, resp)
		})
	}
}

// An undo takes back what its link stopped, and nothing else.
func TestAnUndoTakesBackItsLinksOptOuts(t *testing.T) {
	const group, topic = "action=unsubscribe-group", "action=unsubscribe-topic&topic=newsletter"
	type step struct {
		id   uint16
		body string
	}
	click := func(id uint16) step { return step{id, "List-Unsubscribe=One-Click"} }
	undo := func(id uint16) step { return step{id, "action=resubscribe"} }
	cases := []struct {
		name   string
		steps  []step
		offers bool // of the page after the newest form
		want   []string
	}{
		{"the group", []step{{acmeID, group}, undo(acmeID)}, true, nil},
		{"the group, after a click on the same link", []step{click(acmeID), {acmeID, group}, undo(acmeID)}, true, nil},
		{"the group, after a click on another brand's link", []step{click(globexID), {acmeID, group}, undo(acmeID)}, true, []string{"globex"}},
		{"the group, before a click on another brand's link", []step{{acmeID, group}, click(globexID), undo(acmeID)}, true, []string{"globex"}},
		{"the group, by another brand's link", []step{{acmeID, group}, undo(globexID)}, true, []string{"acme", "initech"}},
		{"the group, told by two links", []step{{acmeID, group}, {globexID, group}, undo(acmeID)}, true, []string{"globex", "initech"}},
		{"the group, told by two links, by the other", []step{{acmeID, group}, {globexID, group}, undo(globexID)}, true, []string{"acme", "initech"}},
		{"the group, through a topic's link", []step{{newsletterID, group}, undo(newsletterID)}, false, []string{"acme", "globex", "initech"}},
		{"a topic", []step{{acmeID, topic}, undo(acmeID)}, true, nil},
		{"a topic, after a click on its own link", []step{click(newsletterID), {acmeID, topic}, undo(acmeID)}, false, []string{"acme/newsletter"}},
		{"a topic, by its own link", []step{{acmeID, topic}, undo(newsletterID)}, true, nil},
	}
	for _, between := range []time.Duration{time.Minute, 2 * time.Hour} {
		for _, c := range cases {
			t.Run(c.name+", "+between.String()+" apart", func(t *testing.T) {
				w := newWorld(t)
				offered := false
				for _, s := range c.steps {
					w.now = w.now.Add(between)
					resp := w.send(t, post(w.path(t, contact.Email, s.id), urlencoded, s.body))
					if strings.HasPrefix(s.body, "action=unsubscribe") {
						offered = offersUndo(resp)
					}
				}
				if diff := cmp.Diff(c.want, w.silent(t)); diff != "" || offered != c.offers {
					t.Errorf("an undo is offered: %v (-want +got):\n%s", offered, diff)
				}
			})
		}
	}
}

func TestAGroupIsNotUndoneLater(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	w.send(t, form(path, "unsubscribe-group"))
	w.now = w.now.Add(25 * time.Hour)
	w.send(t, form(path, "resubscribe"))
	if diff := cmp.Diff([]string{"acme", "globex", "initech"}, w.silent(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheUndonePageNamesTheBrands(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	w.send(t, oneClick(w.path(t, contact.Email, globexID)))
	w.now = w.now.Add(time.Minute)
	w.send(t, form(path, "unsubscribe-group"))
	w.now = w.now.Add(time.Minute)
	page := strings.ReplaceAll(w.send(t, form(path, "resubscribe")).Body, "\u2011", "-")
	if !strings.Contains(page, "You may get marketing e-mail from Acme and Initech again") || !strings.Contains(page, `value="unsubscribe-group"`) {
		t.Error("it names other brands, or stops another number of them again")
	}
}

func TestTheUndonePageNamesOnlyWhoMaySend(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	_, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{w.key(t, contact.Email)}}, suppression.Change{
		Action: suppression.Suppress, Scope: "initech", Reason: suppression.Complaint, At: w.now, Source: suppression.SourceSESComplaint,
	}, w.now)
	must(t, err)
	w.send(t, form(path, "unsubscribe-group"))
	w.now = w.now.Add(time.Minute)
	if page := w.send(t, form(path, "resubscribe")).Body; !strings.Contains(page, "from Acme and Globex again") {
		t.Error("it names a brand that may not send")
	}
}

// Where the store goes away in the middle, the link's own brand is not what waits.
func TestTheLinksOwnBrandIsStoppedFirst(t *testing.T) {
	w := newWorld(t)
	w.failsAfter = 1
	w.send(t, form(w.path(t, contact.Email, globexID), "unsubscribe-group"))
	if diff := cmp.Diff([]string{"globex"}, w.silent(t)); diff != "" || len(w.waits(t)) != 2 {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An outage of the store keeps every wish.
func TestEveryActionIsQueuedAlike(t *testing.T) {
	cases := map[string][]scope.Scope{
		"action=unsubscribe":                        {"acme"},
		"action=unsubscribe-all":                    {"acme"},
		"action=unsubscribe-topic&topic=newsletter": {"acme/newsletter"},
		"action=unsubscribe-group":                  {"acme", "globex", "initech"},
	}
	for body, want := range cases {
		t.Run(body, func(t *testing.T) {
			for stored := range len(want) {
				w := newWorld(t)
				if stored > 0 {
					w.failsAfter = stored // the store goes away in the middle
				} else {
					w.listErr = errDown
				}
				resp := w.send(t, post(w.path(t, contact.Email, acmeID), urlencoded, body))
				var got []scope.Scope
				for _, o := range w.waits(t) {
					got = append(got, o.Scope)
				}
				if diff := cmp.Diff(want[stored:], got); diff != "" || resp.StatusCode != 503 || resp.Headers["retry-after"] == "" {
					t.Errorf("%d stored: status %d (-want +got):\n%s", stored, resp.StatusCode, diff)
				}
				w.noLeak(t, resp)
			}
		})
	}
}
