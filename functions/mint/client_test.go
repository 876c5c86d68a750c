package main

import (
	"testing"

	"stille/shared/api/apitest"
	client "stille/shared/sdk/go"
)

func TestTheGoClientGetsItsLinks(t *testing.T) {
	h := apitest.New(t)
	links, err := h.Client(t, newHandler(h).call()).Links(t.Context(), client.LinkOrder{Scope: "acme", Lang: "nb", Contacts: []client.Contact{
		{Channel: client.Email, Address: "kari@example.no"}, {Channel: client.SMS, Address: "+4791234567"}, {Channel: client.SMS, Address: "912"},
	}})
	if err != nil || len(links) != 3 {
		t.Fatalf("%d links, error %v", len(links), err)
	}
	if l := links[0]; l.URL == "" || l.Headers["List-Unsubscribe"] != "<"+l.URL+">" || l.Headers["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click" {
		t.Errorf("e-mail: %d headers", len(l.Headers))
	}
	if l := links[1]; l.URL == "" || len(l.Headers) > 0 {
		t.Errorf("SMS: %d headers", len(l.Headers))
	}
	if l := links[2]; l.URL != "" || l.Reason != "invalid-address" {
		t.Errorf("what is no number: reason %q", l.Reason)
	}
}
