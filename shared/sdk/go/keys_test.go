package client_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"stille/shared/sdk/go"
)

// at returns contacts, one for each word "channel:address".
func at(words string) []client.Contact {
	var contacts []client.Contact
	for _, word := range strings.Fields(words) {
		channel, address, _ := strings.Cut(word, ":")
		contacts = append(contacts, client.Contact{Channel: channel, Address: address})
	}
	return contacts
}

func TestSwappedResultsAreANo(t *testing.T) {
	for _, test := range []struct {
		name  string
		calls []string // contacts = their keys, call after call
		send  bool     // everybody, after the last call
	}{
		{"the first answer", []string{"email:kari email:ola = A B"}, true},
		{"the same again", []string{"email:kari email:ola = A B", "email:kari email:ola = A B"}, true},
		{"another order of the question", []string{"email:kari email:ola = A B", "email:ola email:kari = B A"}, true},
		{"results in another order", []string{"email:kari email:ola = A B", "email:kari email:ola = B A"}, false},
		{"one result of another contact", []string{"email:kari email:ola = A B", "email:kari email:ola = B B"}, false},
		{"a shifted answer", []string{"email:kari email:ola email:per = A B C", "email:kari email:ola email:per = B C D"}, false},
		{"a swap with somebody new", []string{"email:kari = A", "email:ola email:kari = A B"}, false},
		{"swapped again", []string{"email:kari email:ola = A B", "email:kari email:ola = B A", "email:kari email:ola = B A"}, false},
		{"right again", []string{"email:kari email:ola = A B", "email:kari email:ola = B A", "email:kari email:ola = A B"}, true},
		{"two spellings", []string{"email:kari email:Kari = A A"}, true},
		{"a second spelling later", []string{"email:kari = A", "email:Kari email:kari = A A"}, true},
		{"a second number of the same digits", []string{"sms:+4791234567 = A", "sms:91234567 sms:+4791234567 = A A"}, true},
		{"the key of another, who keeps it", []string{"email:kari = A", "email:kari email:ola = A A"}, false},
		{"rotated keys", []string{"email:kari email:ola = A B", "email:kari email:ola = C D"}, true},
		{"one rotated key", []string{"email:kari email:ola = A B", "email:kari email:ola = C B"}, true},
		{"two spellings with a rotated key", []string{"email:kari email:Kari = A A", "email:kari email:Kari = B B"}, true},
		{"a key of somebody who is not asked about", []string{"email:kari = A", "email:ola = A"}, true},
		{"one key on two channels", []string{"email:kari sms:1 = A A"}, false},
		{"one key on two channels, apart", []string{"email:kari email:ola sms:1 = A B A"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var answer string
			c := connect(t, func(*http.Request) (*http.Response, error) { return answering(200, "application/json", answer), nil })
			var got []client.Result
			for _, call := range test.calls {
				asked, keys, _ := strings.Cut(call, " = ")
				var results []string
				for _, key := range strings.Fields(keys) {
					results = append(results, fmt.Sprintf(`{"send":true,"key":%q}`, key))
				}
				answer = checked(results...)
				got, _ = c.Check(t.Context(), client.Question{Contacts: at(asked)})
			}
			for _, result := range got {
				if result.MaySend() != test.send || (result.Reason == client.Unavailable) == test.send {
					t.Errorf("send %v, reason %q", result.MaySend(), result.Reason)
				}
			}
		})
	}
}

func TestTheLastTenThousandKeysAreRemembered(t *testing.T) {
	var results []string
	c := connect(t, func(*http.Request) (*http.Response, error) {
		n := min(len(results), 1000)
		answer := checked(results[:n]...)
		results = results[n:]
		return answering(200, "application/json", answer), nil
	})
	ask := func(contacts []client.Contact, keys ...string) bool {
		for _, key := range keys {
			results = append(results, fmt.Sprintf(`{"send":true,"key":%q}`, key))
		}
		got, _ := c.Check(t.Context(), client.Question{Contacts: contacts})
		return got[0].MaySend()
	}
	others := func(n int) (contacts []client.Contact, keys []string) {
		for i := range n {
			contacts, keys = append(contacts, client.Contact{Channel: client.Email, Address: fmt.Sprint(i)}), append(keys, fmt.Sprint("K", i))
		}
		return contacts, keys
	}
	two := at("email:kari email:ola")
	ask(two, "A", "B")
	contacts, keys := others(9_998)
	if !ask(contacts, keys...) || ask(two, "B", "A") {
		t.Error("a swap is not noticed after 9,998 others")
	}
	contacts, keys = others(10_000)
	if !ask(contacts, keys...) || !ask(two, "B", "A") {
		t.Error("more than 10,000 are remembered")
	}
}
