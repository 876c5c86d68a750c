package unsubscribe_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"stille/shared/api/gateway"
	"stille/shared/aws/keyring"
	"stille/shared/aws/sqsqueue"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/link"
	"stille/shared/scope"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
	"stille/shared/unsubscribe"
	"stille/shared/unsubscribe/outage"
	"stille/shared/unsubscribe/pages"
)

const scopesYAML = `
scopes:
  - id: 1
    scope: acme
    controller: Acme AS
    name: {en: Acme, nb: Acme}
    policyURL: https://acme.example/privacy
    contact: privacy@acme.example
    linkDomain: links.acme.example
    smsNumbers: ["+4759440000"]
    group: house
  - id: 2
    scope: acme/newsletter
    name: {en: the Acme newsletter, nb: nyhetsbrevet fra Acme}
    topicOptOut: true
  - id: 3
    scope: globex
    controller: Globex AS
    name: {en: Globex}
    policyURL: https://globex.example/privacy
    contact: privacy@globex.example
    linkDomain: links.globex.example
    group: house
  - id: 4
    scope: initech
    controller: Initech AS
    name: {en: Initech}
    policyURL: https://initech.example/privacy
    contact: privacy@initech.example
    linkDomain: links.initech.example
    group: house
  - id: 5
    scope: umbrella
    controller: Umbrella AS
    name: {en: Umbrella}
    policyURL: https://umbrella.example/privacy
    contact: privacy@umbrella.example
    linkDomain: links.umbrella.example
`

const (
	acmeID       = 1
	newsletterID = 2
	globexID     = 3
	umbrellaID   = 5
	unlistedID   = 77
)

// addresses are canaries: no answer and no log line may hold one.
var addresses = map[contact.Channel]string{contact.Email: "kari.canary@example.no", contact.SMS: "+4791234567"}

var errDown = errors.New("the store is down")

// world is everything around the handlers of both channels, in memory.
type world struct {
	now  time.Time
	logs bytes.Buffer

	linkKeys, freshLinkKeys *link.Keys
	refreshes               int
	linkErr, refreshErr     error
	contactErr              error
	unprovenErr             error
	contactKeys             *contact.KeySet

	list       suppressiontest.List
	listErr    error
	failsAfter int // where over zero, the store fails once it has taken this number of changes

	messages []*sqs.SendMessageInput // in the queue
	queueErr error

	told    []ledger.Entry // webhooks are, with the address
	tellErr error

	deadlines map[string]time.Time // until when the keys, the list and the queue may take

	handlers map[contact.Channel]unsubscribe.Handler
}

// failer is a testing.T or a rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func newWorld(t failer) *world {
	t.Helper()
	w := &world{
		now:       time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC),
		linkKeys:  newLinkKeys(t),
		deadlines: map[string]time.Time{},
		handlers:  map[contact.Channel]unsubscribe.Handler{},
	}
	w.list.Before = w.before
	w.freshLinkKeys = w.linkKeys
	secret, err := keyring.NewContactSecret()
	must(t, err)
	w.contactKeys, err = keyring.ParseContact(secret)
	must(t, err)
	registry, err := scope.Load([]byte(scopesYAML))
	must(t, err)
	written, err := pages.New()
	must(t, err)
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		w.handlers[ch] = unsubscribe.Handler{
			Links:   unsubscribe.Links{Keys: w, Scopes: registry},
			Channel: ch, List: &w.list, Store: w.store(), Tell: w.Tell, Pages: written,
			Log: slog.New(slog.NewJSONHandler(&w.logs, nil)),
			Now: func() time.Time { return w.now }, Zone: time.UTC,
		}
	}
	return w
}

// Tell is the queue of the webhooks.
func (w *world) Tell(_ context.Context, person contact.Contact, e ledger.Entry) error {
	if w.tellErr == nil && person.Address() == addresses[e.Channel] {
		w.told = append(w.told, e)
	}
	return w.tellErr
}

func (w *world) store() outage.Store {
	return outage.Store{Keys: w, List: &w.list, Queue: sqsqueue.New(w, "queue"), Breaker: &outage.Breaker{}, Links: &outage.Links{}, Patience: outage.Patience}
}

func must(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newLinkKeys(t failer) *link.Keys {
	t.Helper()
	secret, err := keyring.NewLinkSecret()
	must(t, err)
	set, err := keyring.ParseLink(secret)
	must(t, err)
	return set
}

func (w *world) Link(context.Context) (*link.Keys, error) { return w.linkKeys, w.linkErr }

func (w *world) RefreshLink(context.Context, time.Time) (*link.Keys, error) {
	w.refreshes++
	return w.freshLinkKeys, errors.Join(w.linkErr, w.refreshErr)
}

func (w *world) Contact(ctx context.Context) (*contact.KeySet, error) {
	w.deadlines["keys"], _ = ctx.Deadline()
	return w.contactKeys, w.contactErr
}

func (w *world) Unproven(ctx context.Context) (*contact.KeySet, error) {
	return w.contactKeys, errors.Join(w.unprovenErr, ctx.Err())
}

// SendMessage takes what a caller still has time for.
func (w *world) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	w.deadlines["queue"], _ = ctx.Deadline()
	if err := errors.Join(w.queueErr, ctx.Err()); err != nil {
		return nil, err
	}
	w.messages = append(w.messages, in)
	return &sqs.SendMessageOutput{}, nil
}

