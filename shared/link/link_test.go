package link_test

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/daead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/scope"
)

// sets are the two growing key sets behind a link.Keys.
type sets struct{ email, sms *keyset.Manager }

func newSets(t testing.TB) sets {
	t.Helper()
	s := sets{email: keyset.NewManager(), sms: keyset.NewManager()}
	s.grow(t)
	return s
}

func (s sets) grow(t testing.TB) {
	t.Helper()
	addKey(t, s.email, daead.AESSIVKeyTemplate())
	addKey(t, s.sms, prf.HMACSHA256PRFKeyTemplate())
}

func (s sets) keys(t testing.TB) *link.Keys {
	t.Helper()
	k, err := link.NewKeys(mustHandle(t, s.email), mustHandle(t, s.sms))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func addKey(t testing.TB, m *keyset.Manager, template *tinkpb.KeyTemplate) uint32 {
	t.Helper()
	id, err := m.Add(template)
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func mustHandle(t testing.TB, m *keyset.Manager) *keyset.Handle {
	t.Helper()
	handle, err := m.Handle()
	if err != nil {
		t.Fatal(err)
	}
	return handle
}

type fataler interface{ Fatal(...any) }

func target(t fataler, scope uint16, ch contact.Channel, address string) link.Target {
	c, err := contact.FromNormalised(ch, address)
	if err != nil {
		t.Fatal(err)
	}
	return link.Target{ScopeID: scope, Contact: c}
}

func mint(t fataler, k *link.Keys, want link.Target) string {
	token, err := k.Mint(want)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

var channels = []contact.Channel{contact.Email, contact.SMS}

func drawTarget(t *rapid.T) link.Target {
	scope := rapid.Uint16Range(1, scope.MostID).Draw(t, "scope")
	if rapid.Bool().Draw(t, "sms") {
		return target(t, scope, contact.SMS, "+"+rapid.StringMatching(`[1-9][0-9]{2,14}`).Draw(t, "number"))
	}
	return target(t, scope, contact.Email, rapid.StringMatching(`[a-zæøå0-9.+]{1,30}@[a-z0-9.]{1,30}`).Draw(t, "address"))
}

// mustBeForged fails unless the token opens on neither channel.
func mustBeForged(t interface{ Errorf(string, ...any) }, k *link.Keys, token string) {
	for _, ch := range channels {
		got, err := k.Open(ch, token)
		if !errors.Is(err, link.ErrForged) || got != (link.Target{}) {
			t.Errorf("%q opened as %s: %v, %v", token, ch, got, err)
		}
	}
}

func TestTokenOpensToItsTarget(t *testing.T) {
	k := newSets(t).keys(t)
	urlSafe := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	rapid.Check(t, func(t *rapid.T) {
		want := drawTarget(t)
		token := mint(t, k, want)
		if again := mint(t, k, want); again != token {
			t.Errorf("minted %q and then %q", token, again)
		}
		got, err := k.Open(want.Contact.Channel(), token)
		if err != nil || got != want {
			t.Errorf("opened to scope %d, %q: %v", got.ScopeID, got.Contact.Address(), err)
		}
		if !urlSafe.MatchString(token) || strings.Contains(token, want.Contact.Address()) {
			t.Errorf("token %q", token)
		}
	})
}

func TestTokensHaveTheLengthsOfTheDesign(t *testing.T) {
	k := newSets(t).keys(t)
	tests := map[string]struct {
		channel contact.Channel
		address string
		want    int
	}{
		"an address of 25 characters":  {contact.Email, "kari.nordmann9@example.no", 66},
		"an address of 254 characters": {contact.Email, strings.Repeat("a", 64) + "@" + strings.Repeat("b", 189), 371},
		"the shortest number":          {contact.SMS, "+100", 23},
		"a Norwegian number":           {contact.SMS, "+4791234567", 23},
		"a number of 15 digits":        {contact.SMS, "+999999999999999", 23},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, scope := range []uint16{1, scope.MostID} {
				want := target(t, scope, test.channel, test.address)
				token := mint(t, k, want)
				if got, err := k.Open(test.channel, token); len(token) != test.want || err != nil || got != want {
					t.Errorf("%d characters, want %d; opened with %v", len(token), test.want, err)
				}
			}
		})
	}
}

func TestInvalidTargetIsNotMinted(t *testing.T) {
	k := newSets(t).keys(t)
	for name, bad := range map[string]link.Target{
		"scope 0":      target(t, 0, contact.SMS, "+4791234567"),
		"scope 4096":   target(t, 4096, contact.SMS, "+4791234567"),
		"scope 4097":   target(t, 4097, contact.Email, "kari@example.no"),
		"no scope":     target(t, 0, contact.Email, "kari@example.no"),
		"no contact":   {ScopeID: 1},
		"nothing":      {},
		"scope 65,535": target(t, 65535, contact.Email, "kari@example.no"),
	} {
		t.Run(name, func(t *testing.T) {
			if token, err := k.Mint(bad); err == nil || token != "" {
				t.Errorf("minted %q, error %v", token, err)
			}
		})
	}
}

func TestNoAlteredTokenOpens(t *testing.T) {
	k := newSets(t).keys(t)
	const anything = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_+/=%. \n\r\x00é"
	rapid.Check(t, func(t *rapid.T) {
		token := mint(t, k, drawTarget(t))
		at := rapid.IntRange(0, len(token)-1).Draw(t, "at")
		other := string(rapid.SampledFrom([]rune(anything)).Draw(t, "other"))
		flipped := []byte(token)
		flipped[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for _, altered := range []string{
			token[:at],
			token[at+1:],
			token[:at] + token[at+1:],
			token[:at] + other + token[at:],
			token[:at] + other + token[at+1:],
			token + other,
			token + token,
			strings.ToUpper(token),
			string(flipped),
		} {
			if altered != token {
				mustBeForged(t, k, altered)
			}
		}
	})
}

// Whatever bits of the sealed bytes change, not only characters of the token.
func TestChangedBitOfEmailTokenIsForged(t *testing.T) {
	k := newSets(t).keys(t)
	token := mint(t, k, target(t, 7, contact.Email, "kari@example.no"))
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(sealed) {
		sealed[i/8] ^= 1 << (i % 8)
		mustBeForged(t, k, base64.RawURLEncoding.EncodeToString(sealed))
		sealed[i/8] ^= 1 << (i % 8)
	}
}

func TestChangedCharacterOfSMSTokenIsForged(t *testing.T) {
	k := newSets(t).keys(t)
	token := mint(t, k, target(t, 7, contact.SMS, "+4791234567"))
	for i := range len(token) {
		for c := range 256 {
			if byte(c) != token[i] {
				mustBeForged(t, k, token[:i]+string([]byte{byte(c)})+token[i+1:])
			}
		}
	}
}

// The last character of base64 may carry bits that no byte uses.
func TestEmailTokenHasOneSpelling(t *testing.T) {
	k := newSets(t).keys(t)
	for _, address := range []string{"a@b.no", "aa@b.no", "aaa@b.no"} {
		token := mint(t, k, target(t, 1, contact.Email, address))
		for c := range 128 {
			if last := string(rune(c)); !strings.HasSuffix(token, last) {
				mustBeForged(t, k, token[:len(token)-1]+last)
			}
		}
		for at := range len(token) + 1 {
			mustBeForged(t, k, token[:at]+"\n"+token[at:])
			mustBeForged(t, k, token[:at]+"\r"+token[at:])
		}
	}
}

func TestTokenOpensOnItsChannelOnly(t *testing.T) {
	k := newSets(t).keys(t)
	rapid.Check(t, func(t *rapid.T) {
		of := drawTarget(t)
		token := mint(t, k, of)
		for _, ch := range []contact.Channel{contact.Email, contact.SMS, "", "fax"} {
			_, err := k.Open(ch, token)
			if ch == of.Contact.Channel() {
				if err != nil {
					t.Errorf("its own channel: %v", err)
				}
			} else if !errors.Is(err, link.ErrForged) || errors.Is(err, link.ErrUnknownKey) {
				t.Errorf("channel %q: %v, want plain ErrForged", ch, err)
			}
		}
	})
}

func TestScopesAndAddressesHaveDifferentTokens(t *testing.T) {
	k := newSets(t).keys(t)
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawTarget(t), drawTarget(t)
		if same := mint(t, k, a) == mint(t, k, b); same != (a == b) {
			t.Errorf("same token: %v, same target: %v", same, a == b)
		}
	})
}

