package contact

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"stille/shared/contact/numbering"
)

// Masked is the contact for pages: the owner recognises the contact, other
// people do not. It shows the first letter, a +tag and the domain of an address,
// by which people tell their addresses apart, or the country code and the last
// four digits of a number. The number of dots is always the same.
func (c Contact) Masked() string {
	switch c.channel {
	case Email:
		return maskEmail(c.Address())
	case SMS:
		return maskPhone(c.Address())
	}
	return ""
}

func maskEmail(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	// The owner knows the name and not its A-label.
	if name, err := idna.Display.ToUnicode(domain); err == nil {
		domain = name
	}
	tag := ""
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		tag = local[plus:]
	}
	_, first := utf8.DecodeRuneInString(local)
	return local[:first] + "•••" + tag + "@" + domain
}

// shownDigits is how many of a number's last digits a mask shows; fewer of a
// number that is as short.
const shownDigits = 4

func maskPhone(address string) string {
	number, err := numbering.Parse(address, nowhere)
	if err != nil {
		return "•••"
	}
	shown := min(shownDigits, len(number.National)-1)
	return fmt.Sprintf("+%d •••• %s", number.Country, number.National[len(number.National)-shown:])
}
