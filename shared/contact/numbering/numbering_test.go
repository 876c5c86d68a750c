package numbering_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"

	"stille/shared/contact/numbering"
)

// theirs is what the library makes of digits.
func theirs(digits, region string) string {
	if strings.HasPrefix(digits, "+") {
		region = phonenumbers.UNKNOWN_REGION
	}
	number, err := phonenumbers.Parse(digits, region)
	if err != nil {
		return "no number"
	}
	return phonenumbers.Format(number, phonenumbers.E164)
}

func ours(digits, region string) string {
	number, err := numbering.Parse(digits, region)
	if err != nil {
		return "no number"
	}
	return string(number.AppendE164(nil))
}

func agree(t *testing.T, digits, region string) {
	t.Helper()
	if want, got := theirs(digits, region), ours(digits, region); got != want && !(got == "+"+digits && isMobile(got)) {
		t.Errorf("%s in %s: got %s, the library says %s", digits, region, got, want)
	}
	number, err := numbering.Parse(digits, region)
	if err != nil {
		return
	}
	theirs, err := phonenumbers.Parse(string(number.AppendE164(nil)), phonenumbers.UNKNOWN_REGION)
	if err != nil || phonenumbers.GetNationalSignificantNumber(theirs) != number.National {
		return // the library reads the number yet another way
	}
	if got, want := number.HasPossibleLength(), phonenumbers.IsPossibleNumberWithReason(theirs) == phonenumbers.IS_POSSIBLE; got != want {
		t.Errorf("%s in %s: the length of %v is possible: %t, the library says %t", digits, region, number, got, want)
	}
}

func isMobile(number string) bool {
	n, err := phonenumbers.Parse(number, phonenumbers.UNKNOWN_REGION)
	return err == nil && phonenumbers.GetNumberType(n) == phonenumbers.MOBILE
}

func TestMobileNumbersAreReadWithoutTheirPlus(t *testing.T) {
	for region := range phonenumbers.GetSupportedRegions() {
		example := phonenumbers.GetExampleNumberForType(region, phonenumbers.MOBILE)
		if example == nil {
			continue
		}
		number := phonenumbers.Format(example, phonenumbers.E164)
		if got := ours(number[1:], region); got != number {
			t.Errorf("%s in %s is read as %s", number[1:], region, got)
		}
	}
	for _, landLine := range []string{"4971123", "493012345", "4930123456"} { // as the library reads them: without the zero of 04971
		agree(t, landLine, "DE")
	}
}

// regions are all that the library knows, and some that nobody does.
func regions() []string {
	return append(slices.Sorted(maps.Keys(phonenumbers.GetSupportedRegions())), "ZZ", "XX", "")
}

func digitsOnly(number *phonenumbers.PhoneNumber, f phonenumbers.PhoneNumberFormat) string {
	return phonenumbers.NormalizeDigitsOnly(phonenumbers.Format(number, f))
}

func TestExampleNumbersReadAsInTheLibrary(t *testing.T) {
	for region := range phonenumbers.GetSupportedRegions() {
		for kind := phonenumbers.FIXED_LINE; kind <= phonenumbers.VOICEMAIL; kind++ {
			number := phonenumbers.GetExampleNumberForType(region, kind)
			if number == nil {
				continue
			}
			national, full := digitsOnly(number, phonenumbers.NATIONAL), digitsOnly(number, phonenumbers.E164)
			for _, from := range []string{region, "US"} {
				for _, digits := range []string{
					national, full, "+" + full, "+" + full[:len(full)-len(phonenumbers.GetNationalSignificantNumber(number))] + national,
					"00" + full, "011" + full, "0" + full, "0" + national, "00" + national, "1" + national, "8" + national,
					national[1:], national[:len(national)-1], national + "0", full + "12", full + national,
				} {
					agree(t, digits, from)
				}
			}
		}
	}
}

// Random digits are mostly no numbers at all; with a country's code before
// them, or in a region with many rules, they come to every branch.
func TestRandomDigitsReadAsInTheLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same numbers each time
	all := regions()
	codes := slices.Sorted(maps.Keys(phonenumbers.GetSupportedCallingCodes()))
	for range 30_000 {
		digits := make([]byte, 1+random.IntN(17))
		for i := range digits {
			digits[i] = byte('0' + random.IntN(10))
		}
		region := all[random.IntN(len(all))]
		agree(t, string(digits), region)
		agree(t, "+"+string(digits), region)
		agree(t, fmt.Sprintf("+%d%s", codes[random.IntN(len(codes))], digits), region)
		agree(t, fmt.Sprintf("%d%s", phonenumbers.GetCountryCodeForRegion(region), digits), region)
	}
}

func TestNonDigitsAreNoNumber(t *testing.T) {
	for _, digits := range []string{"", "+", "++4791234567", "91 23 45 67", "tel:91234567", "٩١٢٣٤٥٦٧", "9123456x", "+47912345.7"} {
		if number, err := numbering.Parse(digits, "NO"); err == nil {
			t.Errorf("%q is read as %v", digits, number)
		}
	}
}

func TestReadingTheUsualNumberAllocatesNothing(t *testing.T) {
	for _, digits := range []string{"+4791234567", "+46701234567", "+12015550123", "91234567"} {
		if n := testing.AllocsPerRun(100, func() { _, _ = numbering.Parse(digits, "NO") }); n > 0 {
			t.Errorf("%s: %v allocations", digits, n)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("+4791234567", "NO")
	f.Add("0701234567", "SE")
	f.Add("01155512345678", "US")
	f.Add("0343715456789", "AR")
	f.Fuzz(func(t *testing.T, digits, region string) {
		if len(region) > 2 || strings.Trim(digits, "0123456789") != "" || len(digits) > 40 {
			return
		}
		agree(t, digits, region)
		agree(t, "+"+digits, region)
	})
}
