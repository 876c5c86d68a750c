//go:build store

package retention_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
)

// Python counts the days a second time: testdata/wallclock.py asks dateutil for
// the period and zoneinfo for the clock. Both sides read the archive of zones
// that Go embeds.

// oddZones have gaps at midnight, clocks that go back over midnight, a skipped
// day, and offsets of quarters of an hour. One is the zone of the policy.
func oddZones() []string {
	return []string{
		"Europe/Oslo", "America/Santiago", "America/Havana", "America/St_Johns", "Africa/Cairo",
		"Asia/Beirut", "Asia/Gaza", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe",
	}
}

// periodsOfUse lists the periods of the tests' policy, and periods that end with
// months.
func periodsOfUse(t *testing.T) []retention.Period {
	t.Helper()
	policy := retentiontest.Policy(t)
	var periods []retention.Period
	seen := map[retention.Period]bool{}
	for _, class := range policy.Classes {
		for _, p := range []retention.Period{class.Keep, class.Promise, class.Idle} {
			if !seen[p] {
				seen[p], periods = true, append(periods, p)
			}
		}
	}
	for _, s := range []string{"P1M", "P11M", "P30D", "P90D"} {
		if p := period(t, s); !seen[p] {
			periods = append(periods, p)
		}
	}
	return periods
}

// pythonInVenv is the Python of the project's setup.
func pythonInVenv(t *testing.T) string {
	t.Helper()
	python, err := filepath.Abs("../../.local/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-c", "import dateutil, zoneinfo").CombinedOutput(); err != nil {
		t.Fatalf("Python's dateutil is not installed under .local/venv: run `make setup` (%v) %s", err, out)
	}
	return python
}

// zoneArchive is the file of Go's zones.
func zoneArchive(t *testing.T) string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip")
}

func zoneFrom(t *testing.T, archive, name string) *time.Location {
	t.Helper()
	files, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	file, err := files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// A question is a line for Python, and our answer.
type question struct{ asked, ours string }

func due(p retention.Period, start time.Time, zone *time.Location) question {
	return question{
		fmt.Sprintf("due %v %d", p, start.Unix()),
		fmt.Sprintf("%v %d", p.LastDay(start, zone), p.DueFrom(start, zone).Unix()),
	}
}

func cutoffAt(p retention.Period, now time.Time, zone *time.Location) question {
	return question{
		fmt.Sprintf("cutoff %v %d", p, now.Unix()),
		fmt.Sprint(p.StartsBefore(now, zone).Unix()),
	}
}

// midnight is the midnight of the n-th day after 1 January 1990. Where the clock
// skips midnight, it is close to it.
func midnight(zone *time.Location, n int) time.Time {
	return time.Date(1990, time.January, 1+n, 0, 0, 0, 0, zone)
}

// days are all of 1990 to 2100.
const days = 111*365 + 27

// edges are the seconds around each change of the zone's clock.
func edges(zone *time.Location) []time.Time {
	var found []time.Time
	const step = 6 * time.Hour // no zone has changed its clock twice in six hours
	for t, last := midnight(zone, 0), midnight(zone, days); t.Before(last); t = t.Add(step) {
		_, before := t.Zone()
		if _, after := t.Add(step).Zone(); after == before {
			continue
		}
		edge := t
		for _, offset := edge.Add(time.Minute).Zone(); offset == before; _, offset = edge.Add(time.Minute).Zone() {
			edge = edge.Add(time.Minute)
		}
		for _, seconds := range []int{-3660, -3600, -61, -60, -1, 0, 1, 59, 60, 3599, 3600, 7200} {
			found = append(found, edge.Add(time.Minute+time.Duration(seconds)*time.Second))
		}
	}
	return found
}

// questions ask for two seconds of every day in the zone, each in one period. They
// ask in every period for the ends of months and for the seconds around each
// change of the clock.
func questions(zone *time.Location, periods []retention.Period, random *rand.Rand) []question {
	var asked []question
	inEvery := func(start time.Time) {
		for _, p := range periods {
			asked = append(asked, due(p, start, zone))
		}
	}
	for n := range days {
		day := midnight(zone, n)
		second := day.Add(time.Duration(random.IntN(24*3600)) * time.Second)
		edge := day.Add(-time.Duration(random.IntN(2)) * time.Second)
		for _, start := range []time.Time{second, edge} {
			asked = append(asked, due(periods[random.IntN(len(periods))], start, zone))
		}
		if midnight(zone, n+1).Day() == 1 {
			inEvery(second)
		}
	}
	changes := edges(zone)
	for _, start := range changes {
		inEvery(start)
	}
	return append(asked, cutoffs(zone, periods, append(changes, midnight(zone, 0)), random)...)
}

// cutoffs asks at random moments, at the first of months, and a period after
// changes of the clock.
func cutoffs(zone *time.Location, periods []retention.Period, changes []time.Time, random *rand.Rand) []question {
	var asked []question
	for range 40 {
		year, month := 1990+random.IntN(111), time.Month(1+random.IntN(12))
		first := time.Date(year, month, 1, 0, 0, 0, 0, zone)
		second := time.Date(year, month, 1+random.IntN(31), 0, 0, random.IntN(24*3600), 0, zone)
		change := changes[random.IntN(len(changes))]
		p := periods[random.IntN(len(periods))]
		for _, now := range []time.Time{
			first, first.Add(-time.Second), second,
			change, p.DueFrom(change, zone), p.DueFrom(change, zone).Add(-time.Second),
		} {
			asked = append(asked, cutoffAt(p, now, zone))
		}
	}
	return asked
}

func TestDayAndCutoffAgreeWithPython(t *testing.T) {
	python, archive := pythonInVenv(t), zoneArchive(t)
	periods := periodsOfUse(t)
	command := exec.Command(python, "testdata/wallclock.py", archive)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	ask, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answers, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewScanner(bufio.NewReaderSize(answers, 1<<16))
	for i, name := range oddZones() {
		t.Run(name, func(t *testing.T) {
			zone := zoneFrom(t, archive, name)
			asked := questions(zone, periods, rand.New(rand.NewPCG(uint64(i), 0)))
			go write(ask, name, asked)
			wrong := 0
			for _, q := range asked {
				if !answer.Scan() {
					t.Fatalf("no answer to %q", q.asked)
				}
				if answer.Text() != q.ours {
					if wrong++; wrong <= 5 {
						t.Errorf("%s: we say %s, Python %s", q.asked, q.ours, answer.Text())
					}
				}
			}
			t.Logf("%d questions, %d of them answered differently", len(asked), wrong)
		})
	}
	ask.Close()
	if err := command.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &complaints)
	}
}

// write sends questions in a zone. If Python has ended, the reader misses the
// answers.
func write(to io.Writer, zone string, asked []question) {
	lines := bufio.NewWriterSize(to, 1<<16)
	fmt.Fprintln(lines, "zone", zone)
	for _, q := range asked {
		fmt.Fprintln(lines, q.asked)
	}
	lines.Flush()
}
