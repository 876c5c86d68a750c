package client

import (
	"context"
	"errors"
	"time"
)

// LinkOrder asks for unsubscribe links.
type LinkOrder struct {
	Scope    string    `json:"scope,omitzero"` // a brand, or a topic with its own opt-out
	Lang     string    `json:"lang,omitzero"`  // of the page; the reader's own where it is empty
	Contacts []Contact `json:"contacts"`
}

// Link is one contact's unsubscribe link, or Reason why there is none.
type Link struct {
	Key     string            `json:"key"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"` // to be sent with an e-mail, and signed by DKIM
	Reason  string            `json:"reason"`
}

// Links returns a Link for every contact, in their order. After an error those
// it could not get are zero: a message without its link must not go out.
func (c *Client) Links(ctx context.Context, order LinkOrder) ([]Link, error) {
	return results(ctx, c, "/v1/links", order.Contacts,
		func(part []Contact) any { return LinkOrder{order.Scope, order.Lang, part} },
		func(to Contact, l Link) (Link, error) {
			switch {
			case (l.URL == "") == (l.Reason == ""):
				return Link{}, errors.New("is neither a link nor a reason why there is none")
			case to.Channel == Email && l.URL != "" && (l.Headers["List-Unsubscribe"] == "" || l.Headers["List-Unsubscribe-Post"] == ""):
				return Link{}, errors.New("lacks a header")
			}
			return l, nil
		})
}

// OptOut reports that people said no, or that they cannot be reached.
type OptOut struct {
	Scope    string    `json:"scope,omitzero"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at,omitzero"`   // now where it is zero
	Note     string    `json:"note,omitzero"` // a reference, may be empty
	Contacts []Contact `json:"contacts"`
}

// Suppressed is what became of one contact's OptOut. Added is false where the
// contact was suppressed already, and where Reason says why the contact is not.
type Suppressed struct {
	Added      bool
	Suppressed bool // the contact is now suppressed in the scope
	Reason     string
	Key        string
}

// Suppress reports the opt-out of every contact. After an error, report them
// all again: what was taken stands and is not taken twice.
func (c *Client) Suppress(ctx context.Context, o OptOut) ([]Suppressed, error) {
	type taken struct {
		Added      *bool  `json:"added"`
		Suppressed bool   `json:"suppressed"`
		Reason     string `json:"reason"`
		Key        string `json:"key"`
	}
	return results(ctx, c, "/v1/suppressions", o.Contacts,
		func(part []Contact) any { return OptOut{o.Scope, o.Reason, o.At, o.Note, part} },
		func(_ Contact, t taken) (Suppressed, error) {
			if t.Added == nil || *t.Added && t.Reason != "" {
				return Suppressed{}, errors.New("does not say what was done")
			}
			return Suppressed{*t.Added, t.Suppressed, t.Reason, t.Key}, nil
		})
}

// Consent says that people gave a new consent, and where the evidence is kept.
type Consent struct {
	Scope       string    `json:"scope"` // exactly where
	ConsentedAt time.Time `json:"consentedAt"`
	Evidence    string    `json:"evidence"` // a reference
	Contacts    []Contact `json:"contacts"`
}

// Lifted is what became of one contact's Consent. Released is false where
// Reason says why. Whether a message may be sent is still for Check to say.
type Lifted struct {
	Released bool
	Reason   string
	Key      string
}

// Release ends the silence of every contact, where newer consent may. After an
// error, show it again: what was released is answered as released again.
func (c *Client) Release(ctx context.Context, consent Consent) ([]Lifted, error) {
	type settled struct {
		Released *bool  `json:"released"`
		Reason   string `json:"reason"`
		Key      string `json:"key"`
	}
	return results(ctx, c, "/v1/suppressions/release", consent.Contacts,
		func(part []Contact) any {
			return Consent{consent.Scope, consent.ConsentedAt, consent.Evidence, part}
		},
		func(_ Contact, s settled) (Lifted, error) {
			if s.Released == nil || *s.Released != (s.Reason == "") {
				return Lifted{}, errors.New("does not say what was done")
			}
			return Lifted{*s.Released, s.Reason, s.Key}, nil
		})
}
