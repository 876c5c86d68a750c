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
	"stille/shared/link"
)

// only answers every key with one tool.
type only access.Tool

func (o only) Tool(context.Context, string) (access.Tool, error) { return access.Tool(o), nil }

// BenchmarkMintThousand mints a thousand links through the function, from the
// event's bytes to the answer's. "raw" makes only their tokens and contact
// keys, for comparison.
func BenchmarkMintThousand(b *testing.B) {
	h := apitest.New(b)
	given := make([]string, api.MaxContacts)
	targets := make([]link.Target, api.MaxContacts)
	for i := range given {
		ch, address := contact.Email, fmt.Sprintf("kari.nordmann%d@example.no", i)
		if i%2 == 1 {
			ch, address = contact.SMS, fmt.Sprintf("+479123%04d", i)
		}
		c, err := contact.Normalise(ch, address, "")
		if err != nil {
			b.Fatal(err)
		}
		given[i] = fmt.Sprintf(`{"channel":%q,"address":%q}`, ch, address)
		targets[i] = link.Target{ScopeID: h.Scopes.All()[0].ID, Contact: c}
	}
	event, err := json.Marshal(h.Post(`{"scope":"acme","lang":"nb","contacts":[` + strings.Join(given, ",") + `]}`))
	if err != nil {
		b.Fatal(err)
	}
	guard := access.NewGuard(only(h.Tool), time.Now)
	function := lambda.NewHandler(api.Serve(guard, slog.New(slog.DiscardHandler), newHandler(h).call()))

	b.Run("raw", func(b *testing.B) {
		apitest.CPU(b, func() {
			for b.Loop() {
				for _, target := range targets {
					if _, err := h.Links.Mint(target); err != nil {
						b.Fatal(err)
					}
					if _, err := h.Contacts.Keys(target.Contact); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	})
	b.Run("ours", func(b *testing.B) {
		apitest.CPU(b, func() {
			for b.Loop() {
				if answer, err := function.Invoke(b.Context(), event); err != nil || !strings.Contains(string(answer), "One-Click") {
					b.Fatalf("%v: %.200s", err, answer)
				}
			}
		})
	})
}
