package apitest

import (
	"encoding/base64"
	"strings"
	"testing"
)

// The canaries: an address and a number, as somebody would type them, which
// must not be found anywhere but in a class table.
const (
	Address = "Kanari.Fugl@Example.no"
	Number  = "+47 987 65 432"
)

// NoLeak fails where the log, an answer so far or one of the texts holds a
// canary, in whole or in recognisable part, or the API key; or where the log
// or one of the texts holds one of the tokens. It never repeats what it found.
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

// found is the index of the first secret in the text, in any case; -1 for none.
func found(text string, secrets []string) int {
	text = strings.ToLower(text)
	for i, secret := range secrets {
		if strings.Contains(text, strings.ToLower(secret)) {
			return i
		}
	}
	return -1
}
