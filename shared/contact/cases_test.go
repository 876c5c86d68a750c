package contact_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/nyaruka/phonenumbers"

	"stille/shared/contact"
)

// cases reads a table of testdata: one case a line, tabs between the fields,
// a header first.
func cases(t testing.TB, file string) [][]string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	width := strings.Count(lines[0], "\t") + 1
	var table [][]string
	for _, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		if len(fields) != width {
			t.Fatalf("%s: %q has %d fields, want %d", file, line, len(fields), width)
		}
		table = append(table, fields)
	}
	return table
}

// checkCase compares what an address is taken for with the answers that a case
// allows: A|B, same:N, invalid.
func checkCase(t *testing.T, ch contact.Channel, input, region, allowed string) {
	t.Helper()
	c, err := contact.Normalise(ch, input, region)
	got := c.Address()
	if err != nil {
		got = "invalid"
	}
	for want := range strings.SplitSeq(allowed, "|") {
		if other, found := strings.CutPrefix(want, "same:"); found {
			want = mustNormalise(t, ch, other).Address()
		}
		if got == want {
			return
		}
	}
	t.Errorf("%q in %q is taken for %s, want %s", input, region, got, allowed)
}

func TestNumbersOfRealListsAreRead(t *testing.T) {
	for _, file := range []string{"numbers.tsv", "more-numbers.tsv"} {
		for i, c := range cases(t, file) {
			t.Run(fmt.Sprint(file, " line ", i+2), func(t *testing.T) { checkCase(t, contact.SMS, c[0], c[1], c[2]) })
		}
	}
}

func TestAddressesOfRealListsAreRead(t *testing.T) {
	for _, file := range []string{"addresses.tsv", "more-addresses.tsv"} {
		for i, c := range cases(t, file) {
			t.Run(fmt.Sprint(file, " line ", i+2), func(t *testing.T) { checkCase(t, contact.Email, c[0], "", c[1]) })
		}
	}
}

func TestSmallLettersOfOneCapitalAreOneContact(t *testing.T) {
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !unicode.IsLetter(r) || unicode.ToUpper(r) == r {
			continue
		}
		small := mustNormalise(t, contact.Email, "a"+string(r)+"@example.gr")
		capital := mustNormalise(t, contact.Email, "a"+string(unicode.ToUpper(r))+"@example.gr")
		if small != capital {
			t.Errorf("%c gives %s, its capital %s", r, small.Address(), capital.Address())
		}
	}
	want := mustNormalise(t, contact.Email, "νίκοσ@βόλοσ.example")
	for _, way := range []string{"νίκος@βόλος.example", "ΝΊΚΟΣ@ΒΌΛΟΣ.EXAMPLE", "νίκος@xn--nxasmm1c.example", "νίκος@xn--nxasmq6b.example"} {
		if got, err := contact.Normalise(contact.Email, way, ""); err != nil || got != want {
			t.Errorf("%s is taken for %s (%v), want %s", way, got.Address(), err, want.Address())
		}
	}
}

func TestOldLinksAddressIsTodaysContact(t *testing.T) {
	for old, today := range map[string]string{"νίκος@example.gr": "νίκοσ@example.gr", "+5215512307511": "+525512307511", "+541123456789": "+5491123456789"} {
		ch := contact.SMS
		if strings.Contains(old, "@") {
			ch = contact.Email
		}
		if got, err := contact.FromNormalised(ch, old); err != nil || got != mustNormalise(t, ch, today) {
			t.Errorf("%s comes back as %s (%v)", old, got.Address(), err)
		}
	}
}

func TestSendersNumberMayHaveAnyLength(t *testing.T) {
	for number, want := range map[string]string{"+47 999": "+47999", "+4791234567": "+4791234567", "+47912345678901": "+47912345678901", "+521 55 1230 7511": "+525512307511"} {
		if got, err := contact.NormaliseAnyLength(contact.SMS, number, ""); err != nil || got.Address() != want {
			t.Errorf("%s is taken for %s (%v), want %s", number, got.Address(), err, want)
		}
	}
	for _, number := range []string{"2012", "ACME", "+4", ""} {
		if got, err := contact.NormaliseAnyLength(contact.SMS, number, ""); err == nil {
			t.Errorf("%q is taken for %s", number, got.Address())
		}
	}
}

// spellings are the ways in which lists write a number, by the region that each
// is read in.
func spellings(number *phonenumbers.PhoneNumber, region string) map[string]string {
	code := fmt.Sprint(number.GetCountryCode())
	significant := phonenumbers.GetNationalSignificantNumber(number)
	grouped := significant[:len(significant)/2] + " " + significant[len(significant)/2:]
	full := code + significant
	national := phonenumbers.Format(number, phonenumbers.NATIONAL)
	all := map[string]string{
		"+" + code + " (0) " + grouped: "", "+" + code + "(0)" + significant: "", "00" + code + " (0) " + grouped: "",
		"(+" + code + ") (0) " + grouped: "", "+" + code + " [0] " + grouped: "", "＋" + code + "（０）" + grouped: "",
		"+" + full: "", " +" + full + " ": "", "00" + full: "", "'+" + full: "", "’+" + full: "", `="+` + full + `"`: "",
		"tel:+" + full: "", "TEL:+" + code + "-" + strings.ReplaceAll(grouped, " ", "-"): "", "+" + full + ".0": "", "+" + full + ".00": "",
		"+" + full + ",0": "", "+" + code + "." + grouped: "", "\u202a+" + full + "\u202c": "",
		phonenumbers.Format(number, phonenumbers.INTERNATIONAL): "",
		significant: region, significant + ".0": region, "'" + significant: region, `="` + significant + `"`: region, "tel:" + significant: region,
	}
	// The library itself reads some numbers another way than it writes them.
	if again, err := phonenumbers.Parse(national, region); err == nil && phonenumbers.Format(again, phonenumbers.E164) == "+"+full {
		all[national] = region
	}
	return all
}

func TestSpellingsOfOneNumberAreOneContact(t *testing.T) {
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			number := phonenumbers.GetExampleNumberForType(region, kind)
			if number == nil {
				continue
			}
			plain := phonenumbers.Format(number, phonenumbers.E164)
			if phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
				continue
			}
			want, err := contact.Normalise(contact.SMS, plain, "")
			if err != nil {
				t.Errorf("%s is refused: %v", plain, err)
				continue
			}
			for way, from := range spellings(number, region) {
				if got, err := contact.Normalise(contact.SMS, way, from); err != nil || got != want {
					t.Errorf("%q in %q is taken for %q (%v), %s for %q", way, from, got.Address(), err, plain, want.Address())
				}
			}
		}
	}
}
