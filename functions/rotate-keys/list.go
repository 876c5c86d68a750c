package main

import (
	"context"
	"fmt"
	"time"

	"stille/shared/aws/keyring"
)

// linkKeysDue is the age from which a list calls link keys due. They are rotated
// once a year.
const linkKeysDue = 370 * 24 * time.Hour

// list describes every key. A brief list leaves out the uses.
func (h handler) list(ctx context.Context, brief bool) (keyring.Listing, error) {
	contacts, err := h.listContacts(ctx, brief)
	if err != nil {
		return keyring.Listing{}, err
	}
	email, sms, err := h.listLinks(ctx)
	if err != nil {
		return keyring.Listing{}, err
	}
	v, err := h.current(ctx, h.stack.ProofKeys())
	if err != nil {
		return keyring.Listing{}, err
	}
	proof, err := keyring.ListProof(v.value, v.stored)
	if err != nil {
		return keyring.Listing{}, fmt.Errorf("secret %s: %w", v.secret, err)
	}
	return keyring.Listing{Sets: []keyring.Set{contacts, email, sms, {Name: keyring.ProofSet, Keys: h.listed(proof)}}}, nil
}

func (h handler) listContacts(ctx context.Context, brief bool) (keyring.Set, error) {
	v, err := h.current(ctx, h.stack.ContactKeys())
	if err != nil {
		return keyring.Set{}, err
	}
	contacts, err := keyring.OpenContacts(v.value, v.stored)
	if err != nil {
		return keyring.Set{}, fmt.Errorf("secret %s: %w", v.secret, err)
	}
	set := keyring.Set{Name: keyring.ContactSet, Keys: h.listed(contacts.Keys())}
	if !brief {
		if err := h.count(ctx, &set, contacts.RemovableAt()); err != nil {
			return keyring.Set{}, err
		}
	}
	if pending, ok := contacts.Pending(); ok {
		set.Next, set.From = "stille keys rotate contact", contacts.PromotableAt(pending)
	}
	return set, nil
}

// count adds the uses of each contact key, and names a key to destroy.
func (h handler) count(ctx context.Context, set *keyring.Set, removable time.Time) error {
	for i, key := range set.Keys {
		uses, err := h.uses(ctx, key.ID)
		if err != nil {
			return err
		}
		set.Keys[i].Uses = &uses
		if !uses.Any() && !key.Primary && !key.Pending && set.Next == "" {
			set.Next, set.From = "stille keys destroy contact "+key.ID, removable
		}
	}
	return nil
}

func (h handler) listLinks(ctx context.Context) (email, sms keyring.Set, err error) {
	v, err := h.current(ctx, h.stack.LinkKeys())
	if err != nil {
		return email, sms, err
	}
	links, err := keyring.OpenLinks(v.value, v.stored)
	if err != nil {
		return email, sms, fmt.Errorf("secret %s: %w", v.secret, err)
	}
	email = keyring.Set{Name: keyring.LinkSet + "-email", Keys: h.listed(links.Email())}
	sms = keyring.Set{Name: keyring.LinkSet + "-sms", Keys: h.listed(links.SMS())}
	newest := email.Keys[len(email.Keys)-1]
	if h.now().Sub(newest.Created) > linkKeysDue {
		email.Next, sms.Next = "stille keys rotate link", "stille keys rotate link"
	}
	return email, sms, nil
}

func (h handler) listed(all []keyring.Key) []keyring.Listed {
	listed := make([]keyring.Listed, len(all))
	for i, key := range all {
		listed[i] = keyring.Listed{Key: key, AgeDays: int(h.now().Sub(key.Created) / (24 * time.Hour))}
	}
	return listed
}
