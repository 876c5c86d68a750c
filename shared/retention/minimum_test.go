package retention_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"stille/shared/retention"
)

// books is the class of file, with a promise and a period of ten years, of which
// a law asks for five.
func books(t *testing.T) retention.Class {
	t.Helper()
	return load(t, file(map[string]string{
		"promise": "promise: P11Y", "keep": "keep: P10Y", "idle": "minimum: P5Y\n    keptBy: bokføringsloven § 13",
	})).Classes[0]
}

func TestNoWithdrawalMakesRecordsDueBeforeTheirMinimum(t *testing.T) {
	class := books(t)
	const start, lawEnds, keepEnds = "2024-08-31T10:00:00Z", "2029-08-31T22:00:00Z", "2034-08-31T22:00:00Z"
	for name, c := range map[string]struct{ start, withdrawn, due string }{
		"not withdrawn":                      {start, "", keepEnds},
		"withdrawn at once":                  {start, "2024-09-01T00:00:00Z", lawEnds},
		"withdrawn before its start":         {start, "2023-01-01T00:00:00Z", lawEnds},
		"withdrawn a second before the end":  {start, "2029-08-31T21:59:59Z", lawEnds},
		"withdrawn as the minimum is over":   {start, lawEnds, lawEnds},
		"withdrawn after the minimum":        {start, "2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"},
		"withdrawn after its day":            {start, "2040-01-01T00:00:00Z", keepEnds},
		"running":                            {"", "", ""},
		"running and withdrawn":              {"", "2024-09-01T00:00:00Z", ""},
		"withdrawn, with an absurd start":    {"1970-01-01T00:00:00Z", "2024-09-01T00:00:00Z", ""},
		"started on the leap day, withdrawn": {"2024-02-29T10:00:00Z", "2024-09-01T00:00:00Z", "2029-02-28T23:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			var r retention.Record
			for text, at := range map[*time.Time]string{&r.Start: c.start, &r.WithdrawnAt: c.withdrawn} {
				if at != "" {
					*text = instant(t, at)
				}
			}
			got, ended := class.DueFrom(r)
			if ended != (c.due != "") || ended && !got.Equal(instant(t, c.due)) {
				t.Fatalf("due from %v (%v), want %q", got, ended, c.due)
			}
			if ended && (class.Due(r, got.Add(-1)) || !class.Due(r, got)) {
				t.Errorf("it is not due from exactly %v", got)
			}
		})
	}
}

func TestLastDayIsThatOfPeriodOrLaw(t *testing.T) {
	for name, c := range map[string]struct {
		start, withdrawn, want string
		law                    bool
	}{
		"by the period":                   {"2024-08-31T10:00:00Z", "", "2034-08-31", true},
		"by the law":                      {"2024-08-31T10:00:00Z", "2024-09-01T00:00:00Z", "2029-08-31", true},
		"withdrawn after the law's day":   {"2024-08-31T10:00:00Z", "2030-01-01T00:00:00Z", "", true},
		"withdrawn after its day":         {"2024-08-31T10:00:00Z", "2040-01-01T00:00:00Z", "2034-08-31", true},
		"withdrawn where no law is":       {"2024-08-31T10:00:00Z", "2024-09-01T00:00:00Z", "", false},
		"running":                         {"", "", "", true},
		"running and withdrawn":           {"", "2024-09-01T00:00:00Z", "", false},
		"with an absurd start":            {"1970-01-01T00:00:00Z", "", "", true},
		"withdrawn the instant it is due": {"2024-08-31T10:00:00Z", "2034-08-31T22:00:00Z", "2034-08-31", false},
	} {
		class := books(t)
		if !c.law {
			class.Minimum = retention.Period{}
		}
		var r retention.Record
		for text, at := range map[*time.Time]string{&r.Start: c.start, &r.WithdrawnAt: c.withdrawn} {
			if at != "" {
				*text = instant(t, at)
			}
		}
		day, kept := class.KeptThrough(r)
		if kept != (c.want != "") || kept && day.String() != c.want {
			t.Errorf("%s: through %v (%v), want %q", name, day, kept, c.want)
		}
	}
}

