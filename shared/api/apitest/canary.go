package apitest

import (
	"encoding/base64"
	"strings"
	"testing"
)

// The canaries: an address and a number as a person types them. Only a class table
// may hold them.
const (
	Address = "Kanari.Fugl@Example.no"
	Number  = "+47 987 65 432"
)

// NoLeak fails if the log, an answer or a text holds a canary, or a recognisable
// part of a canary, or the API key; or if the log or a text holds a token. It
// never repeats what it found.
func (h *House) NoLeak(t testing.TB, tokens []string, texts ...string) {
	t.Helper()
	people := []string{
		Address, "kanari", "fugl@", Number, "98765432", "987 65", h.APIKey, strings.TrimPrefix(h.APIKey, "stille_"),
		encoded(strings.ToLower(Address)), encoded("+4798765432"),
	}
	for i, text := range append([]string{h.Logs.String()}, texts...) {
		if n := found(text, append(people, tokens...)); n >= 0 {
			t.Errorf("text %d (0 is the log) holds secret %d", i, n)
		}
	}
	for i, answer := range h.answers {
		if n := found(answer, people); n >= 0 {
			t.Errorf("answer %d holds secret %d", i, n)
		}
	}
}

func encoded(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

// found returns the index of the first secret in the text, in any case; -1 for none.
func found(text string, secrets []string) int {
	text = strings.ToLower(text)
	for i, secret := range secrets {
		if strings.Contains(text, strings.ToLower(secret)) {
			return i
		}
	}
	return -1
}
