//go:build stack

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"stille/shared/names"
)

// hook adds a hook and returns its address, which works once it answers.
func (s *story) hook(t *testing.T, provider, in string) string {
	t.Helper()
	said, err := s.operator(t.Context(), "hook", "add", provider, in, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var added struct{ URL string }
	if err := json.Unmarshal([]byte(said), &added); err != nil || !strings.HasPrefix(added.URL, s.stack.Hooks) {
		t.Fatalf("error %v, or an address of another stack", err)
	}
	return added.URL
}

func report(t *testing.T, url, body string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func TestAnotherSystemsOptOutHoldsInItsScope(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("hook")
	brand := string(s.stack.Scope)
	url := s.hook(t, "brevo", brand)
	body := fmt.Sprintf(`[{"event":"unsubscribed","email":%q,"ts_event":%d}]`, p.email, time.Now().Unix())
	var got int
	for limit := time.Now().Add(patience); time.Now().Before(limit); time.Sleep(time.Second) {
		if got = report(t, url, body); got != http.StatusNotFound {
			break
		}
	}
	if got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	if err := s.expect(t.Context(), p, false, true); err != nil {
		t.Error(err)
	}
	if got := report(t, url+"x", body); got != http.StatusUnauthorized {
		t.Errorf("with another key: status %d", got)
	}
	if _, err := s.operator(t.Context(), "hook", "test", "brevo", brand); err != nil {
		t.Error(err)
	}
	if got := report(t, url, `[{"event":"unsubscribed","email":"nobody at all"}]`); got != http.StatusOK {
		t.Errorf("an opt-out without an address: status %d", got)
	}
	eventually(t, "the opt-out without an address waits for nobody", func() bool {
		type queues struct {
			Queues []struct {
				Queue    string
				Messages int
			}
		}
		list, err := answerOf[queues](t.Context(), s, "queues", "list")
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range list.Queues {
			if q.Queue == names.QueueHookDead && q.Messages > 0 {
				return true
			}
		}
		return false
	})
	if said, err := s.operator(t.Context(), "hook", "list"); err != nil || !strings.Contains(said, "brevo") || strings.Contains(said, "key=") {
		t.Errorf("error %v, it says %s", err, said)
	}
	if _, err := s.operator(t.Context(), "hook", "remove", "brevo", brand); err != nil {
		t.Error(err)
	}
}
