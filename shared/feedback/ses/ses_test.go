package ses_test

import (
	stdcmp "cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/contact"
	"stille/shared/feedback"
	"stille/shared/feedback/ses"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
	"stille/shared/suppression"
)

var (
	friday = time.Date(2026, 11, 20, 8, 0, 2, 669_000_000, time.UTC)
	sunday = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
)

// greeting is what SES publishes when it is first told of a topic.
const greeting = "Successfully validated SNS topic for Amazon SES event publishing."

func bounced(kind, subType, at string) string {
	return fmt.Sprintf(`{"eventType":"Bounce","bounce":{"bounceType":%q,"bounceSubType":%q,"bouncedRecipients":[{"emailAddress":"kari@example.no"}],"timestamp":%q}}`, kind, subType, at)
}

func complained(feedbackType, subType, tags string) string {
	return fmt.Sprintf(`{"eventType":"Complaint","complaint":{"complaintSubType":%s,"complaintFeedbackType":%s,"complainedRecipients":[{"emailAddress":"kari@example.no"}],"timestamp":"2026-11-20T08:00:02.669Z"},"mail":{"tags":%s}}`, subType, feedbackType, tags)
}

func hardBounce(at time.Time) suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: "*", Reason: suppression.HardBounce, At: at, Source: "ses-bounce"}
}

func complaint(in scope.Scope) suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: in, Reason: suppression.Complaint, At: friday, Source: "ses-complaint"}
}

func unsubscribed(in scope.Scope) suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: in, Reason: suppression.Unsubscribed, At: friday, Source: "ses-unsubscribe"}
}

func withTags(event, tags string) string {
	return strings.TrimSuffix(event, "}") + `,"mail":{"tags":` + tags + `}}`
}

const (
	optIn  = `{"unsubscribeAll":false,"topicSubscriptionStatus":[{"topicName":"spring","subscriptionStatus":"OptIn"}]}`
	optOut = `{"unsubscribeAll":false,"topicSubscriptionStatus":[{"topicName":"spring","subscriptionStatus":"OptOut"}]}`
)

func subscribed(newer, older, tags string) string {
	return fmt.Sprintf(`{"eventType":"Subscription","mail":{"destination":["kari@example.no"],"tags":%s},"subscription":{"contactList":"news","source":"UnsubscribeHeader","timestamp":"2026-11-20T08:00:02.669Z","newTopicPreferences":%s,"oldTopicPreferences":%s}}`, tags, newer, older)
}

func written(contacts []contact.Contact) []string {
	var all []string
	for _, c := range contacts {
		all = append(all, c.Address())
	}
	return all
}

func TestRecipientsOfRealEventsAreFound(t *testing.T) {
	data, err := os.ReadFile("testdata/ses-recipients.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Event, BounceSubType, Reason string
		Subscription                       json.RawMessage
		Recipients, Expect                 []string
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
		t.Fatal(len(cases), err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			named := make([]map[string]string, len(c.Recipients))
			for i, r := range c.Recipients {
				named[i] = map[string]string{"emailAddress": r}
			}
			event := map[string]any{"mail": map[string]any{}}
			want := suppression.HardBounce
			switch c.Event {
			case "bounce":
				event["eventType"] = "Bounce"
				event["bounce"] = map[string]any{"bounceType": "Permanent", "bounceSubType": stdcmp.Or(c.BounceSubType, "General"), "bouncedRecipients": named}
			case "complaint":
				want, event["eventType"], event["complaint"] = suppression.Complaint, "Complaint", map[string]any{"complainedRecipients": named}
			case "subscription":
				event["eventType"], event["subscription"], event["mail"] = "Subscription", c.Subscription, map[string]any{"destination": c.Recipients}
			}
			body, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ses.Read(string(body), scopetest.Registry(t), sunday)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.Expect, written(got.Contacts), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("contacts (-want +got):\n%s", diff)
			}
			if unreadable := len(c.Recipients) - len(got.Contacts); len(c.Expect) == 0 && got.Unreadable != unreadable {
				t.Errorf("%d unreadable, want %d: the event must be retried", got.Unreadable, unreadable)
			}
			if want = stdcmp.Or(suppression.Reason(c.Reason), want); got.Change.Reason != want || got.Effect != feedback.Suppresses {
				t.Errorf("it %s for %s, want %s", got.Effect, got.Change.Reason, want)
			}
		})
	}
}

