package operator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/contact"
	"stille/shared/operator"
	"stille/shared/operator/operatortest"
)

func TestDoctorNamesWhatItCannotExamine(t *testing.T) {
	o := operatortest.New(t).Operator(operatortest.At)
	look := func(complaints []operator.Complaint, err error) func(context.Context) ([]operator.Complaint, error) {
		return func(context.Context) ([]operator.Complaint, error) { return complaints, err }
	}
	o.Examinations = []operator.Examination{
		{About: "keys", Look: look(nil, nil)},
		{About: "alarms", Look: look([]operator.Complaint{{Wrong: "nobody hears", Next: "subscribe"}}, nil)},
	}
	got, err := o.Doctor(t.Context(), operator.Examination{About: "SES", Look: look(nil, errors.New("access denied"))})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"keys", "alarms", "contact keys", "SES"}, got.Examined); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(got.Complaints) != 2 || got.Complaints[0] != (operator.Complaint{About: "alarms", Wrong: "nobody hears", Next: "subscribe"}) ||
		got.Complaints[1].About != "SES" || !strings.Contains(got.Complaints[1].Wrong, "access denied") {
		t.Errorf("complaints %+v", got.Complaints)
	}
	o.ContactKeys = func(context.Context) (*contact.KeySet, error) {
		return nil, fmt.Errorf("reading: %w", contact.ErrForeignKeys)
	}
	if got, err = o.Doctor(t.Context()); err != nil || len(got.Complaints) != 2 || got.Complaints[1].About != "contact keys" || !strings.Contains(got.Complaints[1].Next, "test/contact-keys") {
		t.Errorf("with foreign keys: complaints %+v, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Doctor(ended, operator.Examination{Look: look(nil, ended.Err())}); !errors.Is(err, context.Canceled) {
		t.Errorf("after an interruption: error %v", err)
	}
}
