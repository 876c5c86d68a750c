package smsvoice_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	voice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/aws/smsvoice"
	"stille/shared/contact"
	"stille/shared/sms"
	"stille/shared/sms/phone"
)

// sender sends to the test's phone.
func sender(t *testing.T) (*smsvoice.Sender, *phone.Phone) {
	t.Helper()
	var p phone.Phone
	server := httptest.NewServer(&p)
	t.Cleanup(server.Close)
	return smsvoice.NewSender(voice.New(voice.Options{
		BaseEndpoint: &server.URL, Region: "eu-north-1", Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})), &p
}

func kari(t *testing.T) contact.Contact {
	t.Helper()
	c, err := contact.Normalise(contact.SMS, "+47 912 34 567", "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestATextGoesOutAsTransactional(t *testing.T) {
	s, p := sender(t)
	if err := s.Send(t.Context(), sms.Text{From: "+4759440000", To: kari(t), Body: "Acme: Hei på deg"}); err != nil {
		t.Fatal(err)
	}
	want := []phone.Sent{{From: "+4759440000", To: "+4791234567", Body: "Acme: Hei på deg", Type: "TRANSACTIONAL"}}
	if diff := cmp.Diff(want, p.Sent(), cmpopts.IgnoreFields(phone.Sent{}, "ID")); diff != "" {
		t.Errorf("sent (-want +got)\n%s", diff)
	}
	if p.Sent()[0].ID == "" {
		t.Error("it has no id")
	}
}

func TestAnErrorHoldsTheCodeAndNoNumber(t *testing.T) {
	for _, c := range []struct {
		name    string
		refusal phone.Refusal
		says    string
	}{
		{"too fast", phone.Refusal{Type: "ThrottlingException", Message: "+4791234567"}, "ThrottlingException"},
		{"on the account's own list", phone.Refusal{Type: "ConflictException", Message: "+4791234567 is opted out", Reason: "DESTINATION_PHONE_NUMBER_OPTED_OUT"},
			"ConflictException, DESTINATION_PHONE_NUMBER_OPTED_OUT"},
		{"a field it does not like", phone.Refusal{Type: "ValidationException", Message: "+4791234567 is none", Reason: "INVALID_PARAMETER"}, "ValidationException, INVALID_PARAMETER"},
		{"something new", phone.Refusal{Type: "NovelException", Message: "+4791234567"}, "NovelException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, p := sender(t)
			p.Refuse(c.refusal)
			err := s.Send(t.Context(), sms.Text{From: "+4759440000", To: kari(t), Body: "Hei"})
			if err == nil || !strings.HasSuffix(err.Error(), c.says) || strings.Contains(err.Error(), "4791234567") {
				t.Errorf("it fails with %v", err)
			}
			if n := len(p.Sent()); n != 0 {
				t.Errorf("%d were sent", n)
			}
		})
	}
}

func TestAnUnreachableServiceIsAnError(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	s := smsvoice.NewSender(voice.New(voice.Options{
		BaseEndpoint: &gone.URL, Region: "eu-north-1", Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}))
	if err := s.Send(t.Context(), sms.Text{From: "+4759440000", To: kari(t), Body: "Hei"}); err == nil || strings.Contains(err.Error(), "91234567") {
		t.Errorf("it fails with %v", err)
	}
}
