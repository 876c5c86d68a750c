package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/keyring"
)

// lines are a listing's sets and keys with the ids left out.
func lines(l keyring.Listing) []string {
	var all []string
	for _, set := range l.Sets {
		for _, key := range set.Keys {
			line := set.Name
			if key.Letter != "" {
				line += " " + key.Letter
			}
			line += " " + (time.Duration(key.AgeDays) * 24 * time.Hour).String()
			if key.Primary {
				line += " primary"
			}
			if key.Pending {
				line += " pending"
			}
			all = append(all, line)
		}
		if set.Next != "" {
			line := set.Name + " next " + strings.TrimRight(set.Next, "0123456789abcdef")
			if !set.From.IsZero() {
				line += " from " + set.From.Format(time.RFC3339)
			}
			all = append(all, line)
		}
	}
	return all
}

func (w *world) list(t *testing.T) keyring.Listing {
	t.Helper()
	listing, err := order[keyring.Listing](t, w, `{"list":true}`)
	if err != nil {
		t.Fatal(err)
	}
	return listing
}

func TestAListShowsKeysAndDueCommands(t *testing.T) {
	w := begun(t)
	same := []string{"link-email 0s primary", "link-sms 0 0s primary", "proof 0s primary"}
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"after the first deploy", func() {}, append([]string{"contact 0s primary"}, same...)},
		{"while a contact key waits", func() { w.change(t, rotateContact) }, append([]string{
			"contact 0s primary", "contact 0s pending", "contact next stille keys rotate contact from 2026-11-22T00:20:00Z"}, same...)},
		{"after it was promoted", func() { w.now = midnight.Add(keyring.Settled); w.change(t, rotateContact) }, append([]string{
			"contact 0s", "contact 0s primary"}, same...)},
		{"when the link keys are overdue", func() { w.now = midnight.Add(371 * 24 * time.Hour) }, []string{
			"contact 8904h0m0s", "contact 8904h0m0s primary",
			"link-email 8904h0m0s primary", "link-email next stille keys rotate link",
			"link-sms 0 8904h0m0s primary", "link-sms next stille keys rotate link", "proof 8904h0m0s primary"}},
		{"after they were rotated", func() { w.change(t, rotateLink) }, []string{
			"contact 8904h0m0s", "contact 8904h0m0s primary",
			"link-email 8904h0m0s", "link-email 0s primary",
			"link-sms 0 8904h0m0s", "link-sms 1 0s primary", "proof 8904h0m0s primary"}},
	} {
		step.do()
		if diff := cmp.Diff(step.want, lines(w.list(t))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestTheExampleOrdersAreTaken(t *testing.T) {
	for name, want := range map[string]string{
		"rotate-keys.link.json":    `"done":"rotated"`,
		"rotate-keys.contact.json": `"done":"added"`,
		"rotate-keys.destroy.json": `"refused":"there is no such contact key`,
		"rotate-keys.list.json":    `{"sets":[{"set":"contact"`,
		"rotate-keys.config.json":  `{"retention":"classes`,
	} {
		payload, err := os.ReadFile(filepath.Join("../../events", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := order[rawText](t, begun(t), string(payload))
		if err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%s: it answers %s, error %v", name, got, err)
		}
	}
}

// rawText is JSON as it was written.
type rawText string

// UnmarshalJSON keeps it.
func (r *rawText) UnmarshalJSON(text []byte) error {
	*r = rawText(text)
	return nil
}

func TestTheDeployedFilesAreAnsweredAsTheyAre(t *testing.T) {
	w := begun(t)
	got, err := order[keyring.Config](t, w, `{"config":true}`)
	want := keyring.Config{Retention: "classes: []\n", Scopes: "scopes: []\n"}
	if got != want || err != nil || len(w.writes) != 0 {
		t.Errorf("it answers %+v, error %v, and writes %v", got, err, w.writes)
	}
}
