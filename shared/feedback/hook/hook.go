// Package hook reads the webhooks by which other systems report opt-outs. It is
// pure. A provider is one row of a table: how it proves a call, and which of its
// events are an opt-out.
//
// It promises that a call without a valid proof is refused, that an entry which
// cannot be read stops no other entry and is counted, that an opt-out of a
// reason nobody knows is an opt-out still, and that an event's own time decides,
// so that a repeated or late call changes nothing. Neither its errors nor its
// reports print an address.
package hook

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/scope"
	"stille/shared/suppression"
)

var (
	// ErrUnknownProvider means that no provider has the name. Its message names
	// all providers.
	ErrUnknownProvider = errors.New("must be one of " + strings.Join(Providers(), ", "))
	// ErrSecret means that a secret has not the form that the provider gives its
	// secrets, or is missing where the provider makes it.
	ErrSecret = errors.New("the secret cannot be used")
	// ErrMalformed means that a body is not what the provider sends.
	ErrMalformed = errors.New("the body is not what the provider sends")
)

// Request is a call as it came.
type Request struct {
	URL    string // as the provider was given it
	Query  url.Values
	Header map[string]string // names in lower case
	Body   []byte
}

// Provider is one system that reports opt-outs.
type Provider struct {
	Name string
	// Signed tells whether the provider proves its calls with a key or secret that
	// the operator copies from the provider. The secret of any other provider is
	// part of the address: ?key=SECRET.
	Signed bool
	// Visited tells whether the provider tries the address with GET first.
	Visited bool

	usable func(secret string) bool
	proven func(r Request, secret string, now time.Time) bool
	read   func(r Request, report *Report) error
}

// providers are the rows.
func providers() []Provider {
	return []Provider{
		{Name: "sendgrid", Signed: true, usable: isPublicKey, proven: sendgridProven, read: sendgrid},
		{Name: "mailgun", Signed: true, usable: isAny, proven: mailgunProven, read: mailgun},
		{Name: "postmark", usable: isAny, proven: keyProven, read: postmark},
		{Name: "brevo", usable: isAny, proven: brevoProven, read: brevo},
		{Name: "mailchimp", Visited: true, usable: isAny, proven: keyProven, read: mailchimp},
		{Name: "twilio", Signed: true, usable: isAny, proven: twilioProven, read: twilio},
		{Name: "sinch", usable: isAny, proven: sinchProven, read: sinch},
		{Name: "standard", Signed: true, usable: isStandardSecret, proven: standardProven, read: standard},
	}
}

// Providers returns the names of all providers.
func Providers() []string {
	var all []string
	for _, p := range providers() {
		all = append(all, p.Name)
	}
	return all
}

// Find returns the provider of this name, or ErrUnknownProvider.
func Find(name string) (Provider, error) {
	for _, p := range providers() {
		if p.Name == name {
			return p, nil
		}
	}
	return Provider{}, ErrUnknownProvider
}

// CheckSecret returns nil, or an error that wraps ErrSecret and says what the
// provider's secret looks like. It never repeats the secret.
func (p Provider) CheckSecret(secret string) error {
	if p.usable(secret) {
		return nil
	}
	switch p.Name {
	case "sendgrid":
		return fmt.Errorf("%w: SendGrid's verification key is a P-256 public key in base64", ErrSecret)
	case "standard":
		return fmt.Errorf(`%w: a Standard Webhooks secret is "whsec_" and 24 to 64 bytes in base64`, ErrSecret)
	}
	return fmt.Errorf("%w: it must have 1 to 512 visible characters of ASCII", ErrSecret)
}

// Proves tells whether the call was made by who knows one of the secrets.
func (p Provider) Proves(r Request, secrets []string, now time.Time) bool {
	return slices.ContainsFunc(secrets, func(secret string) bool {
		return p.usable(secret) && p.proven(r, secret, now)
	})
}

// Report is what one call says. The events are in the order of the call.
type Report struct {
	Said    []Said
	Counted int // events that are no opt-out
	// Unreadable are the entries that cannot be read, and the opt-outs without an
	// address, each as it came. They hold personal data: they must not be logged.
	Unreadable []string

	entry    string // that is read
	provider string
	in       scope.Scope
	now      time.Time
}

// Said is what one event changes for one contact.
type Said struct {
	Contact contact.Contact
	Changes []suppression.Change
	// ID names an event that carries no time. A repeated call carries the same ID,
	// so the event must be taken once only.
	ID string
}

