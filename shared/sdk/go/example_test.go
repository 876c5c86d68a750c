package client_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"stille/shared/sdk/go"
)

// canned stands in for the API in the examples.
func canned(body string) http.RoundTripper { return says(200, "application/json", body) }

func ExampleClient_Check() {
	api, err := client.New("https://api.example", apiKey, client.WithTransport(canned(checked(yes, strings.ReplaceAll(no, one, "another")))), client.WithClock(noon))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	contacts := []client.Contact{{Channel: client.Email, Address: "kari@example.no"}, {Channel: client.SMS, Address: "+4791234567"}}
	answers, err := api.Check(ctx, client.Question{Scope: "acme", Contacts: contacts})
	if err != nil {
		fmt.Println("nobody gets anything:", err) // every answer says no
	}
	for i, answer := range answers {
		if answer.MaySend() {
			fmt.Println(contacts[i].Channel, "send")
		} else {
			fmt.Println(contacts[i].Channel, "do not send:", answer.Reason)
		}
	}
	// Output:
	// email send
	// sms do not send: unsubscribed
}

func ExampleClient_Links() {
	const answer = `{"results":[{"key":"` + one + `","url":"https://l.example/e/T","headers":{"List-Unsubscribe":"<https://l.example/e/T>","List-Unsubscribe-Post":"List-Unsubscribe=One-Click"}}]}`
	api, err := client.New("https://api.example", apiKey, client.WithTransport(canned(answer)))
	if err != nil {
		fmt.Println(err)
		return
	}
	links, err := api.Links(context.Background(), client.LinkOrder{Scope: "acme", Contacts: []client.Contact{{Channel: client.Email, Address: "kari@example.no"}}})
	if err != nil {
		fmt.Println("nothing goes out without its link:", err)
		return
	}
	fmt.Println(links[0].URL, links[0].Headers["List-Unsubscribe-Post"])
	// Output: https://l.example/e/T List-Unsubscribe=One-Click
}

func ExampleClient_Suppress() {
	api, err := client.New("https://api.example", apiKey, client.WithTransport(canned(`{"results":[{"added":true,"suppressed":true,"key":"`+one+`"}]}`)))
	if err != nil {
		fmt.Println(err)
		return
	}
	done, err := api.Suppress(context.Background(), client.OptOut{
		Scope: "acme", Reason: "objection", Note: "ticket-81", Contacts: []client.Contact{{Channel: client.SMS, Address: "+4791234567"}},
	})
	fmt.Println(done[0].Added, err)
	// Output: true <nil>
}

func ExampleClient_Release() {
	api, err := client.New("https://api.example", apiKey, client.WithTransport(canned(`{"results":[{"released":false,"reason":"needs-operator","key":"`+one+`"}]}`)))
	if err != nil {
		fmt.Println(err)
		return
	}
	done, err := api.Release(context.Background(), client.Consent{
		Scope: "acme", ConsentedAt: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC), Evidence: "form/4711",
		Contacts: []client.Contact{{Channel: client.Email, Address: "kari@example.no"}},
	})
	fmt.Println(done[0].Released, done[0].Reason, err)
	// Output: false needs-operator <nil>
}
