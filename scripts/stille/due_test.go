package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stille/shared/operator"

	"github.com/google/go-cmp/cmp"
)

func vectors[T any](t *testing.T, file string) []T {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "retention", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var all []T
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("%s has no cases", file)
	}
	return all
}

type dueVector struct{ Event, Zone, Keep, LastDayKept, DueFrom string }

func (v dueVector) line() string { return v.Event + "\t" + v.LastDayKept + "\t" + v.DueFrom + "\n" }

func TestDueAnswersGoldenCasesFromArguments(t *testing.T) {
	for _, v := range vectors[dueVector](t, "retention.json") {
		got := call{}.run(t, "due", "--keep", v.Keep, "--zone", v.Zone, v.Event).ended(t, exitDone)
		if diff := cmp.Diff(v.line(), got.out); diff != "" {
			t.Errorf("%s %s in %s (-want +got)\n%s", v.Event, v.Keep, v.Zone, diff)
		}
	}
}

func TestDueNamesTheDayOfTheLaw(t *testing.T) {
	got := call{}.run(t, "due", "--keep", "P10Y", "--minimum", "P5Y", "2024-02-29").ended(t, exitDone)
	if want := "2024-02-29\t2034-02-28\t2034-02-28T23:00:00Z\t2029-02-28\n"; got.out != want {
		t.Errorf("got %q, want %q", got.out, want)
	}
	call{}.run(t, "due", "--keep", "P10Y", "--minimum", "P5", "2024-02-29").ended(t, exitUsage)
	call{}.run(t, "due", "--keep", "P1Y", "--minimum", "P5Y", "2024-02-29").ended(t, exitUsage)
}

func TestDueAnswersGoldenCasesFromStandardInput(t *testing.T) {
	type rule struct{ keep, zone string }
	events, want := map[rule]string{}, map[rule]string{}
	for _, v := range vectors[dueVector](t, "retention.json") {
		r := rule{v.Keep, v.Zone}
		events[r] += v.Event + "\n"
		want[r] += v.line()
	}
	for r := range want {
		got := call{stdin: events[r]}.run(t, "due", "--keep="+r.keep, "--zone="+r.zone).ended(t, exitDone)
		if diff := cmp.Diff(want[r], got.out); diff != "" {
			t.Errorf("%v (-want +got)\n%s", r, diff)
		}
	}
}

func TestDueAgreesWithGoldenCutoffs(t *testing.T) {
	type vector struct {
		Keep, Zone        string
		Now, StartsBefore time.Time
	}
	for _, v := range vectors[vector](t, "cutoff.json") {
		last := v.StartsBefore.Add(-time.Second).Format(time.RFC3339)
		next := v.StartsBefore.Format(time.RFC3339)
		c := call{}.run(t, "due", "--json", "--keep", v.Keep, "--zone", v.Zone, last, next).ended(t, exitDone)
		got := answers[operator.DueDay](t, c)
		if len(got) != 2 || got[0].DueFrom.After(v.Now) || !got[1].DueFrom.After(v.Now) {
			t.Errorf("at %s: %+v; want the first to be due, the second not", v.Now, got)
		}
	}
}

func TestDueRefusesPeriodsThatThePolicyRefuses(t *testing.T) {
	for _, keep := range vectors[string](t, "refused-periods.json") {
		got := call{}.run(t, "due", "--keep="+keep, "2024-08-31T10:00:00Z").ended(t, exitUsage)
		if got.out != "" {
			t.Errorf("--keep=%q answered %q", keep, got.out)
		}
	}
}

func TestDueAnswersEveryStart(t *testing.T) {
	for _, c := range []struct {
		name, stdin string
		args        []string
		code        int
		out, errors string
	}{
		{name: "takes a date as that day in the zone", args: []string{"--keep", "P6M", "2024-08-31"},
			out: "2024-08-31\t2025-02-28\t2025-02-28T23:00:00Z\n"},
		{name: "prints the start as it was given", args: []string{"--keep", "P6M", "2024-08-31T10:00:00.5+02:00"},
			out: "2024-08-31T10:00:00.5+02:00\t2025-02-28\t2025-02-28T23:00:00Z\n"},
		{name: "skips empty lines, takes Windows's, and a last one without an end", args: []string{"--keep", "P6M"},
			stdin: "2024-08-31T10:00:00Z\r\n\n2024-08-31T10:00:00Z",
			out:   strings.Repeat("2024-08-31T10:00:00Z\t2025-02-28\t2025-02-28T23:00:00Z\n", 2)},
		{name: "answers nothing to nothing", args: []string{"--keep", "P6M"}},
		{name: "names the start it cannot read", args: []string{"--keep", "P6M"}, stdin: "2024-08-31\n31.8.2024\n", code: exitUsage,
			out:    "2024-08-31\t2025-02-28\t2025-02-28T23:00:00Z\n",
			errors: "stille: start 2: must be a time like 2024-08-31T10:00:00Z, or a date like 2024-08-31\n"},
		{name: "refuses an empty argument", args: []string{"--keep", "P6M", ""}, code: exitUsage,
			errors: "stille: start 1: must be a time like 2024-08-31T10:00:00Z, or a date like 2024-08-31\n"},
		{name: "refuses a day that the zone did not have", args: []string{"--keep", "P6M", "--zone", "Pacific/Apia", "2011-12-30"}, code: exitUsage,
			errors: "stille: start 1: Pacific/Apia has no such day\n"},
		{name: "refuses an unknown zone", args: []string{"--keep", "P6M", "--zone", "Local", "2024-08-31"}, code: exitUsage,
			errors: "stille: --zone: must be a zone of the IANA database, like Europe/Oslo; see `stille due --help`\n"},
		{name: "answers in JSON, one value a line", args: []string{"--json", "--keep", "P2Y", "2024-02-29", "2024-03-01"},
			out: `{"start":"2024-02-29","keptThrough":"2026-02-28","dueFrom":"2026-02-28T23:00:00Z"}` + "\n" +
				`{"start":"2024-03-01","keptThrough":"2026-03-01","dueFrom":"2026-03-01T23:00:00Z"}` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := call{stdin: c.stdin}.run(t, append([]string{"due"}, c.args...)...).ended(t, c.code)
			if diff := cmp.Diff([]string{c.out, c.errors}, []string{got.out, got.errors}); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestByteOrderMarkIsNoPartOfInput(t *testing.T) {
	got := call{stdin: "\ufeff2024-08-31\r\n2024-08-31\r\n"}.run(t, "due", "--keep", "P6M").ended(t, exitDone)
	if want := "2024-08-31\t2025-02-28\t2025-02-28T23:00:00Z\n"; got.out != want+want {
		t.Errorf("it answers %q", got.out)
	}
}

func TestCtrlCEndsTheReadingOfStandardInput(t *testing.T) {
	in, typed := io.Pipe()
	defer typed.Close()
	for _, args := range [][]string{{"due", "--keep", "P6M"}, {"normalise", "email"}, {"hook", "add", "twilio", "acme", "--secret", "-"}} {
		ctx, pressed := context.WithCancel(t.Context())
		pressed()
		var out, errs strings.Builder
		code := run(ctx, args, session{stdin: in, stdout: &out, stderr: &errs, now: clock})
		if code != exitFailed || !strings.Contains(errs.String(), "interrupted") || out.String() != "" {
			t.Errorf("%v: exit code %d, it says %q", args, code, errs.String())
		}
	}
}
