package contact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stille/shared/contact"
)

func mustNormalise(t testing.TB, ch contact.Channel, address string) contact.Contact {
	t.Helper()
	c, err := contact.Normalise(ch, address, "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestContactNeverShowsItsAddress(t *testing.T) {
	type holder struct {
		Shown  contact.Contact
		hidden contact.Contact
		list   []contact.Contact
		byName map[string]*contact.Contact
	}
	for _, c := range []contact.Contact{
		mustNormalise(t, contact.Email, "secretive@example.no"),
		mustNormalise(t, contact.SMS, "+4791234567"),
	} {
		h := holder{Shown: c, hidden: c, list: []contact.Contact{c}, byName: map[string]*contact.Contact{"a": &c}}
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%b", "%d", "%T"} {
			fmt.Fprintf(&out, verb+"\n", c)
			fmt.Fprintf(&out, verb+"\n", &c)
			fmt.Fprintf(&out, verb+"\n", h)
			fmt.Fprintf(&out, verb+"\n", &h)
			fmt.Fprintf(&out, verb+"\n", []any{c, h})
		}
		fmt.Fprintln(&out, c, h, c.String())
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
			slog.New(handler).Info("a contact", "contact", c, "holder", h, "any", []any{c, &c})
		}
		if marshalled, err := json.Marshal(h); err == nil {
			t.Errorf("json.Marshal gave %s, want an error", marshalled)
		} else {
			out.WriteString(err.Error())
		}
		for _, part := range []string{"secretive", "example.no", "91234567", "736563726574", "3931323334353637", "73 65 63 72", "39 31 32 33"} {
			if strings.Contains(out.String(), part) {
				t.Errorf("%q is shown in:\n%s", part, out.String())
			}
		}
		if want := "contact(" + string(c.Channel()) + ")"; !strings.Contains(out.String(), want) {
			t.Errorf("the output does not say %s:\n%s", want, out.String())
		}
	}
}

func TestTheMaskShowsLittle(t *testing.T) {
	tests := map[string]struct {
		channel       contact.Channel
		address, want string
	}{
		"an address":                          {contact.Email, "kari@example.no", "k•••@example.no"},
		"an address with a tag":               {contact.Email, "kari+shop@example.no", "k•••+shop@example.no"},
		"a tag with a plus":                   {contact.Email, "kari+a+b@example.no", "k•••+a+b@example.no"},
		"an empty tag":                        {contact.Email, "kari+@example.no", "k•••+@example.no"},
		"an address that begins with a plus":  {contact.Email, "+kari@example.no", "+•••@example.no"},
		"a domain of several labels":          {contact.Email, "kari@mail.example.co.uk", "k•••@mail.example.co.uk"},
		"an address of single letters":        {contact.Email, "k@e.no", "k•••@e.no"},
		"a domain without a dot":              {contact.Email, "kari@example", "k•••@example"},
		"letters beyond ASCII":                {contact.Email, "åge@blåbær.no", "å•••@blåbær.no"},
		"a number":                            {contact.SMS, "+4791234567", "+47 •••• 4567"},
		"a number with a long country code":   {contact.SMS, "+35312345678", "+353 •••• 5678"},
		"a number that no numbering plan has": {contact.SMS, "+47999", "+47 •••• 99"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c, err := contact.NormaliseAnyLength(test.channel, test.address, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Masked(); got != test.want {
				t.Errorf("mask = %s, want %s", got, test.want)
			}
		})
	}
}

func TestZeroContactReachesNobody(t *testing.T) {
	var nobody contact.Contact
	if nobody.Address() != "" || nobody.Channel() != "" || nobody.Masked() != "" {
		t.Errorf("the zero contact is %q on %q, masked %q", nobody.Address(), nobody.Channel(), nobody.Masked())
	}
}

func TestOnlyNormalisedShapesAreAccepted(t *testing.T) {
	tests := map[string]struct {
		channel contact.Channel
		address string
	}{
		"an empty address":              {contact.Email, ""},
		"an address without an at sign": {contact.Email, "kari"},
		"two at signs":                  {contact.Email, "a@b@c"},
		"no local part":                 {contact.Email, "@example.no"},
		"no domain":                     {contact.Email, "kari@"},
		"a space":                       {contact.Email, "ka ri@example.no"},
		"a line break":                  {contact.Email, "kari@example.no\n"},
		"not UTF-8":                     {contact.Email, "k\xe5ri@example.no"},
		"255 octets":                    {contact.Email, strings.Repeat("a", 250) + "@b.no"},
		"a number without a plus":       {contact.SMS, "4791234567"},
		"a number with a leading zero":  {contact.SMS, "+04791234567"},
		"a number of 16 digits":         {contact.SMS, "+1234567890123456"},
		"a number of two digits":        {contact.SMS, "+47"},
		"a space in a number":           {contact.SMS, "+47 91234567"},
		"a letter in a number":          {contact.SMS, "+47912345a7"},
		"an address as a number":        {contact.SMS, "kari@example.no"},
		"a number as an address":        {contact.Email, "+4791234567"},
		"a channel there is none of":    {"fax", "+4791234567"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if c, err := contact.FromNormalised(test.channel, test.address); !errors.Is(err, contact.ErrInvalid) || c != (contact.Contact{}) {
				t.Errorf("got %v and error %v, want ErrInvalid", c, err)
			}
		})
	}
}

func TestChannelsAreNamedExactly(t *testing.T) {
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		if got, err := contact.ParseChannel(string(ch)); got != ch || err != nil {
			t.Errorf("ParseChannel(%q) = %q, %v", ch, got, err)
		}
	}
	for _, name := range []string{"", "Email", "SMS", "e-mail", " sms", "fax"} {
		if got, err := contact.ParseChannel(name); got != "" || !errors.Is(err, contact.ErrInvalid) {
			t.Errorf("ParseChannel(%q) = %q, %v, want ErrInvalid", name, got, err)
		}
	}
}

func TestEqualAddressesAreEqualContacts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		address := rapid.StringMatching(`[a-zæøå0-9.+]{1,60}@[a-z0-9]{1,60}`).Draw(t, "address")
		first, err := contact.FromNormalised(contact.Email, address)
		if err != nil {
			t.Fatal(err)
		}
		second, err := contact.FromNormalised(contact.Email, strings.Clone(address))
		if err != nil || first != second || first.Address() != address {
			t.Errorf("%q comes back as %q and %q (%v)", address, first.Address(), second.Address(), err)
		}
		if other, err := contact.FromNormalised(contact.Email, address+"x"); err != nil || other == first {
			t.Errorf("%q and another address are one contact (%v)", address, err)
		}
	})
}

// The contacts are new each time, as those of a list are.
func BenchmarkNewContact(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		if _, err := contact.Normalise(contact.Email, fmt.Sprintf("kari.nordmann.%d@example.no", i), ""); err != nil {
			b.Fatal(err)
		}
	}
}
