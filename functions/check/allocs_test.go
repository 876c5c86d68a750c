package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/contact"
	"stille/shared/suppression"
)

// only is the one tool there is, whatever key it shows.
type only access.Tool

func (o only) Tool(context.Context, string) (access.Tool, error) { return access.Tool(o), nil }

// empty is a list that answers at no cost.
type empty struct{}

func (empty) Lookup(_ context.Context, contacts [][]contact.Key) ([]suppression.Found, error) {
	return make([]suppression.Found, len(contacts)), nil
}

// eventOf is a check of contacts nobody asked about before, as API Gateway
// sends it: every other an e-mail address, counted from first.
func eventOf(t testing.TB, h *apitest.House, first, contacts int) []byte {
	t.Helper()
	many := make([]string, contacts)
	for i := range many {
		many[i] = written(first + i)
	}
	var sent map[string]any
	h.Event(t, "check.two-contacts.json", &sent)
	sent["body"] = asking("acme", "", strings.Join(many, ","))
	event, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func written(i int) string {
	if i%2 == 0 {
		return fmt.Sprintf(`{"channel":"email","address":"kari.%d@example.no"}`, i)
	}
	return fmt.Sprintf(`{"channel":"sms","address":"+47 912 %02d %03d"}`, i/1000, i%1000)
}

// The store costs nothing here, so what is counted is our own code, from the
// event's bytes to the answer's.
func TestACheckAllocatesLittleForAContact(t *testing.T) {
	const most, runs = 20, 5
	h := apitest.New(t)
	h.Log = slog.New(slog.DiscardHandler)
	function := lambda.NewHandler(api.Serve(access.NewGuard(only(h.Tool), time.Now), h.Log, newHandler(h, empty{}).call()))
	events := make([][]byte, runs+1) // the first is for warming up
	for i := range events {
		events[i] = eventOf(t, h, i*api.MaxContacts, api.MaxContacts)
	}
	next := 0
	allocations := testing.AllocsPerRun(runs, func() {
		if answer, err := function.Invoke(t.Context(), events[next]); err != nil || !strings.Contains(string(answer), `\"send\":true`) {
			t.Fatalf("%v: %.200s", err, answer)
		}
		next++
	})
	if each := allocations / api.MaxContacts; each >= most {
		t.Errorf("%.1f allocations a contact, want under %d", each, most)
	} else {
		t.Logf("%.1f allocations a contact", each)
	}
}
