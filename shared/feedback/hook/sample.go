package hook

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"stille/shared/contact"
)

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
