package keyring_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"stille/shared/aws/keyring"
	"stille/shared/contact"
	"stille/shared/link"
)

func TestNewSecretsAreReadableAndNeverTheSame(t *testing.T) {
	makers := map[string]struct {
		fresh func() (string, error)
		parse func(string) error
	}{
		"contact": {keyring.NewContactSecret, func(s string) error { _, err := keyring.ParseContact(s); return err }},
		"link":    {keyring.NewLinkSecret, func(s string) error { _, err := keyring.ParseLink(s); return err }},
		"proof":   {keyring.NewProofSecret, func(s string) error { _, err := keyring.ParseProof(s); return err }},
	}
	for name, m := range makers {
		t.Run(name, func(t *testing.T) {
			first, second := mustMake(t, m.fresh), mustMake(t, m.fresh)
			if first == second {
				t.Error("two new secrets are the same")
			}
			if err := m.parse(first); err != nil {
				t.Error(err)
			}
			if !json.Valid([]byte(first)) {
				t.Error("a secret is not JSON")
			}
		})
	}
}

func TestAnotherKindsSecretIsUnreadableAndHidden(t *testing.T) {
	contacts, links := mustMake(t, keyring.NewContactSecret), mustMake(t, keyring.NewLinkSecret)
	var parts struct{ Email, SMS json.RawMessage }
	if err := json.Unmarshal([]byte(links), &parts); err != nil {
		t.Fatal(err)
	}
	parseContact := func(s string) error { _, err := keyring.ParseContact(s); return err }
	parseLink := func(s string) error { _, err := keyring.ParseLink(s); return err }
	parseProof := func(s string) error { _, err := keyring.ParseProof(s); return err }
	tests := map[string]struct {
		parse  func(string) error
		secret string
	}{
		"nothing as contact keys":              {parseContact, ""},
		"a password as contact keys":           {parseContact, "hunter2hunter2"},
		"an empty object as contact keys":      {parseContact, "{}"},
		"cut contact keys":                     {parseContact, contacts[:len(contacts)-9]},
		"contact keys with a bad value":        {parseContact, strings.Replace(contacts, "ENABLED", "hunter2", 1)},
		"link keys as contact keys":            {parseContact, links},
		"e-mail link keys as contact keys":     {parseContact, string(parts.Email)},
		"nothing as link keys":                 {parseLink, ""},
		"a password as link keys":              {parseLink, "hunter2hunter2"},
		"contact keys as link keys":            {parseLink, contacts},
		"link keys without the SMS half":       {parseLink, `{"email":` + string(parts.Email) + `}`},
		"link keys without the e-mail half":    {parseLink, `{"sms":` + string(parts.SMS) + `}`},
		"link keys with the halves swapped":    {parseLink, `{"email":` + string(parts.SMS) + `,"sms":` + string(parts.Email) + `}`},
		"nothing as proof keys":                {parseProof, ""},
		"a password as proof keys":             {parseProof, "hunter2hunter2"},
		"link keys as proof keys":              {parseProof, links},
		"e-mail link keys as proof keys":       {parseProof, string(parts.Email)},
		"link keys with a password for a half": {parseLink, `{"email":"hunter2hunter2","sms":` + string(parts.SMS) + `}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.parse(test.secret)
			if !errors.Is(err, keyring.ErrUnreadable) {
				t.Fatalf("error = %v, want ErrUnreadable", err)
			}
			if strings.Contains(err.Error(), "hunter2") || regexp.MustCompile(`[A-Za-z0-9+/]{20}`).MatchString(err.Error()) {
				t.Errorf("error %q shows what the secret holds", err)
			}
		})
	}
}

func TestNewLinkKeysMakeBothKindsOfLinks(t *testing.T) {
	set, err := keyring.ParseLink(mustMake(t, keyring.NewLinkSecret))
	if err != nil {
		t.Fatal(err)
	}
	number, err := contact.Normalise(contact.SMS, "+4791234567", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []contact.Contact{contactOf(t), number} {
		want := link.Target{ScopeID: 3, Contact: c}
		token, err := set.Mint(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := set.Open(c.Channel(), token); err != nil || got != want {
			t.Errorf("%v: opened scope %d, %v", c, got.ScopeID, err)
		}
	}
}

func TestAProofTellsRecordsApartAndNothingElse(t *testing.T) {
	secret := mustMake(t, keyring.NewProofSecret)
	ours, err := keyring.ParseProof(secret)
	if err != nil {
		t.Fatal(err)
	}
	again, err := keyring.ParseProof(secret)
	if err != nil {
		t.Fatal(err)
	}
	other, err := keyring.ParseProof(mustMake(t, keyring.NewProofSecret))
	if err != nil {
		t.Fatal(err)
	}
	proof := ours.HMAC("messaging", "sub-81")
	if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(proof) {
		t.Errorf("proof %q is not 64 hexadecimal digits", proof)
	}
	if again.HMAC("messaging", "sub-81") != proof {
		t.Error("the same keys give another proof")
	}
	for name, got := range map[string]string{
		"another record":                 ours.HMAC("messaging", "sub-82"),
		"another class":                  ours.HMAC("communication", "sub-81"),
		"the boundary elsewhere":         ours.HMAC("messagings", "ub-81"),
		"the same record, another stack": other.HMAC("messaging", "sub-81"),
	} {
		if got == proof {
			t.Errorf("%s has the same proof", name)
		}
	}
}
