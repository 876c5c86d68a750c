package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
)

const (
	rotateLink    = `{"rotate":"link"}`
	rotateContact = `{"rotate":"contact"}`
)

func destroy(set, id string) string {
	return fmt.Sprintf(`{"destroy":{"set":%q,"id":%q}}`, set, id)
}

// mustNotShow fails where a text shows any key material there ever was.
func (w *world) mustNotShow(t *testing.T, texts ...string) {
	t.Helper()
	secrets := 0
	for _, secret := range w.versions {
		for _, part := range strings.Split(secret, `"value":"`)[1:] {
			value, _, _ := strings.Cut(part, `"`)
			raw, err := base64.StdEncoding.DecodeString(value)
			if err != nil || len(raw) < 32 {
				t.Fatal("a secret is not laid out as this test believes")
			}
			secrets++
			for _, text := range texts {
				if strings.Contains(text, value[8:]) || strings.Contains(text, fmt.Sprintf("%x", raw[len(raw)-16:])) {
					t.Errorf("a key is shown: %.200s", text)
				}
			}
		}
	}
	if secrets == 0 && len(w.versions) > 0 {
		t.Fatal("this test looks for nothing")
	}
}

func person(t testing.TB, ch contact.Channel, address string) contact.Contact {
	t.Helper()
	c, err := contact.Normalise(ch, address, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func number(t *testing.T, id string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(id, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func (w *world) contactKeys(t *testing.T) []keyring.Key {
	t.Helper()
	contacts, err := keyring.OpenContacts(w.values[stack.ContactKeys()], w.stored[stack.ContactKeys()])
	if err != nil {
		t.Fatal(err)
	}
	return contacts.Keys()
}

func TestOldLinksOpenAfterARotation(t *testing.T) {
	w := begun(t)
	target := link.Target{ScopeID: 1, Contact: person(t, contact.SMS, "+4791234567")}
	before, err := w.ring().Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	old, err := before.Mint(target)
	if err != nil {
		t.Fatal(err)
	}
	answer := w.change(t, rotateLink)
	if answer.Done != keyring.Rotated || answer.Letter != "1" || len(answer.ID) != 8 || len(answer.SMSID) != 8 {
		t.Errorf("it answers %+v", answer)
	}
	if diff := cmp.Diff([]string{stack.LinkKeys()}, w.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	after, err := w.ring().Link(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := after.Mint(target)
	if err != nil || !strings.HasPrefix(fresh, "1") || !strings.HasPrefix(old, "0") {
		t.Errorf("old link %.1s…, new link %.1s…, error %v; want 0… and 1…", old, fresh, err)
	}
	for _, token := range []string{old, fresh} {
		if got, err := after.Open(contact.SMS, token); err != nil || got != target {
			t.Errorf("a link does not open: %v", err)
		}
	}
}

func TestAScheduleThatDeliversTwiceRotatesOnce(t *testing.T) {
	w := begun(t)
	w.now = midnight.Add(time.Hour)
	if answer := w.change(t, rotateLink); answer.Done != keyring.Rotated {
		t.Fatalf("it answers %+v", answer)
	}
	w.now = w.now.Add(time.Minute)
	if answer := w.change(t, rotateLink); !strings.Contains(answer.Refused, "2026-11-23T01:00:00Z") || len(w.writes) != 1 {
		t.Errorf("the second time it answers %+v after %v", answer, w.writes)
	}
	if !strings.Contains(w.log.String(), "within the last day") {
		t.Errorf("nobody learns of it: %s", w.log.String())
	}
}

func TestOfTwoRotationsAtOnceNoneIsLost(t *testing.T) {
	for name, test := range map[string]struct {
		order, between string
		want           keyring.Answer
	}{
		"link and link":       {rotateLink, rotateLink, keyring.Answer{Refused: "within the last day"}},
		"contact and contact": {rotateContact, rotateContact, keyring.Answer{Refused: "every container must know it"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := begun(t)
			var first keyring.Answer
			w.beforePut = func() {
				w.beforePut = nil
				first = w.change(t, test.between)
			}
			second := w.change(t, test.order)
			if first.Done == "" || !strings.Contains(second.Refused, test.want.Refused) {
				t.Errorf("they answer %+v and %+v", first, second)
			}
			if !strings.Contains(w.values[stack.ContactKeys()]+w.values[stack.LinkKeys()], first.ID) {
				t.Error("the key of the first rotation is lost")
			}
			w.mustServe(t)
		})
	}
}

func TestASecretMovedBackIsNotChanged(t *testing.T) {
	w := begun(t)
	before, version := w.values[stack.LinkKeys()], w.current[stack.LinkKeys()]
	w.change(t, rotateLink)
	w.values[stack.LinkKeys()], w.current[stack.LinkKeys()] = before, version
	_, err := order[keyring.Answer](t, w, rotateLink)
	if !errors.Is(err, errOvertaken) || !strings.Contains(err.Error(), "store the value as a new version") || w.values[stack.LinkKeys()] != before {
		t.Errorf("error %v, want the next step", err)
	}
}

func TestAContactKeyIsRotatedInTwoSteps(t *testing.T) {
	w := begun(t)
	warm := w.ring()
	set, err := warm.Contact(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kari := person(t, contact.Email, "kari@example.no")
	under, err := set.Key(kari)
	if err != nil {
		t.Fatal(err)
	}

	added := w.change(t, rotateContact)
	want := keyring.Answer{Done: keyring.Added, ID: added.ID, Next: "stille keys rotate contact", From: midnight.Add(keyring.Settled)}
	if diff := cmp.Diff(want, added); diff != "" {
		t.Errorf("the first step (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{stack.ContactKeys(), "canary added"}, w.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if _, err := warm.Contact(t.Context()); err != nil {
		t.Errorf("a container with the older set: %v", err)
	}
	w.mustServe(t)

	w.now = midnight.Add(keyring.Settled - 1)
	if answer := w.change(t, rotateContact); !strings.Contains(answer.Refused, "2026-11-22T00:20:00Z") || len(w.writes) != 2 {
		t.Errorf("too early it answers %+v after %v", answer, w.writes)
	}
	w.now = midnight.Add(keyring.Settled)
	promoted := w.change(t, rotateContact)
	if promoted.Done != keyring.Promoted || promoted.ID != added.ID || !promoted.From.Equal(w.now.Add(keyring.Drained)) {
		t.Errorf("the second step: %+v", promoted)
	}
	set, err = warm.Contact(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now, err := set.Keys(kari)
	if err != nil || len(now) != 2 || now[0].KeyID() != number(t, added.ID) || now[1] != under {
		t.Errorf("written under %x of %d keys, error %v", now[0].KeyID(), len(now), err)
	}
}

// Rows may stand under the new key from the second step on, so no set without
// it may serve: not a key that was put back, not a new key.
func TestASetLackingAUsedKeyServesNobody(t *testing.T) {
	w := begun(t)
	before := w.values[stack.ContactKeys()]
	w.change(t, rotateContact)
	w.now = midnight.Add(keyring.Settled)
	w.change(t, rotateContact)
	w.values[stack.ContactKeys()] = before
	if _, err := w.ring().Contact(t.Context()); !errors.Is(err, contact.ErrForeignKeys) {
		t.Errorf("error %v, want ErrForeignKeys", err)
	}
	if _, err := order[keyring.Answer](t, w, rotateContact); !errors.Is(err, contact.ErrForeignKeys) {
		t.Errorf("rotating it: %v, want ErrForeignKeys", err)
	}
}

func TestTheNextOrderFinishesAnInterruptedRotation(t *testing.T) {
	w := begun(t)
	w.crashAt = 2 // the canary
	if _, err := order[keyring.Answer](t, w, rotateContact); !errors.Is(err, errCrash) || !strings.Contains(err.Error(), "`stille keys rotate contact` to finish") {
		t.Fatalf("error %v, want the crash", err)
	}
	w.mustServe(t)
	if answer := w.change(t, rotateContact); answer.Refused == "" || len(w.canaries) != 2 {
		t.Errorf("the next answers %+v, and there are %d canaries", answer, len(w.canaries))
	}
	w.now = midnight.Add(keyring.Settled)
	if answer := w.change(t, rotateContact); answer.Done != keyring.Promoted {
		t.Errorf("the last answers %+v", answer)
	}
	w.mustServe(t)
}

// rotated is a world with two contact keys, of which the older can go.
func rotated(t *testing.T) (w *world, old, primary string) {
	t.Helper()
	w = begun(t)
	old = w.contactKeys(t)[0].ID
	primary = w.change(t, rotateContact).ID
	w.now = w.now.Add(keyring.Settled)
	w.change(t, rotateContact)
	w.now = w.now.Add(keyring.Drained)
	w.writes = nil
	return w, old, primary
}

func TestAContactKeyThatNothingUsesIsDestroyed(t *testing.T) {
	w, old, primary := rotated(t)
	if answer := w.change(t, destroy("contact", old)); answer.Done != keyring.Destroyed || answer.ID != old {
		t.Errorf("it answers %+v", answer)
	}
	if diff := cmp.Diff([]string{"canary removed", stack.ContactKeys()}, w.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if left := w.contactKeys(t); len(left) != 1 || left[0].ID != primary || len(w.canaries) != 1 {
		t.Errorf("left are %v and %d canaries", left, len(w.canaries))
	}
	w.mustServe(t)
	if answer := w.change(t, destroy("contact", old)); !strings.Contains(answer.Refused, "no such contact key") {
		t.Errorf("again it answers %+v", answer)
	}
}

func TestTheNextOrderFinishesAnInterruptedDestruction(t *testing.T) {
	for crashAt := 1; crashAt <= 2; crashAt++ {
		w, old, _ := rotated(t)
		w.crashAt = crashAt
		if _, err := order[keyring.Answer](t, w, destroy("contact", old)); !errors.Is(err, errCrash) {
			t.Fatalf("error %v, want the crash", err)
		}
		w.mustServe(t)
		if answer := w.change(t, destroy("contact", old)); answer.Done != keyring.Destroyed {
			t.Errorf("after a crash at write %d: %+v", crashAt, answer)
		}
		w.mustServe(t)
	}
}

func TestAKeyThatIsNeededIsNotDestroyed(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(w *world, old uint32)
		key   func(old, primary string) string
		set   string
		want  string
	}{
		"the primary key":        {nil, func(_, primary string) string { return primary }, "contact", "everything is written under it"},
		"an unknown key":         {nil, func(_, _ string) string { return "00000000" }, "contact", "no such contact key"},
		"no id":                  {nil, func(_, _ string) string { return "kari@example.no" }, "contact", "no such contact key"},
		"with suppressions":      {func(w *world, old uint32) { w.unmerged[old] = 7 }, nil, "contact", "suppressions 7, holds 0, records of communication 0, records of messaging 0"},
		"with a hold":            {func(w *world, old uint32) { w.holds[old] = 1 }, nil, "contact", "suppressions 0, holds 1, records of communication 0, records of messaging 0"},
		"with a record":          {func(w *world, old uint32) { w.records["messaging"][old] = 2 }, nil, "contact", "records of communication 0, records of messaging 2"},
		"lately the primary key": {func(w *world, _ uint32) { w.now = w.now.Add(-1) }, nil, "contact", "a message in the queue waiting may still"},
		"while an opt-out waits": {func(w *world, _ uint32) { w.depths["waiting"] = 1 }, nil, "contact", "the queue waiting holds 1 messages"},
		"with a dead letter":     {func(w *world, _ uint32) { w.depths["waiting-dead"] = 2 }, nil, "contact", "the queue waiting-dead holds 2 messages"},
		"a link key":             {nil, nil, "link", "a link opens for ever"},
		"a proof key":            {nil, nil, "proof", "which records a certificate lists"},
	} {
		t.Run(name, func(t *testing.T) {
			w, old, primary := rotated(t)
			id := old
			if test.key != nil {
				id = test.key(old, primary)
			}
			if test.spoil != nil {
				test.spoil(w, number(t, old))
			}
			answer := w.change(t, destroy(test.set, id))
			if !strings.Contains(answer.Refused, test.want) || strings.Contains(answer.Refused, "kari") || len(w.writes) != 0 {
				t.Errorf("it answers %+v after %v, want %q", answer, w.writes, test.want)
			}
		})
	}
}

func TestABadOrderNamesItsMistake(t *testing.T) {
	for name, test := range map[string]struct{ payload, want string }{
		"nothing":                  {`{}`, "exactly one of rotate, destroy, list and config"},
		"no JSON object":           {`"link"`, "not one of rotate, destroy, list and config"},
		"two things":               {`{"rotate":"link","list":true}`, "exactly one of"},
		"an unknown field":         {`{"rotate":"link","force":true}`, "not one of"},
		"proof keys":               {`{"rotate":"proof"}`, "rotate must be link or contact"},
		"a set that there is not":  {destroy("seal", "0a1b2c3d"), "destroy.set must be contact, link or proof"},
		"what is no resource":      {`{"RequestType":"Create","ResponseURL":7}`, "CloudFormation"},
		"an order with an address": {`{"rotate":"kari@example.no"}`, "rotate must be link or contact"},
	} {
		t.Run(name, func(t *testing.T) {
			w := begun(t)
			_, err := order[json.RawMessage](t, w, test.payload)
			if !errors.Is(err, errOrder) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "kari") || len(w.writes) != 0 {
				t.Errorf("error %v after %v, want %q", err, w.writes, test.want)
			}
		})
	}
}

func TestAnErrorNeverShowsTheSecret(t *testing.T) {
	for _, payload := range []string{rotateLink, rotateContact, destroy("contact", "0a1b2c3d"), `{"list":true}`} {
		w := begun(t)
		for name := range w.values {
			w.values[name] = "hunter2hunter2"
		}
		_, err := order[json.RawMessage](t, w, payload)
		if !errors.Is(err, keyring.ErrUnreadable) || !strings.Contains(err.Error(), "unit/") || strings.Contains(err.Error(), "hunter2") || len(w.writes) != 0 {
			t.Errorf("%s: error %v", payload, err)
		}
	}
}
