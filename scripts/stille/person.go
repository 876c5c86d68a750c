package main

import (
	"context"
	"fmt"

	"stille/shared/contact"
	"stille/shared/operator"
)

// person is a contact as the operator types it.
type person struct {
	Channel contact.Channel `arg:"" enum:"email,sms" help:"email or sms."`
	Address string          `arg:"" help:"The address or number; put -- before one that begins with a dash."`
	Region  string          `placeholder:"NO" help:"Country, two letters, of a number without + or 00."`
}

// contact reads the contact; a usage error says what is wrong with it.
// The number may have any length: a STOP is taken from each.
func (p person) contact() (contact.Contact, error) {
	c, err := contact.NormaliseAnyLength(p.Channel, p.Address, p.Region)
	if err != nil {
		return c, usage("the address cannot be read: %s", operator.WhyInvalid(err))
	}
	return c, nil
}

// keysOf are the keys of a contact in a stack, the newest first.
func keysOf(ctx context.Context, sys *system, c contact.Contact) ([]contact.Key, error) {
	set, err := sys.keys.Contact(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetching the contact keys: %w", err)
	}
	return set.Keys(c)
}