func TestEventsHaveTheRightEffect(t *testing.T) {
	const at, acme = "2026-11-20T08:00:02.669Z", `{"brand":["acme"]}`
	for _, test := range []struct {
		name, event string
		effect      feedback.Effect
		change      suppression.Change
	}{
		{"a bounce for good", bounced("Permanent", "General", at), feedback.Suppresses, hardBounce(friday)},
		{"a mailbox that is not there", bounced("Permanent", "NoEmail", at), feedback.Suppresses, hardBounce(friday)},
		{"a bounce for good of a kind nobody knew", bounced("Permanent", "Brand New", at), feedback.Suppresses, hardBounce(friday)},
		{"a bounce for good that does not say more", bounced("Permanent", "", at), feedback.Suppresses, hardBounce(friday)},
		{"a time in another zone", bounced("Permanent", "General", "2026-11-20T09:00:02.669+01:00"), feedback.Suppresses, hardBounce(friday)},
		{"a time ahead of our clock", bounced("Permanent", "General", "2026-11-22T03:00:00.001Z"), feedback.Suppresses, hardBounce(sunday)},
		{"SES did not send, as the address is on its list", bounced("Permanent", "Suppressed", at), feedback.Echoes, suppression.Change{}},
		{"SES did not send, as the address is on the account's list", bounced("Permanent", "OnAccountSuppressionList", at), feedback.Echoes, suppression.Change{}},
		{"SES did not send, as the address is on the tenant's list", bounced("Permanent", "OnTenantSuppressionList", at), feedback.Echoes, suppression.Change{}},
		{"SES did not send, as the person left its contact list", bounced("Permanent", "UnsubscribedRecipient", at), feedback.Suppresses, unsubscribed("*")},
		{"the same as a passing bounce, of a brand", withTags(bounced("Transient", "UnsubscribedRecipient", at), acme), feedback.Suppresses, unsubscribed("acme")},
		{"a person leaves every topic", subscribed(`{"unsubscribeAll":true}`, `{"unsubscribeAll":false}`, acme), feedback.Suppresses, unsubscribed("acme")},
		{"a person leaves one topic", subscribed(optOut, optIn, `null`), feedback.Suppresses, unsubscribed("*")},
		{"a person leaves, from what is not said", subscribed(optOut, `null`, acme), feedback.Suppresses, unsubscribed("acme")},
		{"a person's preferences are not said", subscribed(`null`, `null`, acme), feedback.Suppresses, unsubscribed("acme")},
		{"a person joins a topic", subscribed(optIn, optOut, acme), feedback.Counts, suppression.Change{}},
		{"a topic that was left stays so", subscribed(optOut, optOut, acme), feedback.Counts, suppression.Change{}},
		{"a permanent bounce with an invalid time", bounced("Permanent", "General", "yesterday"), feedback.Suppresses, hardBounce(sunday)},
		{"a bounce for good without a time", bounced("Permanent", "General", ""), feedback.Suppresses, hardBounce(sunday)},
		{"a time before there were computers", bounced("Permanent", "General", "1969-12-31T23:59:59Z"), feedback.Suppresses, hardBounce(sunday)},
		{"a full mailbox", bounced("Transient", "MailboxFull", at), feedback.Counts, suppression.Change{}},
		{"a bounce nobody understands", bounced("Undetermined", "Undetermined", at), feedback.Counts, suppression.Change{}},
		{"a passing bounce without a time", bounced("Transient", "General", ""), feedback.Counts, suppression.Change{}},
		{"a complaint without tags", complained(`"abuse"`, `null`, `null`), feedback.Suppresses, complaint("*")},
		{"a complaint about a brand's message", complained(`"abuse"`, `null`, acme), feedback.Suppresses, complaint("acme")},
		{"a complaint that does not say of what kind", complained(`null`, `null`, acme), feedback.Suppresses, complaint("acme")},
		{"a complaint of a kind nobody knew", complained(`"brand-new"`, `null`, acme), feedback.Suppresses, complaint("acme")},
		{"a report that it is no spam", complained(`"not-spam"`, `null`, acme), feedback.Counts, suppression.Change{}},
		{"SES did not send, as there was a complaint before", complained(`"abuse"`, `"OnAccountSuppressionList"`, acme), feedback.Echoes, suppression.Change{}},
		{"a complaint with the tag scope", complained(`"abuse"`, `null`, `{"scope":["globex"]}`), feedback.Suppresses, complaint("globex")},
		{"a complaint whose tags agree", complained(`"abuse"`, `null`, `{"brand":["acme"],"scope":["acme"]}`), feedback.Suppresses, complaint("acme")},
		{"a complaint about a topic's message", complained(`"abuse"`, `null`, `{"scope":["acme/newsletter"]}`), feedback.Suppresses, complaint("acme")},
		{"a complaint whose tags do not agree", complained(`"abuse"`, `null`, `{"brand":["acme","globex"]}`), feedback.Suppresses, complaint("*")},
		{"a complaint about nobody's brand", complained(`"abuse"`, `null`, `{"brand":["amce"]}`), feedback.Suppresses, complaint("*")},
		{"a complaint with a brand and one nobody knows", complained(`"abuse"`, `null`, `{"brand":["acme","amce"]}`), feedback.Suppresses, complaint("*")},
		{"a complaint with one nobody knows before a brand", complained(`"abuse"`, `null`, `{"brand":["amce","acme"]}`), feedback.Suppresses, complaint("*")},
		{"a complaint with every brand", complained(`"abuse"`, `null`, `{"brand":["*"]}`), feedback.Suppresses, complaint("*")},
		{"a complaint with an empty tag", complained(`"abuse"`, `null`, `{"brand":[]}`), feedback.Suppresses, complaint("*")},
		{"a complaint with tags of another shape", complained(`"abuse"`, `null`, `{"brand":"acme"}`), feedback.Suppresses, complaint("*")},
		{"an event of another type", `{"eventType":"Delivery","delivery":{"recipients":["kari@example.no"]}}`, feedback.Counts, suppression.Change{}},
		{"an event of a type nobody knew", `{"eventType":"Brand New","bounce":{"bounceType":"Permanent"}}`, feedback.Counts, suppression.Change{}},
		{"an identity that was subscribed", `{"notificationType":"AmazonSnsSubscriptionSucceeded","message":"…"}`, feedback.Counts, suppression.Change{}},
		{"SES's greeting to a new topic", greeting + "\n", feedback.Counts, suppression.Change{}},
		{"fields nobody knew", `{"eventType":"Bounce","new":{"x":[1]},"bounce":{"new":1,"bounceType":"Permanent","timestamp":"` + at + `","bouncedRecipients":[{"emailAddress":"kari@example.no","new":{}}]}}`, feedback.Suppresses, hardBounce(friday)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ses.Read(test.event, scopetest.Registry(t), sunday)
			if err != nil {
				t.Fatal(err)
			}
			if got.Effect != test.effect {
				t.Errorf("it %s, want %s", got.Effect, test.effect)
			}
			if diff := cmp.Diff(test.change, got.Change); diff != "" {
				t.Errorf("change (-want +got):\n%s", diff)
			}
			var named []string
			if test.effect == feedback.Suppresses {
				named = []string{"kari@example.no"}
			}
			if diff := cmp.Diff(named, written(got.Contacts)); diff != "" || got.Unreadable != 0 {
				t.Errorf("recipients (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdentityNotificationReadsLikeEvent(t *testing.T) {
	known := scopetest.Registry(t)
	published, err := ses.Read(bounced("Permanent", "General", "2026-11-20T08:00:02.669Z"), known, sunday)
	if err != nil {
		t.Fatal(err)
	}
	notified, err := ses.Read(`{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":[{"emailAddress":"kari@example.no"}],"timestamp":"2026-11-20T08:00:02.669Z"}}`, known, sunday)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(published, notified, cmpopts.EquateComparable(contact.Contact{})); diff != "" {
		t.Errorf("finding (-published +notified):\n%s", diff)
	}
}

func TestUnreadableEventIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, event string
		want        error
	}{
		{"nothing", ``, feedback.ErrMalformed},
		{"no JSON", `kari@example.no`, feedback.ErrMalformed},
		{"cut off", `{"eventType":"Bounce","bounce":{`, feedback.ErrMalformed},
		{"more after it", `{"eventType":"Delivery"}{`, feedback.ErrMalformed},
		{"no object", `["Bounce"]`, feedback.ErrMalformed},
		{"without a type", `{"bounce":{"bounceType":"Permanent"}}`, feedback.ErrMalformed},
		{"a bounce without a bounce", `{"eventType":"Bounce"}`, feedback.ErrMalformed},
		{"a bounce of another shape", `{"eventType":"Bounce","bounce":"kari@example.no"}`, feedback.ErrMalformed},
		{"a number for an address", `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[4791234567]}}`, feedback.ErrMalformed},
		{"a complaint without a complaint", `{"eventType":"Complaint"}`, feedback.ErrNoRecipient},
		{"a subscription without a destination", `{"eventType":"Subscription"}`, feedback.ErrNoRecipient},
		{"nobody bounced", `{"eventType":"Bounce","bounce":{"bounceType":"Permanent","timestamp":"2026-11-20T08:00:00Z","bouncedRecipients":[]}}`, feedback.ErrNoRecipient},
		{"nobody complained", `{"eventType":"Complaint","complaint":{"timestamp":"2026-11-20T08:00:00Z"}}`, feedback.ErrNoRecipient},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ses.Read(test.event, scopetest.Registry(t), sunday)
			if !errors.Is(err, test.want) {
				t.Errorf("it %s, error %v, want %v", got.Effect, err, test.want)
			}
			if err != nil && err.Error() != test.want.Error() {
				t.Error("the error says more than it may")
			}
		})
	}
}

