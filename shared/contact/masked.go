package contact

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"stille/shared/contact/numbering"
)

// Masked is the contact for pages: the owner recognises the contact, other
// people do not. It shows first letters and the top-level domain, or country
// code and the last two digits. The number of dots is always the same.
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
	local, domain, found := strings.Cut(address, "@")
	if !found {
		return ""
	}
	// The owner knows the name and not its A-label.
	if name, err := idna.Display.ToUnicode(domain); err == nil {
		domain = name
	}
	masked := firstLetter(local) + "•••@" + firstLetter(domain) + "•••"
	if dot := strings.LastIndexByte(domain, '.'); dot >= 0 {
		masked += domain[dot:]
	}
	return masked
}

func maskPhone(address string) string {
	number, err := numbering.Parse(address, nowhere)
	if err != nil {
		return "•••"
	}
	return fmt.Sprintf("+%d ••• •• •%s", number.Country, address[len(address)-2:])
}

func firstLetter(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}
