package link_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/scope"
)

// An attack forges tokens for a channel without its keys.
type attack struct {
	name    string
	channel contact.Channel
	forge   func(*rand.Rand) string
}

// issued is a pair of key sets and genuine tokens of each channel.
type issued struct {
	keys   *link.Keys
	tokens map[contact.Channel][]string
}

func issue(t testing.TB) issued {
	t.Helper()
	all := issued{newSets(t).keys(t), make(map[contact.Channel][]string)}
	for n := range 2000 {
		for ch, address := range map[contact.Channel]string{contact.Email: fmt.Sprintf("kari.nordmann%04d@example.no", n), contact.SMS: fmt.Sprintf("+4791%06d", n)} {
			token := mint(t, all.keys, target(t, uint16(1+n%scope.MostID), ch, address))
			all.tokens[ch] = append(all.tokens[ch], token)
		}
	}
	return all
}

func (i issued) pick(r *rand.Rand, ch contact.Channel) string {
	return i.tokens[ch][r.IntN(len(i.tokens[ch]))]
}

// attacks are made of genuine tokens, of tokens of the other channel, and of
// tokens of another stack.
func (i issued) attacks(foreign issued) []attack {
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	var all []attack
	for _, channel := range []struct {
		ch, other contact.Channel
		alphabet  string
		head      int // the characters at the start of a token that only name a key
	}{
		{contact.Email, contact.SMS, base62 + "-_", 6}, // five octets are 6.7 characters
		{contact.SMS, contact.Email, base62, 1},
	} {
		ch, other, alphabet, head := channel.ch, channel.other, channel.alphabet, channel.head
		length := len(i.tokens[ch][0])
		for name, forge := range map[string]func(*rand.Rand) string{
			"random of the right length": func(r *rand.Rand) string { return text(r, alphabet, length) },
			"random after a genuine key id": func(r *rand.Rand) string {
				token := i.pick(r, ch)
				return token[:head] + text(r, alphabet, len(token)-head)
			},
			"genuine with one to three characters changed":            func(r *rand.Rand) string { return changed(r, i.pick(r, ch), alphabet, 0) },
			"genuine with the scope or the address changed":           func(r *rand.Rand) string { return changed(r, i.pick(r, ch), alphabet, head) },
			"of the other channel":                                    func(r *rand.Rand) string { return i.pick(r, other) },
			"of the other channel, cut or filled to the right length": func(r *rand.Rand) string { return (i.pick(r, other) + text(r, alphabet, length))[:length] },
			"of another stack":                                        func(r *rand.Rand) string { return foreign.pick(r, ch) },
			"of another stack, after a genuine key id":                func(r *rand.Rand) string { return i.pick(r, ch)[:head] + foreign.pick(r, ch)[head:] },
		} {
			all = append(all, attack{name, ch, forge})
		}
	}
	return all
}

func text(r *rand.Rand, alphabet string, length int) string {
	var b strings.Builder
	for range length {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// changed replaces one to three characters of a token, and at least one of them
// by another character.
func changed(r *rand.Rand, token, alphabet string, from int) string {
	for {
		altered := []byte(token)
		for range 1 + r.IntN(3) {
			altered[from+r.IntN(len(token)-from)] = alphabet[r.IntN(len(alphabet))]
		}
		if string(altered) != token {
			return string(altered)
		}
	}
}

// try tries an attack n times, on every processor, and counts the tokens that
// open.
func (i issued) try(ctx context.Context, a attack, n int64) int64 {
	var opened, left atomic.Int64
	left.Store(n)
	var group errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if _, err := i.keys.Open(a.channel, a.forge(random)); err == nil {
					opened.Add(1)
				}
			}
			return nil
		})
	}
	_ = group.Wait()
	return opened.Load()
}

func TestForgedTokensDoNotOpen(t *testing.T) {
	genuine := issue(t)
	for _, a := range genuine.attacks(issue(t)) {
		if opened := genuine.try(t.Context(), a, 2000); opened > 0 {
			t.Errorf("%s, %s: %d opened", a.channel, a.name, opened)
		}
	}
	for _, ch := range channels {
		known := attack{"genuine", ch, func(r *rand.Rand) string { return genuine.pick(r, ch) }}
		if opened := genuine.try(t.Context(), known, 100); opened != 100 {
			t.Errorf("%s: %d of 100 genuine tokens opened", ch, opened)
		}
	}
}

// BenchmarkTokens tries ten million forged tokens. It fails if one opens.
func BenchmarkTokens(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		const tries = 10_000_000
		genuine := issue(b)
		attacks := genuine.attacks(issue(b))
		var opened int64
		for _, a := range attacks {
			found := genuine.try(b.Context(), a, tries/int64(len(attacks)))
			if found > 0 {
				b.Errorf("%s, %s: %d opened", a.channel, a.name, found)
			}
			opened += found
		}
		b.ReportMetric(float64(opened), "TokensOpened-ours")
		b.ReportMetric(tries, "TokensOpened-raw")
	})
}
