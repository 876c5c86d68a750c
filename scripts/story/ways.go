package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"stille/shared/scope"
)

// topicAndBack opts out of one topic, checks that the brand may still write,
// and undoes the opt-out.
func (s *story) topicAndBack(ctx context.Context, p person) error {
	topic := s.stack.Scope + "/newsletter"
	links, err := s.api.mint(ctx, topic, p.contacts()[:1])
	if err != nil {
		return err
	}
	for _, one := range []struct {
		action, button string
		send           bool // whether a check afterwards allows the topic
	}{
		{"unsubscribe", "the button for the newsletter alone", false},
		{"resubscribe", "the button that takes it back", true},
	} {
		if err := s.press(ctx, one.button, links[0].URL, url.Values{"action": {one.action}}); err != nil {
			return err
		}
		if err := s.expectIn(ctx, topic, p.contacts()[0], one.send); err != nil {
			return err
		}
		if err := s.expectIn(ctx, s.stack.Scope, p.contacts()[0], true); err != nil {
			return err
		}
	}
	return nil
}

// press sends a form, and requires the page's confirmation.
func (s *story) press(ctx context.Context, button, link string, form url.Values) error {
	page, err := s.api.post(ctx, link, form)
	if err == nil {
		err = isPage(page)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", button, err)
	}
	s.print(button, "200, a page that confirms")
	return nil
}

// expectIn checks one contact in one scope and compares.
func (s *story) expectIn(ctx context.Context, in scope.Scope, c contact, send bool) error {
	got, err := s.api.check(ctx, in, []contact{c})
	if err != nil {
		return err
	}
	s.print(fmt.Sprintf("check %s in %s", c.Channel, in), got[0].String())
	if got[0].Send != send {
		return fmt.Errorf("%s in %s: send is %v, where %v is right", c.Channel, in, got[0].Send, send)
	}
	return nil
}

// complaint makes SES report a mail as spam.
func (s *story) complaint(ctx context.Context, p person) error {
	err := s.publish(ctx, s.stack.Topics["feedback"], map[string]any{
		"eventType": "Complaint",
		"complaint": map[string]any{
			"complainedRecipients":  []map[string]string{{"emailAddress": p.email}},
			"complaintFeedbackType": "abuse",
			"timestamp":             time.Now().UTC().Format(time.RFC3339),
		},
		"mail": map[string]any{"tags": map[string][]string{"brand": {string(s.stack.Scope)}}},
	})
	if err != nil {
		return err
	}
	s.print("SES reports a complaint of Acme's mail", "published")
	if err := s.until(ctx, p.contacts()[0], "complaint"); err != nil {
		return err
	}
	return s.expect(ctx, p, false, true)
}

// reply answers an SMS with "Stopp!".
func (s *story) reply(ctx context.Context, p person) error {
	err := s.publish(ctx, s.stack.Topics["smsReply"], map[string]string{
		"originationNumber": p.sms, "destinationNumber": s.stack.SMSNumber, "messageKeyword": "KEYWORD_1",
		"messageBody": "Stopp!", "inboundMessageId": "story-" + s.id,
	})
	if err != nil {
		return err
	}
	s.print(`the answer "Stopp!" to an SMS of Acme's`, "published")
	if err := s.until(ctx, p.contacts()[1], "stop"); err != nil {
		return err
	}
	text, err := s.textTo(ctx, p.sms)
	if err != nil {
		return err
	}
	s.print("one SMS confirms it", text)
	return nil
}

func (s *story) publish(ctx context.Context, topic string, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = sns.NewFromConfig(s.stack.Config()).Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: aws.String(string(body))})
	return err
}

// until checks a contact until it is suppressed for the reason.
func (s *story) until(ctx context.Context, c contact, reason string) error {
	return await(ctx, func(ctx context.Context) (bool, error) {
		got, err := s.api.check(ctx, s.stack.Scope, []contact{c})
		return err == nil && !got[0].Send && got[0].Reason == reason, err
	})
}

// patience is how long a queue or a stream may take, on a busy machine too.
const patience = 3 * time.Minute

// await asks until the answer is yes or an error, or the patience is over.
func await(ctx context.Context, ask func(context.Context) (bool, error)) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := every(limited, func() (bool, error) { return ask(limited) })
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("it did not come within %s: %w", patience, err)
	}
	return err
}

// every asks until the answer is yes or an error, or the context ends.
func every(ctx context.Context, ask func() (bool, error)) error {
	for {
		done, err := ask()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// textTo returns the one text that the stack's phone received for a number.
func (s *story) textTo(ctx context.Context, number string) (string, error) {
	var texts []string
	err := await(ctx, func(ctx context.Context) (bool, error) {
		got, err := s.api.get(ctx, s.stack.Phone+"/sent")
		if err != nil {
			return false, err
		}
		var sent []struct{ To, Body string }
		if err := json.Unmarshal([]byte(got.body), &sent); err != nil {
			return false, fmt.Errorf("the telephone answers %d: %w", got.status, err)
		}
		texts = nil
		for _, text := range sent {
			if text.To == number {
				texts = append(texts, text.Body)
			}
		}
		return len(texts) > 0, nil
	})
	if err != nil {
		return "", err
	}
	if len(texts) != 1 || !strings.Contains(texts[0], "START") {
		return "", errors.New("it is not one text that says how to come back")
	}
	return texts[0], nil
}
