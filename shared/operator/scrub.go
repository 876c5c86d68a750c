package operator

import (
	"cmp"
	"context"
	"strings"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// UnreadableLine is why a row may not be sent to that could not be read.
const UnreadableLine = "unreadable-line"

// ScrubColumns are the columns that name the contacts of a row.
func ScrubColumns() []string { return []string{"channel", "address", "email", "phone"} }

// Scrub decides which rows of a list of contacts may be sent to.
type Scrub struct {
	Purpose suppression.Purpose
	Channel contact.Channel // only addresses of this channel count; "" for all
	Region  string          // of numbers without a country code

	o  *Operator
	in scope.Scope
}

// Scrub begins to scrub a list for messages of the scope. It reads no row.
func (o *Operator) Scrub(ctx context.Context, inScope string, s Scrub) (*Scrub, error) {
	var err error
	s.o = o
	s.in, err = o.scope(ctx, cmp.Or(inScope, string(scope.Everywhere)))
	return &s, err
}

// Reasons returns why each row must not be sent to, in their order; "" for a row
// whose every contact may be. In doubt there is a reason.
func (s *Scrub) Reasons(ctx context.Context, rows []Row) ([]string, error) {
	set, err := s.o.contactKeys(ctx)
	if err != nil {
		return nil, err
	}
	reasons := make([]string, len(rows))
	var asked [][]contact.Key
	var rowOf []int // the row of each contact that is asked for
	for i, r := range rows {
		contacts, reason := s.contacts(r)
		reasons[i] = reason
		for _, c := range contacts {
			keys, err := set.Keys(c)
			if err != nil {
				return nil, err
			}
			asked, rowOf = append(asked, keys), append(rowOf, i)
		}
	}
	found, err := s.o.Suppressions.Lookup(ctx, asked)
	if err != nil {
		return nil, err
	}
	for n, f := range found {
		if d := decide(f, s.Purpose, s.in); !d.Send && reasons[rowOf[n]] == "" {
			reasons[rowOf[n]] = cmp.Or(d.Reason, UnreadableItem)
		}
	}
	return reasons, nil
}

// contacts are the contacts that a row is about, or why the row has none.
func (s *Scrub) contacts(r Row) (contacts []contact.Contact, reason string) {
	if r.Err != nil {
		return nil, UnreadableLine
	}
	for _, given := range []struct {
		channel contact.Channel
		address string
	}{
		{contact.Channel(strings.ToLower(r.Field("channel"))), r.Fields["address"]},
		{contact.Email, r.Fields["email"]},
		{contact.SMS, r.Fields["phone"]},
	} {
		if given.address == "" || s.Channel != "" && given.channel != s.Channel {
			continue
		}
		c, err := contact.Normalise(given.channel, given.address, s.Region)
		if err != nil {
			return nil, InvalidAddress
		}
		contacts = append(contacts, c)
	}
	if len(contacts) == 0 {
		return nil, InvalidAddress
	}
	return contacts, ""
}