func TestLawKeepsThroughItsLastDay(t *testing.T) {
	class := books(t)
	record := retention.Record{Start: instant(t, "2024-08-31T10:00:00Z")}
	for at, want := range map[string]bool{"2024-08-31T10:00:00Z": true, "2029-08-31T21:59:59Z": true, "2029-08-31T22:00:00Z": false} {
		until, kept := class.KeptByLaw(record, instant(t, at))
		if kept != want || until.String() != "2029-08-31" {
			t.Errorf("at %s: kept %v until %v", at, kept, until)
		}
	}
	if _, kept := load(t, file(nil)).Classes[0].KeptByLaw(record, record.Start); kept {
		t.Error("a class without a minimum is kept by a law")
	}
}

func TestNoChangeShortensWhatTheLawKeeps(t *testing.T) {
	class := books(t)
	for name, c := range map[string]struct {
		stored, next, now string
		refused           bool
	}{
		"an earlier start":                      {"2024-08-31T10:00:00Z", "2024-08-30T10:00:00Z", "2026-11-22T03:00:00Z", true},
		"a start long ago":                      {"2024-08-31T10:00:00Z", "2010-08-30T10:00:00Z", "2026-11-22T03:00:00Z", true},
		"an earlier hour of the same day":       {"2024-08-31T10:00:00Z", "2024-08-31T09:00:00Z", "2026-11-22T03:00:00Z", false},
		"a later start":                         {"2024-08-31T10:00:00Z", "2025-08-31T10:00:00Z", "2026-11-22T03:00:00Z", false},
		"running again":                         {"2024-08-31T10:00:00Z", "", "2026-11-22T03:00:00Z", false},
		"an earlier start, after the minimum":   {"2024-08-31T10:00:00Z", "2020-08-31T10:00:00Z", "2029-08-31T22:00:00Z", false},
		"the first start of a running record":   {"", "2010-08-31T10:00:00Z", "2026-11-22T03:00:00Z", false},
		"a start in place of one not plausible": {"1970-01-01T00:00:00Z", "2010-08-31T10:00:00Z", "2026-11-22T03:00:00Z", false},
	} {
		t.Run(name, func(t *testing.T) {
			var stored, next retention.Record
			for start, at := range map[*time.Time]string{&stored.Start: c.stored, &next.Start: c.next} {
				if at != "" {
					*start = instant(t, at)
				}
			}
			if err := class.MayBecome(stored, next, instant(t, c.now)); errors.Is(err, retention.ErrKeptByLaw) != c.refused {
				t.Errorf("error %v, refused should be %v", err, c.refused)
			}
		})
	}
}

func TestMinimumAndItsLawBelongTogether(t *testing.T) {
	for line, want := range map[string]string{
		"minimum: P6M\n    keptBy: bokføringsloven § 13":   "",
		"minimum: P181D\n    keptBy: bokføringsloven § 13": "",
		"minimum: P6M":                         "line 12: minimum: needs keptBy",
		"keptBy: bokføringsloven § 13":         "line 12: keptBy: needs minimum",
		"minimum: P7M\n    keptBy: law":        "line 5: keep: P6M may be shorter than the minimum, P7M",
		"minimum: P184D\n    keptBy: law":      "line 5: keep: P6M may be shorter than the minimum, P184D",
		"minimum: P6W\n    keptBy: law":        "line 12: minimum",
		"minimum: P6M\n    keptBy: \"\"":       "line 13: keptBy",
		"minimum: P6M\n    keptBy: [law, law]": "line 13: keptBy",
		"minimum: \"\"\n    keptBy: law":       "line 12: minimum",
	} {
		_, err := retention.LoadPolicy([]byte(file(map[string]string{"idle": line})))
		got := mistakes(t, err)
		if want == "" && got != nil || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestMinimumAndLawAreInTheClassHash(t *testing.T) {
	hashes := map[string]string{}
	for _, line := range []string{"idle: P30D", "idle: P30D\n    minimum: P5M\n    keptBy: a", "idle: P30D\n    minimum: P6M\n    keptBy: a", "idle: P30D\n    minimum: P6M\n    keptBy: b"} {
		hash := load(t, file(map[string]string{"idle": line})).Classes[0].Hash()
		if other, twice := hashes[hash]; twice {
			t.Errorf("%q and %q have one hash", line, other)
		}
		hashes[hash] = line
	}
}
