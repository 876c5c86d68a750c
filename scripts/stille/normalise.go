package main

import (
	"fmt"
	"io"

	"stille/shared/contact"
	"stille/shared/operator"
)

type normalise struct {
	Channel contact.Channel `arg:"" enum:"email,sms" help:"email or sms."`
	Region  string          `placeholder:"NO" help:"Country, two letters, of numbers without + or 00."`
	Address words           `arg:"" optional:"" help:"Addresses or numbers. Standard input, one a line, where none is given."`
}

// Help shows both answers.
func (normalise) Help() string {
	return `Prints one line an address: ok and how the system writes it, or invalid and why. Two spellings with the same answer are one contact. Put -- before an address that begins with a dash.

    $ stille normalise email ' Kari@Example.NO '
    ok kari@example.no

    $ stille normalise sms --region NO '912 34 567' +4791234567
    ok +4791234567
    ok +4791234567

    $ stille normalise sms '912 34 567'
    invalid a number without + or 00 needs a region`
}

type normaliseAnswer struct {
	OK         bool   `json:"ok"`
	Normalised string `json:"normalised,omitempty"`
	Why        string `json:"why,omitempty"`
}

// Run answers for every address.
func (n normalise) Run(s *session) error {
	for address, err := range s.lines(n.Address) {
		if err != nil {
			return err
		}
		answer := normaliseAnswer{}
		c, invalid := contact.Normalise(n.Channel, address, n.Region)
		if invalid != nil {
			answer.Why = operator.WhyInvalid(invalid)
		} else {
			answer.OK, answer.Normalised = true, c.Address()
		}
		err = show(s, &answer, nil, func(w io.Writer, a *normaliseAnswer) {
			if a.OK {
				fmt.Fprintln(w, "ok", a.Normalised)
				return
			}
			fmt.Fprintln(w, "invalid", a.Why)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
