package suppression_test

import (
	"context"
	"errors"
	"testing"

	"stille/shared/contact"
	"stille/shared/suppression"
	"stille/shared/suppression/suppressiontest"
)

var somebody = contact.Known{Channel: contact.Email, Keys: []contact.Key{"k"}}

func optOut(r suppression.Reason, at int) suppression.Change {
	return suppression.Change{Action: suppression.Suppress, Scope: "acme", Reason: r, At: hour(at), Source: suppression.SourceTool}
}

// newList returns a list on which somebody unsubscribed at eight. One of the
// changes in between is made before each release.
func newList(t *testing.T, between ...suppression.Change) *suppressiontest.List {
	t.Helper()
	list := &suppressiontest.List{}
	if _, err := list.Apply(t.Context(), somebody, optOut(suppression.Unsubscribed, 8), hour(20)); err != nil {
		t.Fatal(err)
	}
	list.Before = func(ctx context.Context, c suppressiontest.Call) error {
		if c.Change.Action != suppression.Release || len(between) == 0 {
			return nil
		}
		next := between[0]
		between = between[1:]
		_, err := list.Apply(ctx, somebody, next, hour(20))
		return err
	}
	return list
}

var consent = suppression.Consent{Scope: "acme", At: hour(12)}

func TestLiftSeesOptOutsInBetween(t *testing.T) {
	for _, test := range []struct {
		name    string
		between []suppression.Change
		want    suppression.Refusal
	}{
		{"nobody", nil, ""},
		{"newer than the consent", []suppression.Change{optOut("unsubscribed", 13)}, suppression.OlderThanOptOut},
		{"newer, for another reason", []suppression.Change{optOut("stop", 13)}, suppression.OlderThanOptOut},
		{"older, for another reason", []suppression.Change{optOut("stop", 9)}, ""},
		{"a complaint", []suppression.Change{optOut("complaint", 9)}, suppression.NeedsOperator},
		{"three, each older", []suppression.Change{optOut("stop", 9), optOut("manual", 9)}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, item, err := suppression.Lift(t.Context(), newList(t, test.between...), somebody, consent, hour(20))
			if err != nil || got != test.want {
				t.Errorf("refusal %q, want %q; error %v", got, test.want, err)
			}
			if send := suppression.Decide(item, suppression.Marketing, "acme").Send; send != (test.want == "") {
				t.Errorf("send %v", send)
			}
		})
	}
}

func TestLiftGivesUpOnAChangingContact(t *testing.T) {
	list := newList(t, optOut("stop", 9), optOut("manual", 9), optOut("imported", 9), optOut("objection", 9), optOut("erasure", 9))
	if _, _, err := suppression.Lift(t.Context(), list, somebody, consent, hour(20)); !errors.Is(err, suppression.ErrUnsettled) {
		t.Errorf("error %v", err)
	}
}

func TestLiftReturnsTheStoresError(t *testing.T) {
	down := errors.New("the store is down")
	for method, writes := range map[string]int{"Get": 0, "Apply": 1} {
		list, calls := newList(t), 0
		list.Before = func(_ context.Context, c suppressiontest.Call) error {
			if c.Method == "Apply" {
				calls++
			}
			if c.Method == method {
				return down
			}
			return nil
		}
		if _, _, err := suppression.Lift(t.Context(), list, somebody, consent, hour(20)); !errors.Is(err, down) || calls != writes {
			t.Errorf("%s fails: error %v after %d writes", method, err, calls)
		}
	}
}
