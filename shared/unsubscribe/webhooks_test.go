package unsubscribe_test

import (
	"net/http"
	"testing"
	"time"

	"stille/shared/contact"
	"stille/shared/ledger"
)

func TestWebhooksAreToldOfClickAndUndo(t *testing.T) {
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		w := newWorld(t)
		path := w.path(t, ch, acmeID)
		for _, action := range []string{"unsubscribe", "unsubscribe", "resubscribe"} {
			w.now = w.now.Add(time.Minute)
			if resp := w.send(t, form(path, action)); resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d", resp.StatusCode)
			}
		}
		if len(w.told) != 2 || w.told[0].Action != ledger.Suppressed || w.told[1].Action != ledger.Released || w.told[0].Channel != ch {
			t.Errorf("%s: told %d times", ch, len(w.told))
		}
	}
}

func TestAFailingWebhookQueueStopsNoOptOut(t *testing.T) {
	w := newWorld(t)
	w.tellErr = errDown
	if resp := w.send(t, form(w.path(t, contact.Email, acmeID), "unsubscribe")); resp.StatusCode != http.StatusOK || len(w.list.Entries()) != 1 {
		t.Errorf("status %d, %d entries", resp.StatusCode, len(w.list.Entries()))
	}
}
