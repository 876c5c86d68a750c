package suppression_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/feedback"
	"stille/shared/feedback/ses"
	"stille/shared/ledger"
	"stille/shared/scope"
	"stille/shared/sms/keyword"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
)

var (
	everyScope   = []scope.Scope{"acme", "acme/newsletter", "globex", "*"}
	everyReason  = suppression.Reasons()
	everyPurpose = []suppression.Purpose{suppression.Marketing, suppression.Transactional}
)

// who is one person on one channel.
type who struct {
	person  string
	channel contact.Channel
}

// village is two people with an address and a number each, and everything that
// can happen to them.
type village struct {
	*rapid.T
	now    time.Time
	scopes *scope.Registry
	items  map[who]suppression.Item
	keys   int // that were ever made
	about  who // the subject of the next step
	lifts  time.Time
	waits  map[who][]string // in the queue
}

func newVillage(t *rapid.T) *village {
	scopes, err := scope.Load([]byte("scopes:\n  - {id: 1, scope: acme, controller: Acme, name: {en: Acme}, policyURL: https://acme.example/, contact: a@acme.example, linkDomain: l.acme.example}\n" +
		"  - {id: 2, scope: globex, controller: Globex, name: {en: Globex}, policyURL: https://globex.example/, contact: a@globex.example, linkDomain: l.globex.example}\n"))
	if err != nil {
		t.Fatal(err)
	}
	v := &village{T: t, now: monday, scopes: scopes, items: map[who]suppression.Item{}, waits: map[who][]string{}}
	for _, person := range []string{"kari", "ola"} {
		for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
			v.items[who{person, ch}] = suppression.Item{Key: v.key(), Channel: ch}
		}
	}
	return v
}

func (v *village) key() contact.Key {
	v.keys++
	return contact.Key(fmt.Sprintf("%048d", v.keys))
}

// drawPerson is a person on one of the channels, or on any.
func (v *village) drawPerson(channels ...contact.Channel) who {
	if len(channels) == 0 {
		channels = []contact.Channel{contact.Email, contact.SMS}
	}
	v.about = who{rapid.SampledFrom([]string{"kari", "ola"}).Draw(v.T, "person"), rapid.SampledFrom(channels).Draw(v.T, "channel")}
	return v.about
}

// earlier is now or up to two days ago, often the time of something else.
func (v *village) earlier() time.Time {
	return v.now.Add(-time.Duration(rapid.SampledFrom([]int{0, 0, 1, 2, 3, 24, 48}).Draw(v.T, "hours ago")) * time.Hour)
}

func (v *village) apply(w who, c suppression.Change) suppression.Effect {
	if c.Action != suppression.Suppress {
		v.lifts = c.At
	}
	outcome, err := suppression.Apply(v.items[w], c, "01K", v.now)
	if err != nil {
		v.Fatal(err)
	}
	v.items[w] = outcome.Item
	return outcome.Effect
}

func (v *village) change(action suppression.Action, r suppression.Reason, at time.Time, from suppression.Source) suppression.Change {
	return suppression.Change{Action: action, Reason: r, At: at, Source: from, Scope: rapid.SampledFrom(everyScope).Draw(v.T, "scope")}
}

func (v *village) click(_ *rapid.T) {
	source := rapid.SampledFrom([]suppression.Source{suppression.SourceLink, suppression.SourceOneClick}).Draw(v.T, "source")
	w, c := v.drawPerson(), v.change(suppression.Suppress, suppression.Unsubscribed, v.now, source)
	v.apply(w, c)
	if suppression.Decide(v.items[w], suppression.Marketing, c.Scope).Send {
		v.Fatal("a click did not silence")
	}
}

func (v *village) undo(_ *rapid.T) {
	v.apply(v.drawPerson(), v.change(suppression.Undo, suppression.Unsubscribed, v.now, suppression.SourceLink))
}

func (v *village) tell(_ *rapid.T) {
	reason := rapid.SampledFrom(everyReason).Draw(v.T, "reason") // erasure too
	v.apply(v.drawPerson(), v.change(suppression.Suppress, reason, v.earlier(), suppression.SourceTool))
}

func (v *village) consent(_ *rapid.T) {
	c := suppression.Consent{
		Scope: rapid.SampledFrom(everyScope).Draw(v.T, "scope"), At: v.earlier(), Source: suppression.SourceTool, Evidence: "e",
		Operator: rapid.Bool().Draw(v.T, "operator"),
	}
	w := v.drawPerson()
	for _, change := range c.Lifts(v.items[w]) {
		v.apply(w, change)
	}
}

func (v *village) feedback(_ *rapid.T) {
	kind := rapid.SampledFrom([]string{"Bounce", "Complaint", "Delivery"}).Draw(v.T, "kind")
	w, at := v.drawPerson(contact.Email), v.earlier().Format(time.RFC3339)
	named := []map[string]string{{"emailAddress": w.person + "@example.no"}}
	event, err := json.Marshal(map[string]any{
		"eventType": kind,
		"bounce": map[string]any{
			"bounceType":    rapid.SampledFrom([]string{"Permanent", "Transient"}).Draw(v.T, "type"),
			"bounceSubType": rapid.SampledFrom([]string{"General", "Suppressed"}).Draw(v.T, "subtype"), "timestamp": at, "bouncedRecipients": named,
		},
		"complaint": map[string]any{"timestamp": at, "complainedRecipients": named},
		"mail":      map[string]any{"tags": map[string][]string{"brand": {"acme"}}},
	})
	if err != nil {
		v.Fatal(err)
	}
	found, err := ses.Read(string(event), v.scopes, v.now)
	if err != nil {
		v.Fatal(err)
	}
	if found.Effect == feedback.Suppresses {
		v.apply(w, found.Change)
	}
}

