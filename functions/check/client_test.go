package main

import (
	"errors"
	"testing"
	"time"

	"stille/shared/api/access"
	"stille/shared/api/apitest"
	"stille/shared/contact"
	client "stille/shared/sdk/go"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

func TestTheGoClientHearsWhatCheckSays(t *testing.T) {
	h := apitest.New(t)
	since := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	mail, number := h.Key(t, contact.Email, "kari@example.no"), h.Key(t, contact.SMS, "+4791234567")
	list := marked(number, "acme", suppression.Stop, since)
	answers, err := h.Client(t, newHandler(h, list).call()).Check(t.Context(), client.Question{Scope: "acme", Contacts: []client.Contact{
		{Channel: client.SMS, Address: "912 34 567", Region: "NO"}, {Channel: client.Email, Address: "kari@"}, {Channel: client.Email, Address: "Kari@Example.no"},
	}})
	if err != nil || len(answers) != 3 {
		t.Fatalf("%d answers, error %v", len(answers), err)
	}
	if a := answers[0]; a.MaySend() || a.Reason != "stop" || a.Scope != "acme" || !a.Since.Equal(since) || a.Key != string(number) {
		t.Errorf("the number: %+v", a)
	}
	if a := answers[1]; a.MaySend() || a.Reason != "invalid-address" {
		t.Errorf("what is no address: %+v", a)
	}
	if a := answers[2]; !a.MaySend() || a.Key != string(mail) {
		t.Errorf("the address: %+v", a)
	}
}

func TestTheGoClientSendsNothingWhereCheckFails(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(*apitest.House, *suppressiontest.List, *client.Question)
		status int
	}{
		"the list fails":          {func(_ *apitest.House, l *suppressiontest.List, _ *client.Question) { l.Fail(errDown) }, 503},
		"the keys cannot be read": {func(h *apitest.House, _ *suppressiontest.List, _ *client.Question) { h.KeysErr = errDown }, 503},
		"a right is lacking": {func(h *apitest.House, _ *suppressiontest.List, _ *client.Question) {
			h.Tool.Rights = []access.Right{access.Links}
		}, 403},
		"the key was revoked":    {func(h *apitest.House, _ *suppressiontest.List, _ *client.Question) { h.Tool.RevokedAt = h.Now }, 401},
		"a purpose there is not": {func(_ *apitest.House, _ *suppressiontest.List, q *client.Question) { q.Purpose = "spam" }, 400},
	} {
		t.Run(name, func(t *testing.T) {
			h := apitest.New(t)
			var list suppressiontest.List
			question := client.Question{Scope: "acme", Contacts: []client.Contact{{Channel: client.Email, Address: "kari@example.no"}}}
			test.spoil(h, &list, &question)
			answers, err := h.Client(t, newHandler(h, &list).call()).Check(t.Context(), question)
			var refused *client.Error
			if !errors.As(err, &refused) || refused.Status != test.status || len(answers) != 1 || answers[0].MaySend() {
				t.Errorf("error %v, answers %+v", err, answers)
			}
		})
	}
}
