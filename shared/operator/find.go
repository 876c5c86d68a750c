package operator

import (
	"cmp"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"stille/shared/contact"
)

// Find returns the contacts that may stand anywhere in a text. It returns too many
// rather than too few: where a text can be read in several ways, each reading is a
// contact. A number without + or 00 needs a region.
func Find(text, region string) []contact.Contact {
	var found contacts
	for _, reading := range readings(text) {
		found.addAddresses(reading)
		if strings.ContainsAny(reading, "@([") {
			found.addAddresses(loose.ReplaceAllString(reading, "@"))
		}
		for _, run := range numbers.FindAllString(reading, -1) {
			for _, number := range numbersIn(run, region != "") {
				found.add(contact.SMS, number, region)
			}
		}
	}
	return found
}

// loose is an @ as people write it who fear robots, or whose pen slips.
var loose = regexp.MustCompile(`(?i)["\s]*(?:@|[(\[]\s*at\s*[)\]])\s*`)

// contacts are different contacts.
type contacts []contact.Contact

func (c *contacts) add(ch contact.Channel, address, region string) {
	who, err := contact.Normalise(ch, address, region)
	if err == nil && !slices.Contains(*c, who) {
		*c = append(*c, who)
	}
}

func (c *contacts) addAddresses(text string) {
	for i := range len(text) {
		if text[i] == '@' {
			for _, address := range addressesAround(text, i) {
				c.add(contact.Email, address, "")
			}
		}
	}
}

// HoldsContact reports whether an address stands in a text, or whether the text is
// a number. No header of a column does or is.
func HoldsContact(text string) bool {
	const fewest = 5 // digits; more than a year has
	var found contacts
	for _, reading := range readings(text) {
		found.addAddresses(reading)
	}
	return len(found) > 0 || isNumber(text, fewest)
}

// isNumber reports whether a text has that many digits, and nothing but what is
// written in phone numbers.
func isNumber(text string, fewest int) bool {
	other := func(r rune) bool {
		return !unicode.In(r, unicode.Nd, unicode.Zs, unicode.Pd, unicode.Cf) && !strings.ContainsRune(`+()[]./'="`, r)
	}
	return digitsIn(text) >= fewest && !strings.ContainsFunc(strings.TrimPrefix(strings.ToLower(text), "tel:"), other)
}

// readings are the ways to read a text: without the characters that cannot be
// seen, and with a space for each of them.
func readings(text string) []string {
	plain := norm.NFKC.String(html.UnescapeString(strings.NewReplacer("%40", "@", "=40", "@").Replace(text)))
	if !strings.ContainsFunc(plain, contact.Invisible) {
		return []string{plain}
	}
	replace := func(by rune) string {
		return strings.Map(func(r rune) rune {
			if contact.Invisible(r) {
				return by
			}
			return r
		}, plain)
	}
	return []string{replace(-1), replace(' ')}
}

// mayPrecede are characters that an address may begin with, and that a text may
// have before an address.
const mayPrecede = "!#$%&'*+-/=?^_`{|}~."

// addressesAround returns what may be the address whose @ stands at an index of a text.
func addressesAround(text string, at int) []string {
	local := text[strings.LastIndexFunc(text[:at], func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>[\]@`, r)
	})+1 : at]
	local = strings.TrimLeftFunc(local, unicode.IsSpace) // the rest of a wide space
	domain := text[at+1:]
	end := strings.IndexFunc(domain, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.Nd) && !strings.ContainsRune("-.\u3002", r)
	})
	if end >= 0 {
		domain = domain[:end]
	}
	domain = "@" + strings.Trim(domain, "-.\u3002")
	addresses := []string{local + domain}
	for i, r := range local {
		if strings.ContainsRune(mayPrecede, r) && (i == 0 || !strings.ContainsRune("+-_.", r)) {
			addresses = append(addresses, strings.TrimLeft(local[i:], mayPrecede)+domain)
		}
	}
	return addresses
}

var numbers = regexp.MustCompile(`[+(]*\p{Nd}[\p{Nd}\p{Zs}\p{Pd}\t()./]{4,}\p{Nd}`)

// numbersIn returns what may be the numbers in a run of digits and separators: every
// part between two separators that is no longer than a number. Many digits may be
// a number whose + got lost.
func numbersIn(run string, national bool) (found []string) {
	const most, fewestDigits, withCountry, mostDigits = 8, 6, 10, 18
	parts := strings.FieldsFunc(run, func(r rune) bool { return unicode.IsSpace(r) || r == '/' })
	for i := range parts {
		start := strings.TrimLeft(parts[i], "(")
		dialled := strings.HasPrefix(start, "+") || strings.HasPrefix(start, "00")
		for j := i + 1; j <= min(len(parts), i+most); j++ {
			number := strings.Join(parts[i:j], " ")
			digits := digitsIn(number)
			if digits > mostDigits {
				break
			}
			if digits >= fewestDigits && (dialled || national) {
				found = append(found, number)
			}
			if digits >= withCountry && !dialled {
				found = append(found, "+"+number)
			}
		}
	}
	return found
}

func digitsIn(text string) (digits int) {
	for _, r := range text {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits
}

// contactsIn reads a cell: one contact, or several with commas or semicolons
// between. It drops what programs put around an address: an apostrophe, a formula,
// a name, mailto:.
func contactsIn(ch contact.Channel, cell, region string) ([]contact.Contact, error) {
	c, err := contact.Normalise(ch, unwrapped(cell), region)
	if err == nil {
		return []contact.Contact{c}, nil
	}
	parts := strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;|\n", r) })
	var all []contact.Contact
	for _, part := range parts {
		if c, wrong := contact.Normalise(ch, unwrapped(part), region); wrong == nil {
			all = append(all, c)
		} else if strings.TrimSpace(part) != "" {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, err
	}
	return all, nil
}

// unwrapped drops what stands around an address.
func unwrapped(cell string) string {
	cell = strings.TrimSpace(cell)
	if i := strings.IndexByte(cell, '<'); i >= 0 && strings.HasSuffix(cell, ">") && !strings.Contains(cell[:i], "@") {
		cell = cell[i+1 : len(cell)-1]
	}
	cell = strings.TrimLeft(cell, `'="`)
	const scheme = "mailto:"
	if len(cell) > len(scheme) && strings.EqualFold(cell[:len(scheme)], scheme) {
		cell = cell[len(scheme):]
	}
	return strings.TrimRight(cell, `'"`)
}

// channelNamed reads the name of a channel; a name of none is no channel.
func channelNamed(text string) contact.Channel {
	names := map[string]contact.Channel{
		"email": contact.Email, "mail": contact.Email, "epost": contact.Email,
		"sms": contact.SMS, "phone": contact.SMS, "mobile": contact.SMS, "mobil": contact.SMS, "text": contact.SMS,
	}
	return cmp.Or(names[fold(text)], contact.Channel(text))
}

// channelOf is the channel of an address that stands alone.
func channelOf(address string) contact.Channel {
	if strings.ContainsAny(address, "@＠") {
		return contact.Email
	}
	return contact.SMS
}