func (v *village) answer(_ *rapid.T) {
	text := rapid.SampledFrom([]string{"Stopp!", "please don't stop", "START", "ja", "HELP"}).Draw(v.T, "text")
	w, at := v.drawPerson(contact.SMS), v.earlier()
	switch keyword.Read(text) {
	case keyword.Stop, keyword.Review:
		v.apply(w, v.change(suppression.Suppress, suppression.Stop, at, suppression.SourceSMS))
	case keyword.Start:
		c := v.change(suppression.Release, suppression.Stop, at, suppression.SourceSMS)
		v.apply(w, c)
		c.Reason = suppression.Unsubscribed
		v.apply(w, c)
	}
}

// wait has an opt-out wait while the store is down.
func (v *village) wait(_ *rapid.T) {
	w := v.drawPerson()
	message, err := json.Marshal(outage.Of(contact.Known{Channel: w.channel, Keys: []contact.Key{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}},
		v.change(suppression.Suppress, suppression.Unsubscribed, v.now, suppression.SourceOneClick)))
	if err != nil {
		v.Fatal(err)
	}
	v.waits[w] = append(v.waits[w], string(message))
}

func (v *village) drain(_ *rapid.T) {
	w := v.drawPerson()
	for _, message := range v.waits[w] {
		o, err := outage.Read(message)
		if err != nil {
			v.Fatal(err)
		}
		v.apply(w, o.Change())
	}
	v.waits[w] = nil
}

// rotate has a newer key's item, which may know something already, take over.
func (v *village) rotate(_ *rapid.T) {
	w := v.drawPerson()
	newer := suppression.Item{Key: v.key(), Channel: w.channel}
	if rapid.Bool().Draw(v.T, "known") {
		outcome, err := suppression.Apply(newer, v.change(suppression.Suppress, suppression.Stop, v.earlier(), suppression.SourceTool), "01K", v.now)
		if err != nil {
			v.Fatal(err)
		}
		newer = outcome.Item
	}
	var entry ledger.Entry
	v.items[w], entry = suppression.TakeOver(newer, v.items[w], "01K", v.now)
	if entry.Hash() != v.items[w].Head {
		v.Fatal("a taking-over is not in the chain")
	}
}

func (v *village) decisions(w who) map[string]suppression.Decision {
	all := map[string]suppression.Decision{}
	for _, in := range append([]scope.Scope{""}, everyScope...) {
		for _, purpose := range everyPurpose {
			all[string(purpose)+" in "+string(in)] = suppression.Decide(v.items[w], purpose, in)
		}
	}
	return all
}

// silencing is when what stops marketing anywhere was said, the last time.
func silencing(i suppression.Item) (last map[string]time.Time) {
	last = map[string]time.Time{}
	for s, reasons := range i.Marks {
		for r, m := range reasons {
			if m.Active() {
				last[string(s)+" "+string(r)] = m.Last
			}
		}
	}
	return last
}

// Whatever happens to one person on one channel: nobody else's messages, nor
// the same person's on the other channel, stop or go on because of it; and what
// stops them stands until a release, an undo or a START that is newer.
func TestEachChannelIsForItselfAndSilenceStays(t *testing.T) {
	ended := 0
	rapid.Check(t, func(t *rapid.T) {
		v := newVillage(t)
		before := map[who]map[string]suppression.Decision{}
		stood := map[who]map[string]time.Time{}
		remember := func() {
			for w, i := range v.items {
				before[w], stood[w] = v.decisions(w), silencing(i)
			}
			v.lifts = time.Time{}
		}
		remember()
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				for w, i := range v.items {
					if w != v.about && cmp.Diff(before[w], v.decisions(w)) != "" {
						t.Fatalf("what happened to %v changed what %v gets", v.about, w)
					}
					stands := silencing(i)
					for what, last := range stood[w] {
						if _, still := stands[what]; still {
							continue
						}
						if ended++; !v.lifts.After(last) {
							t.Fatalf("%s of %v ended, and nothing newer lifted it", what, w)
						}
					}
				}
				remember()
			},
			"time":     func(t *rapid.T) { v.now = v.now.Add(time.Duration(rapid.IntRange(1, 5).Draw(t, "hours")) * time.Hour) },
			"click":    v.click,
			"undo":     v.undo,
			"tell":     v.tell,
			"consent":  v.consent,
			"feedback": v.feedback,
			"answer":   v.answer,
			"wait":     v.wait,
			"drain":    v.drain,
			"rotate":   v.rotate,
		})
	})
	if ended == 0 {
		t.Error("no silence was ever ended: this shows nothing")
	}
}
