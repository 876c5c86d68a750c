// Package api is the common part of the functions of the tools' API: which tool
// calls and what its key allows, which contacts and which scope a request names,
// and one table from errors to answers. It promises that a request answered with
// 4xx has changed nothing, that a request answered with 503 may be sent again
// (what was written stands and is not written twice), and that an answer never
// repeats an address.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"golang.org/x/sync/errgroup"

	"stille/shared/api/access"
	"stille/shared/api/gateway"
	"stille/shared/contact"
	"stille/shared/scope"
)

// Limits of one request.
const (
	MaxBody     = 1 << 20 // bytes
	MaxContacts = 1000
)

// Call answers the request of a tool whose key is valid. Errors that wrap an
// error of package access or gateway get their own status; every other
// error is taken for a failing store.
type Call func(ctx context.Context, tool access.Tool, req gateway.Request) (gateway.Response, error)

// Handle returns the call that decodes a request and sends what answer returns
// as JSON. answer gets the fields of the wrong type as the first faults, must
// add its own, and must return faults.Err before it changes anything: Parse
// does both.
func Handle[Request any](answer func(ctx context.Context, tool access.Tool, asked Request, faults *Invalid) (any, error)) Call {
	return func(ctx context.Context, tool access.Tool, req gateway.Request) (gateway.Response, error) {
		var asked Request
		wrong, err := gateway.Decode(req, MaxBody, &asked)
		if err != nil {
			return gateway.Response{}, err
		}
		faults := Invalid(wrong)
		body, err := answer(ctx, tool, asked, &faults)
		if err != nil {
			return gateway.Response{}, err
		}
		return gateway.JSON(http.StatusOK, body), nil
	}
}

// Serve returns the handler that lets in tools known to guard and turns the
// error of call into an answer.
func Serve(guard *access.Guard, log *slog.Logger, call Call) gateway.Handler {
	serve := func(ctx context.Context, req gateway.Request) (gateway.Response, error) {
		tool, err := guard.Tool(ctx, req.Headers["authorization"])
		if err == nil {
			var resp gateway.Response
			if resp, err = call(ctx, tool, req); err == nil {
				return resp, nil
			}
		}
		return problem(ctx, log, err), nil
	}
	return gateway.Recovered(log, serve, func() gateway.Response {
		return gateway.Problem(http.StatusInternalServerError, "internal error")
	})
}

// Unavailable is the error of a call that cannot be answered now although the store
// answers. It says why.
type Unavailable string

func (u Unavailable) Error() string { return string(u) }

func problem(ctx context.Context, log *slog.Logger, err error) gateway.Response {
	var (
		invalid     Invalid
		unavailable Unavailable
	)
	switch {
	case errors.As(err, &unavailable):
		log.WarnContext(ctx, "unavailable", "why", string(unavailable))
		return gateway.Problem(http.StatusServiceUnavailable, string(unavailable))
	case errors.As(err, &invalid):
		return gateway.Problem(http.StatusBadRequest, "the request has fields that cannot be used", invalid...)
	case errors.Is(err, access.ErrUnauthenticated):
		return gateway.Problem(http.StatusUnauthorized, access.ErrUnauthenticated.Error())
	case errors.Is(err, access.ErrForbidden):
		return gateway.Problem(http.StatusForbidden, err.Error())
	case errors.Is(err, gateway.ErrTooLarge):
		return gateway.Problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is larger than %d bytes", MaxBody))
	case errors.Is(err, gateway.ErrMalformed), errors.Is(err, gateway.ErrNotBase64):
		return gateway.Problem(http.StatusBadRequest, err.Error())
	}
	log.ErrorContext(ctx, "the store failed", "error", err)
	return gateway.Problem(http.StatusServiceUnavailable, "the store does not answer; act as if the answer were no")
}

// Invalid is the error of a request with bad fields; it names all of them.
type Invalid []gateway.Fault

func (i Invalid) Error() string { return fmt.Sprintf("%d fields cannot be used", len(i)) }

// Add notes one more bad field.
func (i *Invalid) Add(pointer, detail string) {
	*i = append(*i, gateway.Fault{Pointer: pointer, Detail: detail})
}

// Check notes a fault where there is an error.
func (i *Invalid) Check(pointer string, err error) {
	if err != nil {
		i.Add(pointer, err.Error())
	}
}

// Err returns nil or the bad fields that were noted.
func (i *Invalid) Err() error {
	if len(*i) == 0 {
		return nil
	}
	return *i
}

// Contact is a contact as a tool writes it.
type Contact struct {
	Channel string `json:"channel"`
	Address string `json:"address"`
	Region  string `json:"region"` // ISO 3166, for a number without a country
}

// Contacts are the contacts of one request, in the order of the request.
type Contacts []Parsed

// Parsed is a contact and its keys, the newest first. Both are empty if the
// address cannot be parsed.
type Parsed struct {
	Contact contact.Contact
	contact.Known
}

