//go:build stack

package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"stille/shared/names"
	"stille/shared/sms/phone"
)

// texted is a reply to the sample brand's number.
type texted struct{ id, from, text string }

// writeBack publishes a reply as AWS does.
func (s *story) writeBack(t *testing.T, r texted) {
	t.Helper()
	err := s.publish(t.Context(), s.stack.Topics["smsReply"], map[string]string{
		"originationNumber": r.from, "destinationNumber": s.stack.SMSNumber, "messageKeyword": "KEYWORD_000000000000",
		"messageBody": r.text, "inboundMessageId": r.id, "previousPublishedMessageId": "p",
	})
	if err != nil {
		t.Fatal(err)
	}
}

// gotTexts lists the texts sent to a number, the oldest first.
func (s *story) gotTexts(t *testing.T, number string) []string {
	t.Helper()
	resp, err := http.Get(s.stack.Phone + "/sent")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var sent []phone.Sent
	if err := json.NewDecoder(resp.Body).Decode(&sent); err != nil {
		t.Fatal(err)
	}
	texts := []string{}
	for _, one := range sent {
		if one.To == number {
			if one.From != s.stack.SMSNumber {
				t.Errorf("a text came from %s", one.From)
			}
			texts = append(texts, one.Body)
		}
	}
	return texts
}

// awaitTexts waits until a number has received n texts.
func (s *story) awaitTexts(t *testing.T, number string, n int) (texts []string) {
	t.Helper()
	err := await(t.Context(), func(context.Context) (bool, error) {
		texts = s.gotTexts(t, number)
		return len(texts) >= n, nil
	})
	if err != nil {
		t.Fatalf("%v: %q, want %d texts", err, texts, n)
	}
	return texts
}

// smsIn is the answer to a check of a number.
func (s *story) smsIn(t *testing.T, p person, brand string) decision {
	t.Helper()
	var answer struct{ Results []decision }
	if err := s.api.call(t.Context(), names.RouteCheck, map[string]any{"scope": brand, "contacts": p.contacts()[1:]}, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Results[0]
}

func TestSMSReplyStopsItsBrandAndIsAnswered(t *testing.T) {
	s := tellNew(t, io.Discard)
	p := s.newPerson("replies")
	stop := texted{"stop-" + s.id, p.sms, "Stopp!"}
	s.writeBack(t, stop)
	if got := s.awaitTexts(t, p.sms, 1)[0]; !strings.HasPrefix(got, "Acme: Du får ikke mer reklame på SMS") {
		t.Errorf("answered %q", got)
	}
	if got := s.smsIn(t, p, "acme"); got != (decision{Reason: "stop", Scope: "acme"}) {
		t.Errorf("SMS of acme: %s", got)
	}
	if got := s.smsIn(t, p, "globex"); got.Reason != "no-basis" {
		t.Errorf("SMS of globex: %s", got)
	}
	if err := s.expect(t.Context(), p, true, false); err != nil {
		t.Error(err)
	}

	// The redelivery is followed by another reply: its answer shows that the
	// redelivery was taken.
	s.writeBack(t, stop)
	s.writeBack(t, texted{"help-" + s.id, p.sms, "Hjelp"})
	texts := s.awaitTexts(t, p.sms, 2)
	if len(texts) != 2 || !strings.HasPrefix(texts[1], "Acme sender meldinger fra dette nummeret") {
		t.Errorf("answered %q", texts)
	}

	s.writeBack(t, texted{"start-" + s.id, p.sms, "START"})
	if texts = s.awaitTexts(t, p.sms, 3); !strings.HasPrefix(texts[2], "Acme: Du kan få reklame på SMS") {
		t.Errorf("answered %q", texts)
	}
	if err := s.expect(t.Context(), p, true, true); err != nil {
		t.Error(err)
	}
	if texts = s.gotTexts(t, p.sms); len(texts) != 3 {
		t.Errorf("three different replies have %d answers: %q", len(texts), texts)
	}
}

func TestDoubtfulSMSReplyStopsAndHelpDoesNot(t *testing.T) {
	s := tellNew(t, io.Discard)
	doubtful, curious := s.newPerson("doubts"), person{email: "asks." + s.id + "@example.no", sms: "+4794" + s.id}
	s.writeBack(t, texted{"doubt-" + s.id, doubtful.sms, "please don't stop"})
	s.writeBack(t, texted{"help-too-" + s.id, curious.sms, "HELP"})
	s.awaitTexts(t, doubtful.sms, 1)
	s.awaitTexts(t, curious.sms, 1)
	if err := s.expect(t.Context(), doubtful, true, false); err != nil {
		t.Error(err)
	}
	if err := s.expect(t.Context(), curious, true, true); err != nil {
		t.Error(err)
	}
	history, err := s.operator(t.Context(), "history", "sms", doubtful.sms)
	if err != nil || !strings.Contains(history, "sms-review") {
		t.Errorf("error %v, history\n%s", err, history)
	}
}