var sayable = regexp.MustCompile(`^[A-Za-z /-]*$`)

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		greeting, `{"notificationType":"Complaint"}`, `{"eventType":"Delivery"}`, `[]`, `{`,
		bounced("Permanent", "General", "2026-11-20T08:00:02.669Z"), bounced("Permanent", "Suppressed", "x"), bounced("Transient", "General", ""),
		complained(`"abuse"`, `null`, `{"brand":["acme"]}`), complained(`"not-spam"`, `null`, `null`), complained(`"kari@example.no"`, `"x"`, `{"scope":["*"]}`),
	} {
		f.Add(seed)
	}
	known := scopetest.Registry(f)
	f.Fuzz(func(t *testing.T, event string) {
		got, err := ses.Read(event, known, sunday)
		if err != nil {
			return
		}
		for _, said := range []string{got.Kind, got.Detail} {
			if len(said) > 100 || !sayable.MatchString(said) {
				t.Error("the log would repeat what the event holds")
			}
		}
		if got.Effect != feedback.Suppresses {
			if got.Change != (suppression.Change{}) || got.Contacts != nil {
				t.Errorf("it %s, and changes", got.Effect)
			}
			return
		}
		if len(got.Contacts)+got.Unreadable == 0 {
			t.Error("it suppresses nobody")
		}
		// What the rules refuse would come again until it is put aside.
		if _, err := suppression.Apply(suppression.Item{}, got.Change, "id", sunday); err != nil {
			t.Error(err)
		}
	})
}
