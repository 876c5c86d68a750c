package main

import (
	"context"
	"fmt"

	"stille/shared/api"
	"stille/shared/api/access"
	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/language"
)

// ring hands out the key sets.
type ring interface {
	Contact(ctx context.Context) (*contact.KeySet, error)
	Link(ctx context.Context) (*link.Keys, error)
}

// handler makes unsubscribe links. It writes nothing.
type handler struct {
	keys    ring
	scopes  *scope.Registry
	base    string                                         // scheme and host of every link; if empty, each brand's domain
	isAlive func(ctx context.Context, domain string) error // looked at where each brand has a domain
}

type request struct {
	Scope    string        `json:"scope"`
	Lang     string        `json:"lang"`
	Contacts []api.Contact `json:"contacts"`
}

type response = api.Results[result]

type result struct {
	Key     contact.Key       `json:"key,omitempty"`
	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"` // for e-mail: RFC 2369 and RFC 8058
	Reason  string            `json:"reason,omitempty"`  // why there is no link
}

func (h handler) call() api.Call { return api.Handle(h.mint) }

func (h handler) mint(ctx context.Context, tool access.Tool, asked request, faults *api.Invalid) (any, error) {
	entry := h.entry(asked.Scope, faults)
	lang := language.Best(asked.Lang) // the reader can choose another language on the page
	contacts, err := api.Parse(ctx, h.keys, asked.Contacts, faults)
	if err != nil {
		return nil, err
	}
	if err := tool.May(access.Links, entry.Scope); err != nil {
		return nil, err
	}
	if h.base == "" {
		if err := h.isAlive(ctx, entry.LinkDomain); err != nil {
			return nil, api.Unavailable(err.Error())
		}
	}
	links, err := h.keys.Link(ctx)
	if err != nil {
		return nil, err
	}
	return api.EachContact(ctx, contacts, result{Reason: suppression.InvalidAddress}, func(_ context.Context, c api.Parsed) (result, error) {
		return h.one(links, entry, lang, c)
	})
}

// entry returns the scope to mint links for: a brand, or a topic that allows
// opt-outs separately.
func (h handler) entry(named string, faults *api.Invalid) scope.Entry {
	in := api.Scope(h.scopes, named, faults)
	if in == scope.Everywhere {
		faults.Add("/scope", "must be one brand or topic: a link belongs to one controller")
	}
	entry, _ := h.scopes.Lookup(in)
	if in.Topic() != "" && !entry.TopicOptOut {
		faults.Add("/scope", "is a topic without its own opt-out")
	}
	return entry
}

func (h handler) one(links *link.Keys, entry scope.Entry, lang string, c api.Parsed) (result, error) {
	token, err := links.Mint(link.Target{ScopeID: entry.ID, Contact: c.Contact})
	if err != nil {
		return result{}, fmt.Errorf("minting a link: %w", err)
	}
	base := h.base
	if base == "" {
		base = "https://" + entry.LinkDomain
	}
	made := result{Key: c.Key(), URL: base + link.Path(c.Contact.Channel(), token)}
	if lang != "" {
		made.URL += "?lang=" + lang
	}
	switch c.Contact.Channel() {
	case contact.Email:
		made.Headers = map[string]string{
			"List-Unsubscribe":      "<" + made.URL + ">",
			"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		}
	case contact.SMS: // an SMS has no headers
	}
	return made, nil
}
