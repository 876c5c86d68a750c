package unsubscribe_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

// shown is what a page tells of the state.
type shown struct {
	State string
	Since string // the date, "" for none
	Undo  bool
}

func tells(resp gateway.Response) shown {
	find := func(pattern string) string {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(resp.Body); m != nil {
			return m[1]
		}
		return ""
	}
	return shown{find(`<main data-state="(\w+)">`), find(`<time datetime="[^"]+">([^<]+)</time>`), offersUndo(resp)}
}

// actions are those that a page offers, with their topics.
func actions(resp gateway.Response) []string {
	var found []string
	for _, form := range strings.Split(resp.Body, "<form")[1:] {
		topic := ""
		if m := regexp.MustCompile(`name="topic" value="([^"]*)"`).FindStringSubmatch(form); m != nil {
			topic = " " + m[1]
		}
		for _, m := range regexp.MustCompile(`name="action" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
			found = append(found, m[1]+topic)
		}
	}
	return found
}

func TestAReopenedLinkTellsTheState(t *testing.T) {
	const since = "22 November 2026"
	stopped := shown{State: "stopped", Since: since}
	undoable := shown{State: "stopped", Since: since, Undo: true}
	cases := []struct {
		name  string
		id    uint16
		steps string
		want  shown
	}{
		{"nothing happened", acmeID, "", shown{State: "open"}},
		{"a click", acmeID, "click", undoable},
		{"a click, then an undo", acmeID, "click undo", shown{State: "open"}},
		{"a click, an undo and a click", acmeID, "click undo click", undoable},
		{"a click 24 hours ago", acmeID, "click wait", stopped},
		{"a tool", acmeID, "tool", shown{State: "stopped", Since: "16 November 2026"}},
		{"a click and a tool", acmeID, "click tool", shown{State: "stopped", Since: "16 November 2026"}},
		{"the topic's link after a click on it", newsletterID, "click", undoable},
		{"the topic's link after a click on the brand's", newsletterID, "brand", stopped},
		{"the topic's link after both", newsletterID, "click brand", stopped},
		{"the topic's link after everywhere", newsletterID, "everywhere", stopped},
		{"the brand's link after a click on the topic's", acmeID, "topic", shown{State: "open"}},
		{"another brand's link", globexID, "brand", shown{State: "open"}},
		{"a store that is down", acmeID, "click down", shown{State: "unknown"}},
		{"keys of another table", acmeID, "click foreign", shown{State: "unknown"}},
		{"an item that cannot be read", acmeID, "click spoil", shown{State: "unknown"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			path := w.path(t, contact.Email, c.id)
			for step := range strings.FieldsSeq(c.steps) {
				w.now = w.now.Add(time.Second)
				switch step {
				case "click":
					w.send(t, oneClick(path))
				case "undo":
					w.send(t, form(path, "resubscribe"))
				case "brand":
					w.send(t, oneClick(w.path(t, contact.Email, acmeID)))
				case "topic":
					w.send(t, oneClick(w.path(t, contact.Email, newsletterID)))
				case "tool":
					w.tell(t, suppression.Unsubscribed, "tool:crm", w.now.AddDate(0, 0, -6))
				case "everywhere":
					_, err := w.list.Apply(t.Context(), contact.Known{Channel: contact.Email, Keys: []contact.Key{w.key(t, contact.Email)}}, suppression.Change{
						Action: suppression.Suppress, Scope: scope.Everywhere, Reason: suppression.Complaint, At: w.now, Source: suppression.SourceSESComplaint,
					}, w.now)
					must(t, err)
				case "wait":
					w.now = w.now.Add(24 * time.Hour)
				case "down":
					w.listErr = errDown
				case "foreign":
					w.contactErr = contact.ErrForeignKeys
				case "spoil":
					w.list.Spoil(w.key(t, contact.Email))
				}
			}
			entries := len(w.list.Entries())
			resp, head := w.send(t, request("GET", path)), w.send(t, request("HEAD", path))
			if diff := cmp.Diff(c.want, tells(resp)); diff != "" || resp.StatusCode != 200 {
				t.Errorf("status %d (-want +got):\n%s", resp.StatusCode, diff)
			}
			if diff := cmp.Diff(resp.Headers, head.Headers); diff != "" || head.StatusCode != 200 || head.Body != "" {
				t.Errorf("HEAD: status %d %s", head.StatusCode, diff)
			}
			if len(w.list.Entries()) != entries {
				t.Error("it wrote")
			}
			w.noLeak(t, resp)
		})
	}
}

func TestTheDateIsTheZonesDate(t *testing.T) {
	oslo, err := time.LoadLocation("Europe/Oslo")
	must(t, err)
	w := newWorld(t)
	w.now = time.Date(2026, 11, 22, 23, 30, 0, 0, time.UTC)
	h := w.handlers[contact.Email]
	h.Zone = oslo
	w.handlers[contact.Email] = h
	path := w.path(t, contact.Email, acmeID)
	w.send(t, oneClick(path))
	if got := tells(w.send(t, request("GET", path))).Since; got != "23 November 2026" {
		t.Errorf("since %q", got)
	}
}

// A store that hangs must not keep a reader waiting.
func TestAHangingStoreGivesTodaysPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		path := w.path(t, contact.Email, acmeID)
		w.list.Before = func(ctx context.Context, _ suppressiontest.Call) error {
			<-ctx.Done()
			return ctx.Err()
		}
		began := time.Now()
		resp := w.send(t, request("GET", path))
		if took := time.Since(began); tells(resp).State != "unknown" || resp.StatusCode != 200 || took > 300*time.Millisecond {
			t.Errorf("state %q, status %d after %v", tells(resp).State, resp.StatusCode, took)
		}
	})
}

// Every page that waits holds a place that an opt-out may need.
func TestPageDoesNotWaitWhileTheStoreHangs(t *testing.T) {
	w := newWorld(t)
	path := w.path(t, contact.Email, acmeID)
	w.listErr = context.DeadlineExceeded
	for range 3 {
		w.send(t, oneClick(path))
	}
	w.listErr = nil
	for after, want := range map[time.Duration]string{time.Second: "unknown", 10 * time.Second: "open"} {
		began := w.now
		w.now = w.now.Add(after)
		if got := tells(w.send(t, request("GET", path))).State; got != want {
			t.Errorf("%v after the store hung: %s", after, got)
		}
		w.now = began
	}
}

func TestAPageOffersWhatIsLeft(t *testing.T) {
	cases := []struct {
		name  string
		id    uint16
		steps []string
		want  []string
	}{
		{"a brand's link", acmeID, nil, []string{"unsubscribe", "unsubscribe-topic newsletter", "unsubscribe-group"}},
		{"a topic's link", newsletterID, nil, []string{"unsubscribe", "unsubscribe-all"}},
		{"a brand without topic and group", umbrellaID, nil, []string{"unsubscribe"}},
		{"the topic is stopped", acmeID, []string{"action=unsubscribe-topic&topic=newsletter"}, []string{"unsubscribe", "unsubscribe-group", "resubscribe"}},
		{"the brand is stopped", acmeID, []string{"action=unsubscribe"}, []string{"resubscribe", "unsubscribe-group"}},
		{"the group is stopped", acmeID, []string{"action=unsubscribe-group"}, []string{"resubscribe"}},
		{"a topic's link, the topic stopped", newsletterID, []string{"action=unsubscribe"}, []string{"resubscribe", "unsubscribe-all"}},
		{"a topic's link, the brand stopped", newsletterID, []string{"action=unsubscribe-all"}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			path := w.path(t, contact.Email, c.id)
			for _, body := range c.steps {
				w.send(t, post(path, urlencoded, body))
			}
			w.now = w.now.Add(time.Minute)
			if diff := cmp.Diff(c.want, actions(w.send(t, request("GET", path)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachAddressHasASilenceOfItsOwn(t *testing.T) {
	w := newWorld(t)
	path := func(address string) string {
		c, err := contact.Normalise(contact.Email, address, "")
		must(t, err)
		token, err := w.linkKeys.Mint(link.Target{ScopeID: acmeID, Contact: c})
		must(t, err)
		return link.Path(contact.Email, token)
	}
	plain, tagged := path("kari@example.no"), path("kari+shop@example.no")
	w.send(t, oneClick(tagged))
	for path, want := range map[string]struct{ state, mask string }{plain: {"open", ">k•••@example.no<"}, tagged: {"stopped", ">k•••+shop@example.no<"}} {
		resp := w.send(t, request("GET", path))
		if got := tells(resp).State; got != want.state || !strings.Contains(resp.Body, want.mask) {
			t.Errorf("state %q, or the mask %q is not there", got, want.mask)
		}
	}
}
