package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/cfn"

	"stille/shared/aws/keyring"
)

// errOrder means that an order cannot be read or does not exist.
var errOrder = errors.New("bad order")

// serve answers CloudFormation, or an order: {"rotate":"link"},
// {"rotate":"contact"}, {"destroy":{"set":"contact","id":"0a1b2c3d"}},
// {"list":true} or {"config":true}. A refusal is an
// answer, not an error: a retry would be refused too.
func (h handler) serve(ctx context.Context, payload json.RawMessage) (any, error) {
	var sent struct{ RequestType cfn.RequestType }
	if json.Unmarshal(payload, &sent) == nil && sent.RequestType != "" && !h.fixed {
		var event cfn.Event
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, fmt.Errorf("%w: CloudFormation's event cannot be read", errOrder)
		}
		return cfn.LambdaWrap(h.handle)(ctx, event)
	}
	order, err := readOrder(payload)
	if err != nil {
		return nil, err
	}
	switch {
	case order.List:
		return h.list(ctx)
	case order.Config:
		return h.config, nil
	case h.fixed:
		return nil, fmt.Errorf("%w: list-keys changes nothing; rotate-keys does", errOrder)
	}
	answer, err := h.change(ctx, order)
	var refusal keyring.Refusal
	if errors.As(err, &refusal) {
		answer, err = keyring.Answer{Refused: refusal.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	h.log.InfoContext(ctx, "keys", "done", answer.Done, "id", answer.ID, "refused", answer.Refused)
	return answer, nil
}

func readOrder(payload []byte) (keyring.Order, error) {
	var order keyring.Order
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&order) != nil {
		return order, fmt.Errorf("%w: not one of rotate, destroy, list and config", errOrder)
	}
	asked := 0
	for _, one := range []bool{order.Rotate != "", order.Destroy != nil, order.List, order.Config} {
		if one {
			asked++
		}
	}
	if asked != 1 {
		return order, fmt.Errorf("%w: must be exactly one of rotate, destroy, list and config", errOrder)
	}
	return order, nil
}

func (h handler) change(ctx context.Context, order keyring.Order) (keyring.Answer, error) {
	switch {
	case order.Rotate == keyring.LinkSet:
		return h.rotateLinks(ctx)
	case order.Rotate == keyring.ContactSet:
		return h.rotateContacts(ctx)
	case order.Destroy == nil:
		return keyring.Answer{}, fmt.Errorf("%w: rotate must be link or contact", errOrder)
	}
	switch order.Destroy.Set {
	case keyring.ContactSet:
		return h.destroyContact(ctx, order.Destroy.ID)
	case keyring.LinkSet:
		return keyring.Answer{}, keyring.Refusal("link keys are never destroyed: a link opens for ever, and needs the key that it was made with")
	case keyring.ProofSet:
		return keyring.Answer{}, keyring.Refusal("proof keys are never destroyed: without them nobody can show which records a certificate lists")
	}
	return keyring.Answer{}, fmt.Errorf("%w: destroy.set must be contact, link or proof", errOrder)
}

// linkKeysDue is the age from which a list calls link keys due. They are rotated
// once a year.
const linkKeysDue = 370 * 24 * time.Hour

// list describes every key.
func (h handler) list(ctx context.Context) (keyring.Listing, error) {
	contacts, err := h.listContacts(ctx)
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

func (h handler) listContacts(ctx context.Context) (keyring.Set, error) {
	v, err := h.current(ctx, h.stack.ContactKeys())
	if err != nil {
		return keyring.Set{}, err
	}
	contacts, err := keyring.OpenContacts(v.value, v.stored)
	if err != nil {
		return keyring.Set{}, fmt.Errorf("secret %s: %w", v.secret, err)
	}
	set := keyring.Set{Name: keyring.ContactSet, Keys: h.listed(contacts.Keys())}
	if pending, ok := contacts.Pending(); ok {
		set.Next, set.From = "stille keys rotate contact", contacts.PromotableAt(pending)
	}
	return set, nil
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
