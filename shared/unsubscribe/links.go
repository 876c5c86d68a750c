package unsubscribe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stille/shared/contact"
	"stille/shared/link"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

// Keys opens links.
type Keys interface {
	Link(ctx context.Context) (*link.Keys, error)
	// RefreshLink returns keys that were read after a token arrived.
	RefreshLink(ctx context.Context, arrived time.Time) (*link.Keys, error)
}

// Links tell what a link opts out of.
type Links struct {
	Keys   Keys
	Scopes *scope.Registry
}

// errUnlisted means that the scope of a genuine link is not in scopes.yaml: an
// older scopes.yaml was deployed over a newer one.
var errUnlisted = errors.New("the link's scope is not in scopes.yaml")

// Read returns the contact of a queued link, and the opt-outs that the person wished.
// Its error is link.ErrForged for a link that this system did not mint; after any
// other error the link may be genuine.
func (l Links) Read(ctx context.Context, o outage.OptOut) (contact.Contact, []suppression.Change, error) {
	subject, err := l.open(ctx, link.Path(o.Channel, o.Link.Token), o.At)
	if err != nil {
		return contact.Contact{}, nil, err
	}
	w := wish{action: o.Link.Action, topic: o.Link.Topic, oneClick: o.Source == suppression.SourceOneClick}
	return subject.Contact, changes(subject, wished(subject, w), w, o.At), nil
}

// open returns the subject of a link that arrived at a time, with errors as Read has
// them.
func (l Links) open(ctx context.Context, path string, arrived time.Time) (pages.Subject, error) {
	ch, token, err := link.Parse(path)
	if err != nil {
		return pages.Subject{}, err
	}
	keys, err := l.Keys.Link(ctx)
	if err != nil {
		return pages.Subject{}, fmt.Errorf("getting the link keys: %w", err)
	}
	target, err := keys.Open(ch, token)
	if errors.Is(err, link.ErrUnknownKey) {
		// A key set may have grown since this container read it.
		if keys, err = l.Keys.RefreshLink(ctx, arrived); err != nil {
			return pages.Subject{}, fmt.Errorf("refreshing the link keys: %w", err)
		}
		target, err = keys.Open(ch, token)
	}
	if err != nil {
		return pages.Subject{}, err
	}
	entry, listed := l.Scopes.ByID(target.ScopeID)
	brand, brandListed := l.Scopes.Lookup(entry.Scope.Brand())
	if !listed || !brandListed {
		return pages.Subject{}, fmt.Errorf("%w: id %d", errUnlisted, target.ScopeID)
	}
	subject := pages.Subject{Contact: target.Contact, Entry: entry, Brand: brand, Group: l.Scopes.Group(brand)}
	if entry.Scope == brand.Scope {
		subject.Topics = l.Scopes.Topics(brand.Scope)
	}
	return subject, nil
}
