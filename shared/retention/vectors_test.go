package retention_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"stille/shared/retention"
)

func readVectors[T any](t *testing.T, file string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []T
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatalf("%s has no cases", file)
	}
	return vectors
}

// failer is a testing.T or a rapid.T.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func period(t failer, s string) retention.Period {
	t.Helper()
	p, err := retention.ParsePeriod(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func zone(t failer, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func instant(t failer, s string) time.Time {
	t.Helper()
	i, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestDayOfTheGoldenCases(t *testing.T) {
	type vector struct{ Event, Zone, Keep, LastDayKept, DueFrom string }
	for _, want := range readVectors[vector](t, "retention.json") {
		t.Run(want.Event+" "+want.Keep+" "+want.Zone, func(t *testing.T) {
			p, z, start := period(t, want.Keep), zone(t, want.Zone), instant(t, want.Event)
			got := want
			got.LastDayKept = p.LastDay(start, z).String()
			got.DueFrom = p.DueFrom(start, z).Format(time.RFC3339Nano)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestCutoffOfTheGoldenCases(t *testing.T) {
	type vector struct{ Keep, Zone, Now, StartsBefore string }
	for _, want := range readVectors[vector](t, "cutoff.json") {
		t.Run(want.Now+" "+want.Keep, func(t *testing.T) {
			got := want
			cutoff := period(t, want.Keep).StartsBefore(instant(t, want.Now), zone(t, want.Zone))
			got.StartsBefore = cutoff.Format(time.RFC3339Nano)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestInvalidPeriodIsRefused(t *testing.T) {
	refused := append(readVectors[string](t, "refused-periods.json"),
		"P+6M", "P-6M", "P 6M", "P6m", "P6MM", "PM", "P٣M", "P1_0M", "P0x6M", "P101Y", "P1201M", "P36501D",
		"P18446744073709551617M", "P6W", "P6H", "P6\x00")
	for _, s := range refused {
		if p, err := retention.ParsePeriod(s); !errors.Is(err, retention.ErrPeriod) || p != (retention.Period{}) {
			t.Errorf("ParsePeriod(%q) = %v, %v; want ErrPeriod", s, p, err)
		}
	}
}

func FuzzParsePeriod(f *testing.F) {
	for _, s := range []string{"P6M", "P2Y", "P90D", "P06M", "P1Y6M", "P36500D", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := retention.ParsePeriod(s)
		if (err != nil) != (p == retention.Period{}) {
			t.Fatalf("ParsePeriod(%q) = %v, %v", s, p, err)
		}
		if err == nil && p.String() != s {
			t.Fatalf("ParsePeriod(%q).String() = %q", s, p)
		}
	})
}

func TestPeriodMayOutlastAnotherFromWorstStart(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"P2Y", "P24M", false},
		{"P24M", "P2Y", false},
		{"P25M", "P2Y", true},
		{"P6M", "P7M", false},
		{"P31D", "P30D", true},
		{"P30D", "P30D", false},
		{"P181D", "P6M", false},
		{"P182D", "P6M", true},
		{"P6M", "P184D", false},
		{"P6M", "P183D", true},
		{"P28D", "P1M", false},
		{"P29D", "P1M", true},
		{"P1M", "P31D", false},
		{"P1M", "P30D", true},
		{"P1825D", "P5Y", false},
		{"P1826D", "P5Y", true}, // 2100 has no leap day
		{"P5Y", "P1826D", true},
		{"P5Y", "P1827D", false},
	} {
		if got := period(t, c.p).MayOutlast(period(t, c.q)); got != c.want {
			t.Errorf("%s may outlast %s: %v, want %v", c.p, c.q, got, c.want)
		}
	}
}
