package domain_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"stille/shared/link/domain"
)

// world is what a guard sees.
type world struct {
	noted, unknown, answers bool
	read, asked             int
	now                     time.Time
}

func (w *world) Dead(context.Context, string, time.Time) (bool, error) {
	w.read++
	if w.unknown {
		return true, errors.New("the table does not answer")
	}
	return w.noted, nil
}

func (w *world) ask(_ context.Context, base string) error {
	w.asked++
	if w.answers && base == "https://links.acme.no" {
		return nil
	}
	return domain.ErrForeign
}

func (w *world) guard() *domain.Guard {
	return &domain.Guard{IsNoted: w.Dead, Ask: w.ask, Now: func() time.Time { return w.now }}
}

func TestOnlyKnownDeadDomainIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		world
		refused bool
	}{
		"nothing is noted":               {world{}, false},
		"nobody knows":                   {world{unknown: true}, false},
		"noted, and it answers again":    {world{noted: true, answers: true}, false},
		"noted, and it does not answer":  {world{noted: true}, true},
		"not noted, though it is silent": {world{answers: false}, false},
	} {
		err := test.guard().Check(t.Context(), "links.acme.no")
		var dead domain.DeadError
		if errors.As(err, &dead) != test.refused || test.refused && dead.Domain != "links.acme.no" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDomainIsUsedSoonAfterItsRepair(t *testing.T) {
	w := &world{noted: true}
	guard := w.guard()
	if err := guard.Check(t.Context(), "links.acme.no"); err == nil {
		t.Fatal("a dead domain is used")
	}
	w.answers = true // and the note stands
	w.now = w.now.Add(10 * time.Second)
	if err := guard.Check(t.Context(), "links.acme.no"); err != nil {
		t.Errorf("ten seconds after the repair: %v", err)
	}
	if err := guard.Check(t.Context(), "links.globex.no"); err == nil {
		t.Error("the verdict is another domain's")
	}
}

func TestDomainsCostNothingMostOfTheTime(t *testing.T) {
	w := &world{}
	guard := w.guard()
	for range 1000 {
		if err := guard.Check(t.Context(), "links.acme.no"); err != nil {
			t.Fatal(err)
		}
	}
	if w.read != 1 || w.asked != 0 {
		t.Errorf("%d reads and %d questions", w.read, w.asked)
	}
	w.noted, w.now = true, w.now.Add(time.Minute)
	for range 1000 {
		if err := guard.Check(t.Context(), "links.acme.no"); err == nil {
			t.Fatal("a note is never seen")
		}
	}
	if w.read != 2 || w.asked != 1 {
		t.Errorf("%d reads and %d questions", w.read, w.asked)
	}
}

func TestOnlyOurPageIsAnAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		headers map[string]string
		ours    bool
	}{
		"our page":            {http.StatusNotFound, map[string]string{"Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer"}, true},
		"another server":      {http.StatusNotFound, nil, false},
		"another strict page": {http.StatusNotFound, map[string]string{"Content-Security-Policy": "default-src 'none'"}, false},
		"a parked domain":     {http.StatusOK, map[string]string{"Content-Security-Policy": "x", "Referrer-Policy": "no-referrer"}, false},
		"a redirect":          {http.StatusFound, map[string]string{"Location": "/e/other"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/e/doctor" { // where the redirect leads
					w.Header().Set("Content-Security-Policy", "x")
					w.Header().Set("Referrer-Policy", "x")
					w.WriteHeader(http.StatusNotFound)
					return
				}
				for header, value := range test.headers {
					w.Header().Set(header, value)
				}
				w.WriteHeader(test.status)
			}))
			defer server.Close()
			if err := domain.Ask(t.Context(), domain.Client(), server.URL); (err == nil) != test.ours {
				t.Errorf("%v", err)
			}
		})
	}
}
