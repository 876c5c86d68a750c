//go:build store

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/feedback/ses"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// survivor is a town to whose people one thing happens after the other.
type survivor struct {
	*town
	list   *dynamo.Suppressions
	random *rand.Rand
	rows   map[int][]contact.Key // newer keys that were made for a contact
}

func (s *survivor) keys(n int) []contact.Key {
	s.t.Helper()
	own, err := s.house.Contacts.Keys(s.contacts[n])
	if err != nil {
		s.t.Fatal(err)
	}
	return append(append([]contact.Key(nil), s.rows[n]...), own...)
}

// earlier is now or up to two days ago.
func (s *survivor) earlier() time.Time {
	return s.house.Now.Add(-[]time.Duration{0, 0, time.Hour, 48 * time.Hour}[s.random.IntN(4)])
}

func (s *survivor) apply(n int, c suppression.Change) {
	s.t.Helper()
	if _, err := s.list.Apply(s.t.Context(), contact.Known{Channel: s.contacts[n].Channel(), Keys: s.keys(n)}, c, s.house.Now); err != nil {
		s.t.Fatal(err)
	}
}

// things are what can happen to a contact; they tell whether it may lift
// anything.
func (s *survivor) things() []func(n int) (lifts bool) {
	posted := func(body string) func(int) bool {
		return func(n int) bool {
			if status := s.post(n, body); status != http.StatusOK {
				s.t.Errorf("%q is answered with %d", body, status)
			}
			return body == "action="+pages.Resubscribe
		}
	}
	in := func() scope.Scope { return []scope.Scope{"acme", "acme/newsletter", "globex", "*"}[s.random.IntN(4)] }
	return []func(int) bool{
		posted("List-Unsubscribe=One-Click"), posted("action=" + pages.Unsubscribe),
		posted("action=" + pages.UnsubscribeAll), posted("action=" + pages.Resubscribe), posted("what?"),
		func(n int) bool { // a tool, an operator, an erasure, a reply
			reasons := suppression.Reasons()
			s.apply(n, suppression.Change{
				Action: suppression.Suppress, Scope: in(), Reason: reasons[s.random.IntN(len(reasons))], At: s.earlier(), Source: suppression.SourceTool,
			})
			return false
		},
		func(n int) bool {
			_, _, err := suppression.Lift(s.t.Context(), s.list, contact.Known{Channel: s.contacts[n].Channel(), Keys: s.keys(n)},
				suppression.Consent{Scope: in(), At: s.earlier(), Source: suppression.SourceTool, Evidence: "e", Operator: s.random.IntN(2) == 0}, s.house.Now)
			if err != nil {
				s.t.Error(err)
			}
			return true
		},
		func(n int) bool { // SES tells
			event, _ := json.Marshal(map[string]any{"eventType": "Complaint", "complaint": map[string]any{
				"timestamp": s.earlier().Format(time.RFC3339), "complainedRecipients": []map[string]string{{"emailAddress": s.contacts[n].Address()}},
			}})
			found, err := ses.Read(string(event), s.house.Scopes, s.house.Now)
			if err != nil {
				s.t.Fatal(err)
			}
			s.apply(n, found.Change)
			return false
		},
		func(n int) bool { // the queue is worked off at last
			s.waits = append(s.waits, outage.OptOut{
				Reason: suppression.Unsubscribed, Keys: s.keys(n)[len(s.rows[n]):], Channel: s.contacts[n].Channel(), Scope: in(), Source: suppression.SourceLink, At: s.earlier(),
			})
			s.drain(s.list)
			s.waits = nil
			return false
		},
		func(n int) bool { // a newer key takes over
			if len(s.rows[n]) < 2 {
				s.rows[n] = append([]contact.Key{contact.Key(fmt.Sprintf("%046d%d%d", n, len(s.rows[n]), 1))}, s.rows[n]...)
			}
			s.apply(n, suppression.Change{Action: suppression.Suppress, Scope: "globex", Reason: suppression.Imported, At: s.earlier(), Source: suppression.SourceTool})
			return false
		},
	}
}

// answers are what check says of everybody, in a scope.
func (s *survivor) answers(in string) []result {
	s.t.Helper()
	ask := s.ask
	ask.Body = strings.Replace(ask.Body, `"scope":"acme"`, fmt.Sprintf(`"scope":%q`, in), 1)
	resp, err := s.check(s.list)(s.t.Context(), ask)
	var body response
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal([]byte(resp.Body), &body) != nil {
		s.t.Fatalf("the check is answered with %d, error %v", resp.StatusCode, err)
	}
	return body.Results
}

func TestChannelsAreSeparateAndOnlyConsentEndsSilence(t *testing.T) {
	db, stack := dynamotest.Tables(t)
	list, seed := dynamo.NewSuppressions(db, stack), rand.Uint64()
	s := &survivor{town: newTown(t, list, list), list: list, random: rand.New(rand.NewPCG(seed, 0)), rows: map[int][]contact.Key{}}
	before := map[string][]result{}
	asked := []string{"acme", "acme/newsletter", "globex", "*"}
	for _, in := range asked {
		before[in] = s.answers(in)
	}
	things := s.things()
	ended, began := 0, 0
	for step := range 80 {
		n, thing, hours := s.random.IntN(4), s.random.IntN(len(things)), s.random.IntN(3) // two people, two channels; the others never
		switch step {
		case 0:
			n, thing = 0, 1 // the button
		case 1:
			n, thing, hours = 0, 3, 1 // and its undo
		}
		s.house.Now = s.house.Now.Add(time.Duration(hours) * time.Hour)
		lifts := things[thing](n)
		for _, in := range asked {
			after := s.answers(in)
			if was, is := before[in][n].Send, after[n].Send; was != is {
				if is {
					ended++
				} else {
					began++
				}
				if is && !lifts {
					t.Errorf("seed %d, step %d: thing %d ended a silence in %s", seed, step, thing, in)
				}
			}
			before[in][n] = after[n]
			if diff := cmp.Diff(before[in], after); diff != "" {
				t.Errorf("seed %d, step %d: thing %d on one channel changed another's answer in %s", seed, step, thing, in)
			}
			before[in] = after
		}
	}
	if began == 0 || ended == 0 {
		t.Errorf("seed %d: %d silences began, %d ended: this shows nothing", seed, began, ended)
	}
}
