package unsubscribe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// tell stores what a tool or an import tells of the person of the links.
func (w *world) tell(t *testing.T, r suppression.Reason, source suppression.Source, at time.Time) suppression.Outcome {
	t.Helper()
	outcome, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{w.key(t, contact.Email)}}, suppression.Change{
		Action: suppression.Suppress, Scope: "acme", Reason: r, At: at, Source: source, Note: "ticket-81",
	}, w.now)
	must(t, err)
	return outcome
}

func TestAnUndoLeavesWhatAToolTold(t *testing.T) {
	for _, test := range []struct {
		reason suppression.Reason
		source suppression.Source
	}{
		{suppression.Unsubscribed, "tool:crm"},
		{suppression.Unsubscribed, suppression.SourceImport},
		{suppression.Objection, "tool:crm"},
		{suppression.Manual, "tool:crm"},
	} {
		for _, order := range []string{"click told undo", "told click undo", "click undo told"} {
			t.Run(string(test.reason)+" from "+string(test.source)+", "+order, func(t *testing.T) {
				w := newWorld(t)
				path, days := w.path(t, contact.Email, acmeID), w.now.AddDate(0, 0, -6)
				for step := range strings.FieldsSeq(order) {
					w.now = w.now.Add(time.Minute)
					switch step {
					case "click":
						w.send(t, oneClick(path))
					case "told":
						w.tell(t, test.reason, test.source, days)
					case "undo":
						resp := w.send(t, form(path, "resubscribe"))
						if says := strings.Contains(resp.Body, "is still stopped"); says != (order != "click undo told") {
							t.Errorf("the page says still stopped: %v", says)
						}
					}
				}
				item := w.list.Item(w.key(t, contact.Email))
				d := suppression.Decide(item, suppression.Marketing, "acme")
				want := suppression.Decision{Reason: test.reason, Scope: "acme", Since: days}
				if diff := cmp.Diff(want, d); diff != "" {
					t.Errorf("check (-want +got):\n%s", diff)
				}
				if test.reason != suppression.Unsubscribed && item.Marks["acme"][suppression.Unsubscribed].Active() {
					t.Error("the link's own mark stands")
				}
				noted := 0
				for _, e := range w.list.Entries() {
					if e.Note == "ticket-81" {
						noted++
					}
				}
				if noted != 1 {
					t.Errorf("the history names the ticket %d times", noted)
				}
			})
		}
	}
}

func TestAnUndoOfTheTopicLeavesTheBrand(t *testing.T) {
	for _, order := range [][2]uint16{{acmeID, newsletterID}, {newsletterID, acmeID}} {
		w := newWorld(t)
		for _, id := range order {
			w.now = w.now.Add(time.Minute)
			w.send(t, oneClick(w.path(t, contact.Email, id)))
		}
		w.now = w.now.Add(time.Minute)
		w.send(t, form(w.path(t, contact.Email, newsletterID), "resubscribe"))
		marks := w.list.Item(w.key(t, contact.Email)).Marks
		for in, want := range map[scope.Scope]bool{"acme": true, "acme/newsletter": false} {
			if marks[in][suppression.Unsubscribed].Active() != want {
				t.Errorf("clicks %v: %s stopped is not %v", order, in, want)
			}
		}
	}
}

func TestARepeatedClickWritesNothing(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	expect := func(entries int) {
		t.Helper()
		if got := len(w.list.Entries()); got != entries || !w.stopped(t, contact.Email, "acme") {
			t.Errorf("%d entries, want %d", got, entries)
		}
	}
	for n := range 20 {
		w.now = w.now.Add(time.Second)
		request := oneClick(path)
		if n%2 == 1 {
			request = form(path, "unsubscribe")
		}
		w.send(t, request)
	}
	expect(1)
	w.tell(t, suppression.Unsubscribed, "tool:crm", w.now)
	expect(2)
	w.now = w.now.Add(2 * time.Hour)
	w.send(t, oneClick(path))
	expect(3)
}