// Read reads a call that is proven. The opt-outs hold in the scope. Its error is
// ErrMalformed: then the body is all that is unreadable.
func (p Provider) Read(r Request, in scope.Scope, now time.Time) (Report, error) {
	report := Report{entry: string(r.Body), provider: p.Name, in: in, now: now}
	if err := p.read(r, &report); err != nil {
		return Report{Unreadable: []string{string(r.Body)}}, err
	}
	return report, nil
}

// unreadable notes the entry that is read.
func (r *Report) unreadable() { r.Unreadable = append(r.Unreadable, r.entry) }

// change is an opt-out by the provider. An event happened: a time that cannot be
// read, lies ahead or before 1970 is taken for now.
func (r *Report) change(reason suppression.Reason, at time.Time) suppression.Change {
	if suppression.CheckTime(at, r.now) != nil {
		at = r.now
	}
	return suppression.Change{
		Action: suppression.Suppress, Scope: r.in, Reason: reason, At: at.UTC(),
		Source: suppression.SourceHook + suppression.Source(":"+r.provider),
	}
}

// The contact of a sample is nobody's: no mail domain ends in .invalid (RFC 2606),
// and the United Kingdom gives the number to films alone.
const (
	sampleAddress = "hook-test@stille.invalid"
	sampleNumber  = "+447700900123"
)

// Statuses of a hook's answer.
const (
	Taken   = 200 // every opt-out is stored or queued
	Refused = 401 // the call is not proven
	Unknown = 404 // there is no such hook
)

// Sample is a call that the provider could make: an opt-out of a contact that
// nobody has.
type Sample struct {
	Request
	Form    bool // the body is a form, not JSON
	Contact contact.Contact
	// Signed is false where only the provider can sign the call: the hook must
	// refuse the call.
	Signed bool
}

// Sample returns a call about an opt-out of now, proven with the hook's newest
// secret. Samples with different ids are different events. Its error wraps
// contact.ErrInvalid.
func (h Hook) Sample(id string, now time.Time) (Sample, error) {
	s := Sample{Request: Request{URL: h.URL, Header: map[string]string{}}, Signed: true}
	stamp, written := strconv.FormatInt(now.Unix(), 10), now.UTC().Format(time.RFC3339)
	channel, address := contact.Email, sampleAddress
	var body string
	switch h.Provider {
	case "sendgrid":
		body, s.Signed = fmt.Sprintf(`[{"event":"unsubscribe","email":%q,"timestamp":%s}]`, address, stamp), false
	case "mailgun":
		signature := mailgunSignature(h.Secret, stamp, id)
		body = fmt.Sprintf(`{"signature":{"timestamp":%q,"token":%q,"signature":%q},"event-data":{"event":"unsubscribed","recipient":%q,"timestamp":%s}}`,
			stamp, id, signature, address, stamp)
	case "postmark":
		body = fmt.Sprintf(`{"RecordType":"SubscriptionChange","Recipient":%q,"SuppressSending":true,"SuppressionReason":"ManualSuppression","ChangedAt":%q}`, address, written)
	case "brevo":
		body = fmt.Sprintf(`{"event":"unsubscribed","email":%q,"ts_event":%s}`, address, stamp)
	case "mailchimp":
		s.Form, body = true, url.Values{"type": {"unsubscribe"}, "fired_at": {now.UTC().Format(time.DateTime)}, "data[email]": {address}}.Encode()
	case "twilio":
		channel, address = contact.SMS, sampleNumber
		form := url.Values{"MessageSid": {id}, "From": {address}, "Body": {"STOP"}}
		s.Form, body = true, form.Encode()
		s.Header["x-twilio-signature"] = twilioSignature(h.Secret, h.URL, form)
	case "sinch":
		channel, address = contact.SMS, sampleNumber
		body = fmt.Sprintf(`{"event_time":%q,"opt_out_notification":{"channel":"SMS","identity":%q}}`, written, address)
		s.Header["x-sinch-webhook-signature-nonce"], s.Header["x-sinch-webhook-signature-timestamp"] = id, stamp
		s.Header["x-sinch-webhook-signature"] = sinchSignature(h.Secret, body, id, stamp)
	case "standard":
		body = fmt.Sprintf(`{"type":"contact.unsubscribed","timestamp":%q,"data":{"channel":"email","address":%q}}`, written, address)
		s.Header["webhook-id"], s.Header["webhook-timestamp"] = id, stamp
		s.Header["webhook-signature"] = StandardSignature(h.Secret, id, stamp, []byte(body))
	}
	var err error
	s.Body = []byte(body)
	s.Contact, err = contact.NormaliseAnyLength(channel, address, "")
	return s, err
}