// waits is what the queue holds.
func (w *world) waits(t failer) []outage.OptOut {
	t.Helper()
	var optOuts []outage.OptOut
	for _, m := range w.messages {
		o, err := outage.Read(*m.MessageBody)
		must(t, err)
		optOuts = append(optOuts, o)
	}
	return optOuts
}

// before is what happens when a call of the list begins.
func (w *world) before(ctx context.Context, c suppressiontest.Call) error {
	if c.Method == "Apply" {
		w.deadlines["list"], _ = ctx.Deadline()
	}
	err := errors.Join(w.listErr, ctx.Err())
	if c.Method == "Apply" && err == nil {
		if w.failsAfter--; w.failsAfter == 0 {
			w.listErr = errDown
		}
	}
	return err
}

func person(t failer, ch contact.Channel) contact.Contact {
	t.Helper()
	c, err := contact.Normalise(ch, addresses[ch], "")
	must(t, err)
	return c
}

// path is that of the person's link, minted with the newest keys.
func (w *world) path(t failer, ch contact.Channel, scopeID uint16) string {
	t.Helper()
	token, err := w.freshLinkKeys.Mint(link.Target{ScopeID: scopeID, Contact: person(t, ch)})
	must(t, err)
	return link.Path(ch, token)
}

// send lets the handler of the path's door answer.
func (w *world) send(t failer, req gateway.Request) gateway.Response {
	t.Helper()
	ch := contact.Email
	if strings.HasPrefix(req.RawPath, "/s/") {
		ch = contact.SMS
	}
	resp, err := w.handlers[ch].Serve(context.Background(), req)
	must(t, err)
	return resp
}

func (w *world) key(t failer, ch contact.Channel) contact.Key {
	t.Helper()
	key, err := w.contactKeys.Key(person(t, ch))
	must(t, err)
	return key
}

// item is what the list holds of the person.
func (w *world) item(t failer, ch contact.Channel) suppression.Item {
	t.Helper()
	return w.list.Item(w.key(t, ch))
}

// stopped tells whether marketing in the scope is stopped on the channel.
func (w *world) stopped(t failer, ch contact.Channel, in scope.Scope) bool {
	t.Helper()
	return !suppression.Decide(w.item(t, ch), suppression.Marketing, in).Send
}

const urlencoded = "application/x-www-form-urlencoded"

func request(method, path string) gateway.Request {
	req := gateway.Request{RawPath: path, Headers: map[string]string{"accept": "text/html,*/*;q=0.8"}}
	req.RequestContext.HTTP.Method = method
	return req
}

func post(path, contentType, body string) gateway.Request {
	req := request("POST", path)
	req.Body = body
	if contentType != "" {
		req.Headers["content-type"] = contentType
	}
	return req
}

func form(path, action string) gateway.Request { return post(path, urlencoded, "action="+action) }

func oneClick(path string) gateway.Request {
	req := post(path, urlencoded, "List-Unsubscribe=One-Click")
	req.Headers["accept"] = "*/*"
	return req
}

// noLeak fails where the log, the queue or an answer holds an address or a
// token, or where any but the queue holds a key. A link that no key opens is
// queued with its token.
func (w *world) noLeak(t *testing.T, answers ...gateway.Response) {
	t.Helper()
	texts, queue := []string{w.logs.String()}, []string{}
	for _, a := range answers {
		texts = append(texts, a.Body)
	}
	for _, m := range w.messages {
		texts = append(texts, *m.MessageGroupId)
		if !strings.Contains(*m.MessageBody, `"link":{"token"`) {
			queue = append(queue, *m.MessageBody)
		}
	}
	for _, ch := range []contact.Channel{contact.Email, contact.SMS} {
		secrets := []string{addresses[ch], strings.TrimPrefix(addresses[ch], "+47")}
		for _, id := range []uint16{acmeID, newsletterID} {
			secrets = append(secrets, w.path(t, ch, id)[3:])
		}
		none(t, queue, secrets)
		none(t, texts, append(secrets, string(w.key(t, ch))))
	}
}

func none(t *testing.T, texts, secrets []string) {
	t.Helper()
	for _, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Error("an address, token or key leaked")
			}
		}
	}
}
