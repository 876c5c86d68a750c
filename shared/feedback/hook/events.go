package hook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"stille/shared/contact"
	"stille/shared/feedback"
	"stille/shared/sms/keyword"
	"stille/shared/suppression"
)

// email notes an opt-out from e-mail of the recipients that stand in the text.
func (r *Report) email(recipient text, reason suppression.Reason, at when) {
	found := feedback.Addresses(string(recipient))
	if len(found) == 0 {
		r.unreadable()
	}
	for _, c := range found {
		r.Said = append(r.Said, Said{Contact: c, Changes: []suppression.Change{r.change(reason, at.Time)}})
	}
}

// reply notes what an SMS says. A message without a time has an ID; a START
// without either lifts nothing, because a repetition could not be recognised.
func (r *Report) reply(from text, verdict keyword.Verdict, at when, id text) {
	if verdict == keyword.Help || verdict == keyword.Ignore || verdict == keyword.Start && at.IsZero() && id == "" {
		r.Counted++
		return
	}
	who, err := contact.NormaliseAnyLength(contact.SMS, international(string(from)), "")
	if err != nil {
		r.unreadable()
		return
	}
	said := Said{Contact: who}
	if at.IsZero() {
		said.ID = string(id)
	}
	stop := r.change(suppression.Stop, at.Time)
	for _, c := range verdict.Changes(r.in, stop.At) {
		c.Source = stop.Source
		said.Changes = append(said.Changes, c)
	}
	r.Said = append(r.Said, said)
}

// international puts the + in front of a number that a provider writes without.
func international(number string) string {
	if number = strings.TrimSpace(number); number != "" && number[0] >= '1' && number[0] <= '9' {
		return "+" + number
	}
	return number
}

// each reads the entries of a body, which is one object or an array of objects.
func each[Entry any](r *Report, body []byte, read func(Entry)) error {
	entries := []json.RawMessage{body}
	if start := strings.TrimLeft(string(body[:min(len(body), 64)]), " \t\r\n"); strings.HasPrefix(start, "[") {
		entries = nil
		if json.Unmarshal(body, &entries) != nil {
			return ErrMalformed
		}
	} else if !json.Valid(body) {
		return ErrMalformed
	}
	for _, entry := range entries {
		r.entry = string(entry)
		var e *Entry
		if json.Unmarshal(entry, &e) != nil || e == nil {
			r.unreadable()
			continue
		}
		read(*e)
	}
	return nil
}

func sendgrid(req Request, r *Report) error {
	type entry struct {
		Email, Event, Type text
		Timestamp          when
	}
	return each(r, req.Body, func(e entry) {
		switch {
		case e.Event == "unsubscribe" || e.Event == "group_unsubscribe":
			r.email(e.Email, suppression.Unsubscribed, e.Timestamp)
		case e.Event == "spamreport":
			r.email(e.Email, suppression.Complaint, e.Timestamp)
		case e.Event == "bounce" && e.Type != "blocked":
			r.email(e.Email, suppression.HardBounce, e.Timestamp)
		default:
			r.Counted++
		}
	})
}

func mailgun(req Request, r *Report) error {
	type entry struct {
		Event struct {
			Event, Severity, Reason, Recipient text
			Timestamp                          when
		} `json:"event-data"`
	}
	return each(r, req.Body, func(body entry) {
		e := body.Event
		switch {
		// Mailgun did not send, because of an unsubscription or a complaint that it
		// knows. The address exists: a hard bounce would stop transactional messages.
		case e.Event == "unsubscribed", e.Event == "failed" && e.Reason == "suppress-unsubscribe":
			r.email(e.Recipient, suppression.Unsubscribed, e.Timestamp)
		case e.Event == "complained", e.Event == "failed" && e.Reason == "suppress-complaint":
			r.email(e.Recipient, suppression.Complaint, e.Timestamp)
		case e.Event == "failed" && e.Severity == "permanent":
			r.email(e.Recipient, suppression.HardBounce, e.Timestamp)
		default:
			r.Counted++
		}
	})
}

func postmark(req Request, r *Report) error {
	type entry struct {
		RecordType, Recipient, Email, Type, SuppressSending, SuppressionReason text
		ChangedAt, BouncedAt                                                   when
	}
	return each(r, req.Body, func(e entry) {
		switch {
		case e.RecordType == "SpamComplaint":
			r.email(e.Email, suppression.Complaint, e.BouncedAt)
		case e.RecordType == "Bounce" && e.Type == "HardBounce":
			r.email(e.Email, suppression.HardBounce, e.BouncedAt)
		case e.RecordType != "SubscriptionChange" || e.SuppressSending == "false":
			r.Counted++
		case e.SuppressionReason == "SpamComplaint":
			r.email(e.Recipient, suppression.Complaint, e.ChangedAt)
		case e.SuppressionReason == "HardBounce":
			r.email(e.Recipient, suppression.HardBounce, e.ChangedAt)
		default:
			r.email(e.Recipient, suppression.Unsubscribed, e.ChangedAt)
		}
	})
}

func brevo(req Request, r *Report) error {
	type entry struct {
		Event, Email text
		Happened     when `json:"ts_event"`
		Epoch        when `json:"ts_epoch"` // milliseconds
		Sent         when `json:"ts"`
	}
	return each(r, req.Body, func(e entry) {
		at := cmp.Or(e.Happened, e.Epoch, e.Sent)
		switch e.Event {
		case "unsubscribed", "unsubscribe":
			r.email(e.Email, suppression.Unsubscribed, at)
		case "spam", "complaint":
			r.email(e.Email, suppression.Complaint, at)
		case "hard_bounce", "hardBounce":
			r.email(e.Email, suppression.HardBounce, at)
		default:
			r.Counted++
		}
	})
}

