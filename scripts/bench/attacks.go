package main

import (
	"math/rand/v2"
	"strings"

	"stille/shared/contact"
)

const (
	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base64 = base62 + "-_"
)

// attacks are what somebody without the keys can try: nothing known, a genuine
// token altered, one of the other channel, one of another stack.
func (d doors) attacks() ([]attack, error) {
	foreign, err := newDoors()
	if err != nil {
		return nil, err
	}
	alphabets := map[contact.Channel]string{contact.Email: base64, contact.SMS: base62}
	other := map[contact.Channel]contact.Channel{contact.Email: contact.SMS, contact.SMS: contact.Email}
	var all []attack
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		alphabet, head := alphabets[ch], headLength(ch)
		all = append(all,
			attack{"random of the right length", ch, func(r *rand.Rand) string {
				return text(r, alphabet, len(d.genuine[ch][0]))
			}},
			attack{"random behind a genuine key id", ch, func(r *rand.Rand) string {
				token := d.one(r, ch)
				return token[:head] + text(r, alphabet, len(token)-head)
			}},
			attack{"genuine, one to three characters changed", ch, func(r *rand.Rand) string {
				return changed(r, d.one(r, ch), alphabet, 0)
			}},
			attack{"genuine, changed where scope and address are", ch, func(r *rand.Rand) string {
				return changed(r, d.one(r, ch), alphabet, head)
			}},
			attack{"the other channel's", ch, func(r *rand.Rand) string { return d.one(r, other[ch]) }},
			attack{"the other channel's, cut or filled up to the right length", ch, func(r *rand.Rand) string {
				want := len(d.genuine[ch][0])
				return (d.one(r, other[ch]) + text(r, alphabet, want))[:want]
			}},
			attack{"another key set's", ch, func(r *rand.Rand) string { return foreign.one(r, ch) }},
			attack{"another key set's, behind a genuine key id", ch, func(r *rand.Rand) string {
				return d.one(r, ch)[:head] + foreign.one(r, ch)[head:]
			}},
		)
	}
	return all, nil
}

// headLength is how many characters at the start of a token only name its key.
func headLength(ch contact.Channel) int {
	if ch == contact.SMS {
		return 1
	}
	return 6 // five octets are 6.7 characters
}

func (d doors) one(r *rand.Rand, ch contact.Channel) string {
	return d.genuine[ch][r.IntN(len(d.genuine[ch]))]
}

func text(r *rand.Rand, alphabet string, length int) string {
	var b strings.Builder
	b.Grow(length)
	for range length {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

// changed gives one to three characters behind the first of a token another
// value; never all of them their own.
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
