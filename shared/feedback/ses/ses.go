// Package ses reads the events of Amazon SES. It is pure. It promises that a
// permanent bounce, a complaint and a person's leaving of a list suppress every
// recipient, that a repetition by SES suppresses nobody again, and that an event
// of an unknown type is counted. An event that would suppress but names nobody
// is refused.
package ses

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"stille/shared/feedback"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// greeting is what SES publishes, not as JSON, when it is first told of a topic.
const greeting = "Successfully validated SNS topic for Amazon SES event publishing."

// notice is the part of an event that is read. SES adds fields and types.
type notice struct {
	EventType        string // of event publishing
	NotificationType string // of an identity's notifications
	Mail             struct {
		Tags        json.RawMessage
		Destination []string
	}
	Bounce struct {
		BounceType, BounceSubType, Timestamp string
		BouncedRecipients                    []recipient
	}
	Complaint struct {
		ComplaintSubType, ComplaintFeedbackType, Timestamp string
		ComplainedRecipients                               []recipient
	}
	Subscription struct {
		Timestamp                                string
		NewTopicPreferences, OldTopicPreferences *preferences
	}
}

type recipient struct{ EmailAddress string }

// preferences are a person's on a contact list that SES keeps.
type preferences struct {
	UnsubscribeAll          bool
	TopicSubscriptionStatus []struct{ TopicName, SubscriptionStatus string }
}

// Read finds out what an event means. Its errors are feedback.ErrMalformed and
// feedback.ErrNoRecipient.
func Read(event string, scopes *scope.Registry, now time.Time) (feedback.Finding, error) {
	if strings.TrimSpace(event) == greeting {
		return feedback.Finding{Kind: "greeting", Effect: feedback.Counts}, nil
	}
	var n notice
	if err := json.Unmarshal([]byte(event), &n); err != nil {
		return feedback.Finding{}, feedback.ErrMalformed
	}
	switch kind := cmp.Or(n.EventType, n.NotificationType); kind {
	case "":
		return feedback.Finding{}, feedback.ErrMalformed
	case "Bounce":
		return n.bounce(scopes, now)
	case "Complaint":
		return n.complaint(scopes, now)
	case "Subscription":
		return n.subscription(scopes, now)
	default:
		return feedback.Finding{Kind: feedback.Word(kind), Effect: feedback.Counts}, nil
	}
}

// unsubscribed is the bounce by which SES says that it did not send because the
// person had left a contact list: a person's no.
const unsubscribed = "UnsubscribedRecipient"

func (n notice) bounce(scopes *scope.Registry, now time.Time) (feedback.Finding, error) {
	b := n.Bounce
	f := feedback.Finding{Kind: "Bounce", Detail: feedback.Word(b.BounceType) + "/" + feedback.Word(b.BounceSubType), Effect: feedback.Counts}
	switch {
	case b.BounceType == "":
		return feedback.Finding{}, feedback.ErrMalformed
	case b.BounceSubType == unsubscribed:
		return f.Suppressing(n.optOut(scopes), b.Timestamp, addresses(b.BouncedRecipients), now)
	case b.BounceType != "Permanent":
		return f, nil
	case isEcho(b.BounceSubType):
		f.Effect = feedback.Echoes
		return f, nil
	}
	// An address that does not exist exists for nobody.
	change := suppression.Change{Scope: scope.Everywhere, Reason: suppression.HardBounce, Source: suppression.SourceSESBounce}
	return f.Suppressing(change, b.Timestamp, addresses(b.BouncedRecipients), now)
}

// isEcho tells whether SES says that it did not send because of an earlier
// bounce or complaint. A new suppression would undo every release.
func isEcho(subType string) bool {
	switch subType {
	case "Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList":
		return true
	}
	return false
}

func (n notice) complaint(scopes *scope.Registry, now time.Time) (feedback.Finding, error) {
	c := n.Complaint
	f := feedback.Finding{Kind: "Complaint", Detail: feedback.Word(c.ComplaintFeedbackType), Effect: feedback.Counts}
	switch {
	case isEcho(c.ComplaintSubType):
		f.Detail, f.Effect = feedback.Word(c.ComplaintSubType), feedback.Echoes
		return f, nil
	case c.ComplaintFeedbackType == "not-spam":
		return f, nil
	}
	change := suppression.Change{Scope: n.brand(scopes), Reason: suppression.Complaint, Source: suppression.SourceSESComplaint}
	return f.Suppressing(change, c.Timestamp, addresses(c.ComplainedRecipients), now)
}

// subscription reads a change of a person's preferences on a contact list. SES
// names the person as the destination of the message whose link was used.
func (n notice) subscription(scopes *scope.Registry, now time.Time) (feedback.Finding, error) {
	f := feedback.Finding{Kind: "Subscription", Effect: feedback.Counts}
	if !n.Subscription.NewTopicPreferences.stops(n.Subscription.OldTopicPreferences) {
		return f, nil
	}
	return f.Suppressing(n.optOut(scopes), n.Subscription.Timestamp, n.Mail.Destination, now)
}

// stops tells whether the preferences end messages: all, or a topic's that came
// before. Preferences that are absent are taken for a no.
func (p *preferences) stops(old *preferences) bool {
	if p == nil || p.UnsubscribeAll {
		return true
	}
	before := map[string]string{}
	if old != nil {
		for _, t := range old.TopicSubscriptionStatus {
			before[t.TopicName] = t.SubscriptionStatus
		}
	}
	for _, t := range p.TopicSubscriptionStatus {
		if t.SubscriptionStatus == "OptOut" && before[t.TopicName] != "OptOut" {
			return true
		}
	}
	return false
}

// optOut is the change that a person's leaving of a list asks for.
func (n notice) optOut(scopes *scope.Registry) suppression.Change {
	return suppression.Change{Scope: n.brand(scopes), Reason: suppression.Unsubscribed, Source: suppression.SourceSESUnsubscribe}
}

// brand is the brand of the message, by the tags that it was sent with. Only
// event publishing has tags; a value is always in a list.
func (n notice) brand(scopes *scope.Registry) scope.Scope {
	var given struct{ Brand, Scope []string }
	if err := json.Unmarshal(n.Mail.Tags, &given); err != nil {
		return scope.Everywhere
	}
	return feedback.Brand(append(given.Brand, given.Scope...), scopes)
}

func addresses(of []recipient) []string {
	all := make([]string, len(of))
	for i, r := range of {
		all[i] = r.EmailAddress
	}
	return all
}