func TestPathsAreTheDoorsOfTheChannels(t *testing.T) {
	if got := link.Path(contact.Email, "abc"); got != "/e/abc" {
		t.Errorf("e-mail path = %s", got)
	}
	if got := link.Path(contact.SMS, "abc"); got != "/s/abc" {
		t.Errorf("SMS path = %s", got)
	}
}

// open is what a path opens.
func open(k *link.Keys, path string) (link.Target, error) {
	ch, token, err := link.Parse(path)
	if err != nil {
		return link.Target{}, err
	}
	return k.Open(ch, token)
}

func TestDecorationsOfATokenOpenItAlone(t *testing.T) {
	k := newSets(t).keys(t)
	rapid.Check(t, func(t *rapid.T) {
		want := drawTarget(t)
		ch := want.Contact.Channel()
		genuine := mint(t, k, want)
		door := link.Path(ch, "")
		outside := rapid.SampledFrom([]string{"", ".", ")", ").", ",", ";", "!", ":", "'", "%22", "%20", "%0A", "%C2%A0", "=", "***", "/", "%2F", "//", "%3E", "…", "»", "\u200b", "%2520", "%252F"})
		before, after := outside.Draw(t, "before"), outside.Draw(t, "after")+outside.Draw(t, "after that")
		slashes := rapid.SampledFrom([]string{"", "/", "/stage"}).Draw(t, "slashes")
		if got, err := open(k, slashes+door+before+genuine+after); err != nil || got != want {
			t.Errorf("%q around the token: %v", before+" "+after, err)
		}
		altered := rapid.SampledFrom([]string{genuine[1:], genuine[:len(genuine)-1], genuine + "A", "A" + genuine, genuine + ".A", genuine + "/more", genuine + genuine, strings.ToUpper(genuine) + "a", "", "..."}).Draw(t, "altered")
		if got, err := open(k, slashes+door+before+altered+after); !errors.Is(err, link.ErrForged) || got != (link.Target{}) {
			t.Errorf("an altered token opens: %v", err)
		}
		others := map[contact.Channel]contact.Channel{contact.Email: contact.SMS, contact.SMS: contact.Email}
		if _, err := open(k, link.Path(others[ch], genuine)); !errors.Is(err, link.ErrForged) {
			t.Errorf("the token opens at the other door: %v", err)
		}
	})
	for _, path := range []string{"", "/", "/e", "/e/", "/x/abc", "e/abc", "/favicon.ico"} {
		if _, err := open(k, path); !errors.Is(err, link.ErrForged) {
			t.Errorf("%q: error %v, want ErrForged", path, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k := newSets(f).keys(f)
	f.Add("email", mint(f, k, target(f, 1, contact.Email, "kari@example.no")))
	f.Add("sms", mint(f, k, target(f, 1, contact.SMS, "+4791234567")))
	f.Add("sms", "0"+strings.Repeat("z", 22))
	f.Add("sms", "z"+strings.Repeat("0", 22))
	f.Add("email", "AQ")
	f.Fuzz(func(t *testing.T, channel, token string) {
		ch := contact.Channel(channel)
		got, err := k.Open(ch, token)
		if err != nil {
			if !errors.Is(err, link.ErrForged) || got != (link.Target{}) {
				t.Errorf("error %v with scope %d", err, got.ScopeID)
			}
			return
		}
		if again, err := k.Mint(got); err != nil || again != token || got.Contact.Channel() != ch {
			t.Errorf("%q opened, but %q is minted: %v", token, again, err)
		}
	})
}
