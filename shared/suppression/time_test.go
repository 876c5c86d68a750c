package suppression_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"stille/shared/ledger"
	"stille/shared/suppression"
)

func moment(t *testing.T, text string) *suppression.Moment {
	t.Helper()
	m := new(suppression.Moment)
	if err := m.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return m
}

const halfPastNoon = "2026-11-20T12:30:00.5Z"

func TestWhenAnOptOutCounts(t *testing.T) {
	now := moment(t, halfPastNoon).At
	for _, test := range []struct{ name, given, want string }{
		{"a time", "2026-11-20T08:00:00.25Z", "2026-11-20T08:00:00.25Z"},
		{"a whole second", "2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z"},
		{"a time of another zone", "2026-11-20T09:00:00+01:00", "2026-11-20T08:00:00Z"},
		{"no seconds", "2026-11-20T08:00Z", "2026-11-20T08:00:00Z"},
		{"no seconds, another zone", "2026-11-20T09:00+01:00", "2026-11-20T08:00:00Z"},
		{"small letters", "2026-11-20t08:00:00z", "2026-11-20T08:00:00Z"},
		{"a space", "2026-11-20 08:00:00.25+00:00", "2026-11-20T08:00:00.25Z"},
		{"a space, no seconds", "2026-11-20 09:00+01:00", "2026-11-20T08:00:00Z"},
		{"now", halfPastNoon, halfPastNoon},
		{"two seconds ahead", "2026-11-20T12:30:02.5Z", halfPastNoon},
		{"two days ahead", "2026-11-22T12:30:00Z", halfPastNoon},
		{"a century ahead", "2126-11-20T12:30:00Z", halfPastNoon},
		{"the first of 1970", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"},
		{"before 1970", "1969-12-31T23:59:59Z", ""},
		{"the year one", "0001-01-01T00:00:00Z", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, err := moment(t, test.given).OptOut(now)
			if (err == nil) != (test.want != "") || err == nil && !at.Equal(moment(t, test.want).At) {
				t.Errorf("%v, error %v, want %q", at, err, test.want)
			}
		})
	}
	var none *suppression.Moment
	if at, err := none.OptOut(now); err != nil || !at.Equal(now) {
		t.Errorf("without a time: %v, error %v", at, err)
	}
}

func TestWhenAConsentCounts(t *testing.T) {
	now := moment(t, halfPastNoon).At
	for _, test := range []struct{ name, given, want string }{
		{"a time with a fraction", "2026-11-20T08:00:00.25Z", "2026-11-20T08:00:00.25Z"},
		{"a fraction of zero", "2026-11-20T08:00:00.000Z", "2026-11-20T08:00:00Z"},
		{"the end of a whole second", "2026-11-20T08:00:00Z", "2026-11-20T08:00:00.999999999Z"},
		{"the end of a second elsewhere", "2026-11-20T09:00:00+01:00", "2026-11-20T08:00:00.999999999Z"},
		{"the end of this second is now", "2026-11-20T12:30:00Z", halfPastNoon},
		{"three minutes ahead", "2026-11-20T12:33:00Z", halfPastNoon},
		{"five minutes ahead", "2026-11-20T12:35:00.5Z", halfPastNoon},
		{"over five minutes ahead", "2026-11-20T12:35:00.500000001Z", ""},
		{"six minutes ahead", "2026-11-20T12:36:00Z", ""},
		{"before 1970", "1969-12-31T23:59:59Z", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			at, err := moment(t, test.given).Consent(now)
			if (err == nil) != (test.want != "") || err == nil && !at.Equal(moment(t, test.want).At) {
				t.Errorf("%v, error %v, want %q", at, err, test.want)
			}
		})
	}
}

func TestTextThatIsNoMomentIsRefused(t *testing.T) {
	for _, text := range []string{"yesterday", "", "2026-11-20", "2026-11-20T08Z", "2026-11-20T08:00", "2026-11-20T08:00:00", "2026-13-20T08:00Z", "1763625600"} {
		if err := new(suppression.Moment).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	var given struct{ At *suppression.Moment }
	if err := json.Unmarshal([]byte(`{"at":null}`), &given); err != nil || given.At != nil {
		t.Errorf("null is %v, error %v", given.At, err)
	}
}

// Whatever is known of a contact: somebody who says no now is silent.
func TestAnOptOutOfNowAlwaysSilences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		item, entries := applyAll(t, rapid.SliceOfN(rapid.Custom(anyChange), 0, 8).Draw(t, "changes"))
		now := rapid.SampledFrom([]time.Time{monday, tuesday, tuesday.Add(-50 * time.Millisecond), later}).Draw(t, "now") // of a slow clock
		outcome, err := suppression.Apply(item, suppress(suppression.Stop, now, suppression.SourceSMS), "now", now)
		if err != nil || suppression.Decide(outcome.Item, suppression.Marketing, "acme").Send {
			t.Fatalf("it may be sent to, error %v", err)
		}
		if outcome.Entry != nil {
			entries = append(entries, *outcome.Entry)
		}
		if err := ledger.Verify(entries, outcome.Item.Head); err != nil {
			t.Fatal(err)
		}
		again, err := suppression.Replay(entries, nil)
		known := suppression.Merge(again, outcome.Item) // a repetition has no entry, and stays with the item
		if diff := cmp.Diff(outcome.Item.Marks, known.Marks, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Fatalf("replayed, error %v (-item +replayed):\n%s", err, diff)
		}
	})
}