func mailchimp(req Request, r *Report) error {
	form, err := url.ParseQuery(string(req.Body))
	if err != nil {
		return ErrMalformed
	}
	// No address has a space: the space was a + that was not encoded.
	email := text(strings.ReplaceAll(strings.TrimSpace(form.Get("data[email]")), " ", "+"))
	at := readWhen(form.Get("fired_at"))
	switch kind, reason := form.Get("type"), form.Get("data[reason]"); {
	case (kind == "unsubscribe" || kind == "cleaned") && reason == "abuse":
		r.email(email, suppression.Complaint, at)
	case kind == "unsubscribe":
		r.email(email, suppression.Unsubscribed, at)
	case kind == "cleaned" && reason == "hard":
		r.email(email, suppression.HardBounce, at)
	default:
		r.Counted++
	}
	return nil
}

// twilio reads an inbound message, which carries no time. Twilio knows more words
// of stop than this system. A START needs a word that starts here: Twilio takes a
// YES for a START.
func twilio(req Request, r *Report) error {
	form, err := url.ParseQuery(string(req.Body))
	if err != nil {
		return ErrMalformed
	}
	verdict := keyword.Read(form.Get("Body"))
	if strings.EqualFold(form.Get("OptOutType"), "STOP") {
		verdict = keyword.Stop
	}
	r.reply(text(form.Get("From")), verdict, when{}, text(cmp.Or(form.Get("MessageSid"), form.Get("SmsSid"))))
	return nil
}

// sinch reads an opt-out of the Conversation API, or an inbound message of the
// Conversation API or of the SMS API.
func sinch(req Request, r *Report) error {
	type identity struct{ Channel, Identity text }
	type entry struct {
		EventTime when      `json:"event_time"`
		OptOut    *identity `json:"opt_out_notification"`
		Message   *struct {
			ID      text
			Contact struct {
				Text struct{ Text text } `json:"text_message"`
			} `json:"contact_message"`
			Identity identity `json:"channel_identity"`
			Accepted when     `json:"accept_time"`
		}
		Type, ID, From text
		Body           json.RawMessage
		Received       when `json:"received_at"`
	}
	return each(r, req.Body, func(e entry) {
		switch {
		case e.OptOut != nil && isSMS(e.OptOut.Channel):
			r.reply(e.OptOut.Identity, keyword.Stop, e.EventTime, "")
		case e.Message != nil && isSMS(e.Message.Identity.Channel):
			at := cmp.Or(e.Message.Accepted, e.EventTime)
			r.reply(e.Message.Identity.Identity, silenceOnly(e.Message.Contact.Text.Text), at, e.Message.ID)
		case e.Type == "mo_text" || e.Type == "mo_media":
			r.reply(e.From, silenceOnly(written(e.Body)), e.Received, e.ID)
		default:
			r.Counted++
		}
	})
}

// isSMS tells whether the channel's identity is a phone number that gets SMS.
func isSMS(channel text) bool {
	return channel == "" || strings.EqualFold(string(channel), "sms") || strings.EqualFold(string(channel), "mms")
}

// written returns the text of a body, which of an MMS is an object.
func written(body json.RawMessage) text {
	var plain text
	var media struct{ Message text }
	_, _ = json.Unmarshal(body, &plain), json.Unmarshal(body, &media) // the other form stays empty
	return cmp.Or(plain, media.Message)
}

// silenceOnly reads an inbound message of a provider whose START lifts nothing.
func silenceOnly(body text) keyword.Verdict {
	if verdict := keyword.Read(string(body)); verdict != keyword.Start {
		return verdict
	}
	return keyword.Ignore
}

// standard reads the event of any sender of Standard Webhooks.
func standard(req Request, r *Report) error {
	type entry struct {
		Type      text
		Timestamp when
		Data      struct{ Channel, Address, Region, Reason text }
	}
	return each(r, req.Body, func(e entry) {
		if e.Type != "contact.unsubscribed" {
			r.Counted++
			return
		}
		channel, err := contact.ParseChannel(string(e.Data.Channel))
		if err != nil {
			r.unreadable()
			return
		}
		who, err := contact.NormaliseAnyLength(channel, string(e.Data.Address), string(e.Data.Region))
		if err != nil {
			r.unreadable()
			return
		}
		reason, err := suppression.ParseReported(string(e.Data.Reason))
		if err != nil {
			reason = suppression.Unsubscribed
		}
		r.Said = append(r.Said, Said{Contact: who, Changes: []suppression.Change{r.change(reason, e.Timestamp.Time)}})
	})
}

// text is a JSON string, number or boolean. Any other value is "": a field of
// another type must not hide the opt-out beside it.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(value []byte) error {
	var given any
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	if decoder.Decode(&given) == nil {
		switch given := given.(type) {
		case string, json.Number, bool:
			*t = text(fmt.Sprint(given))
		}
	}
	return nil
}

// when is a time as providers write it: seconds or milliseconds since 1970,
// RFC 3339, or "2006-01-02 15:04:05" in UTC. Any other value is the zero time.
type when struct{ time.Time }

// UnmarshalJSON never fails.
func (w *when) UnmarshalJSON(value []byte) error {
	*w = readWhen(string(bytes.Trim(value, `"`)))
	return nil
}

func readWhen(s string) when {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime} {
		if at, err := time.Parse(layout, s); err == nil {
			return when{at}
		}
	}
	// A time in milliseconds has three digits more than a time in seconds.
	const milliseconds = 1e11
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || !(n > 0 && n < milliseconds*milliseconds):
		return when{}
	case n >= milliseconds:
		return when{time.UnixMilli(int64(n))}
	}
	whole, part := math.Modf(n)
	return when{time.Unix(int64(whole), int64(part*1e9))}
}