// Valid tells whether the address could be parsed.
func (p Parsed) Valid() bool { return len(p.Keys) > 0 }

// Key returns the contact's newest key; empty if the address cannot be parsed.
func (p Parsed) Key() contact.Key { return p.Newest() }

// Count notes a fault unless n is 1 to most.
func (i *Invalid) Count(pointer string, n, most int) {
	if n < 1 || n > most {
		i.Add(pointer, fmt.Sprintf("must be 1 to %d, not %d", most, n))
	}
}

// Parse reads the contacts, 1 to MaxContacts, as the last part of a request: its
// error is everything that is wrong with the request, or why the keys cannot be
// had. A channel that does not exist is a fault of the request; an address that
// cannot be parsed is an answer about the contact.
func Parse(ctx context.Context, keys contact.KeySource, given []Contact, faults *Invalid) (Contacts, error) {
	faults.Count("/contacts", len(given), MaxContacts)
	if len(given) == 0 {
		return nil, faults.Err()
	}
	set, err := keys.Contact(ctx)
	if err != nil {
		return nil, err
	}
	parsed, err := parseAll(given, set, faults)
	if err != nil {
		return nil, err
	}
	return parsed, faults.Err()
}

func parseAll(given []Contact, set *contact.KeySet, faults *Invalid) (Contacts, error) {
	parsed := make(Contacts, len(given))
	keys := make([]contact.Key, 0, len(given)) // of all contacts; large enough while there is one live key
	for i, g := range given {
		ch, err := contact.ParseChannel(g.Channel)
		if err != nil {
			faults.Add(fmt.Sprintf("/contacts/%d/channel", i), `must be "email" or "sms"`)
			continue
		}
		before := len(keys)
		if parsed[i], err = parse(ch, g, set, keys); err != nil {
			return nil, err
		}
		if parsed[i].Valid() {
			keys = parsed[i].Keys
			parsed[i].Keys = keys[before:len(keys):len(keys)]
		}
	}
	return parsed, nil
}

// ParseOne reads one contact. Its error is about the keys, never the address.
func ParseOne(ch contact.Channel, given Contact, set *contact.KeySet) (Parsed, error) {
	return parse(ch, given, set, nil)
}

// parse appends the contact's keys to keys, and returns all of them.
func parse(ch contact.Channel, given Contact, set *contact.KeySet, keys []contact.Key) (Parsed, error) {
	c, err := contact.Normalise(ch, given.Address, given.Region)
	if err != nil {
		return Parsed{}, nil //nolint:nilerr // it is the answer: not Valid
	}
	keys, err = set.AppendKeys(keys, c)
	if err != nil {
		return Parsed{}, fmt.Errorf("deriving contact keys: %w", err)
	}
	return Parsed{Contact: c, Known: contact.Known{Channel: ch, Keys: keys}}, nil
}

// Scope finds the scope that a request names: a scope of the registry or every
// scope ("*"). A request without a scope means the only brand, if there is only
// one.
func Scope(scopes *scope.Registry, named string, faults *Invalid) scope.Scope {
	if named == "" {
		if only, ok := scopes.Only(); ok {
			return only.Scope
		}
		faults.Add("/scope", "must be given, because there is more than one brand: "+scopes.Names()+", or * for all")
		return ""
	}
	if scope.Scope(named) == scope.Everywhere {
		return scope.Everywhere
	}
	entry, ok := scopes.Lookup(scope.Scope(named))
	if !ok {
		faults.Add("/scope", "must be one of "+scopes.Names()+", or * for all")
	}
	return entry.Scope
}

// writesAtOnce is how many writes of a call run at the same time.
const writesAtOnce = 16

// Results is the answer of a call: one result for each contact, id or record, in
// the order asked.
type Results[Result any] struct {
	Results []Result `json:"results"`
}

// Each answers for each of a call's items, in their order. It returns all
// results or an error: a call that failed may be repeated, because a second
// write changes nothing.
func Each[Item, Result any](ctx context.Context, items []Item, answer func(context.Context, Item) (Result, error)) ([]Result, error) {
	results := make([]Result, len(items))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writesAtOnce)
	for i, item := range items {
		group.Go(func() (err error) {
			results[i], err = answer(ctx, item)
			return err
		})
	}
	return results, group.Wait()
}

// EachContact is Each for contacts. A contact whose address cannot be parsed gets
// the invalid result without a call of answer.
func EachContact[Result any](ctx context.Context, contacts Contacts, invalid Result, answer func(context.Context, Parsed) (Result, error)) (Results[Result], error) {
	results, err := Each(ctx, contacts, func(ctx context.Context, c Parsed) (Result, error) {
		if !c.Valid() {
			return invalid, nil
		}
		return answer(ctx, c)
	})
	return Results[Result]{results}, err
}
