package retention_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"stille/shared/contact"
	"stille/shared/retention"
)

const subject = contact.Key("c3ViamVjdC1rZXktZm9yLXRoZS10ZXN0cy1vZi1yZXRl")

// class is a class of the sample policy's shape.
func class(t failer, name, keep string) retention.Class {
	t.Helper()
	p := load(t, file(map[string]string{
		"class": "class: " + name + "\n    backupAcknowledged: me\n    buckets: [letters]", "promise": "promise: " + keep, "keep": "keep: " + keep,
	}))
	return p.Classes[0]
}

func TestRecordIsDueByDayOrWithdrawal(t *testing.T) {
	communication := class(t, "communication", "P6M")
	for _, c := range []struct{ name, start, withdrawn, want string }{
		{"neither: still running", "", "", ""},
		{"a start", "2024-08-31T10:00:00Z", "", "2025-02-28T23:00:00Z"},
		{"a withdrawal of a running one", "", "2024-09-01T10:00:00+02:00", "2024-09-01T08:00:00Z"},
		{"a withdrawal before the day", "2024-08-31T10:00:00Z", "2024-09-01T08:00:00.5Z", "2024-09-01T08:00:00.5Z"},
		{"a withdrawal after the day", "2024-08-31T10:00:00Z", "2025-03-01T00:00:00Z", "2025-02-28T23:00:00Z"},
		{"a withdrawal before the start", "2024-08-31T10:00:00Z", "2024-08-01T00:00:00Z", "2024-08-01T00:00:00Z"},
		{"the first start of 2000", "2000-01-01T00:00:00Z", "", "2000-07-01T22:00:00Z"},
		{"a start before 2000 counts as none", "1999-12-31T23:59:59Z", "", ""},
		{"a start before 2000, withdrawn", "1970-01-01T00:00:00Z", "2024-08-01T00:00:00Z", "2024-08-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r retention.Record
			if c.start != "" {
				r.Start = instant(t, c.start)
			}
			if c.withdrawn != "" {
				r.WithdrawnAt = instant(t, c.withdrawn)
			}
			due, ended := communication.DueFrom(r)
			got := ""
			if ended {
				got = due.Format(time.RFC3339Nano)
			}
			if got != c.want {
				t.Errorf("due from %q, want %q", got, c.want)
			}
			if !ended {
				if communication.Due(r, instant(t, "9999-01-01T00:00:00Z")) {
					t.Error("due although it is running")
				}
				return
			}
			if communication.Due(r, due.Add(-1)) || !communication.Due(r, due) {
				t.Errorf("not due from exactly %v", due)
			}
		})
	}
}

func TestEveryFaultOfARecordIsNamed(t *testing.T) {
	now := instant(t, "2026-11-22T03:00:00Z")
	valid := func() retention.Record {
		return retention.Record{
			ID: "sub-81", Subject: subject, Scope: "acme", Basis: retention.Consent,
			OccurredAt: now, Start: instant(t, "2024-11-20T08:00:00Z"), Objects: []string{"s3://letters/2024/a b.pdf"},
		}
	}
	for _, c := range []struct {
		name, class string
		change      func(*retention.Record)
		want        []string // fields
	}{
		{"nothing", "messaging", func(*retention.Record) {}, nil},
		{"a customer without a start is running", "messaging", func(r *retention.Record) { r.Basis, r.Start = retention.Customer, time.Time{} }, nil},
		{"consent without a start", "messaging", func(r *retention.Record) { r.Start = time.Time{} }, []string{"start"}},
		{"messaging with nothing but an id", "messaging", func(r *retention.Record) { *r = retention.Record{ID: "x"} }, []string{"contact", "scope", "basis"}},
		{"communication with nothing but an id", "communication", func(r *retention.Record) { *r = retention.Record{ID: "x"} }, nil},
		{"another class with nothing but an id", "contact", func(r *retention.Record) { *r = retention.Record{ID: "x"} }, nil},
		{"an unknown basis", "communication", func(r *retention.Record) { r.Basis = "vibes" }, []string{"basis"}},
		{"a start exactly a day ahead", "messaging", func(r *retention.Record) { r.Start = now.Add(24 * time.Hour) }, nil},
		{"a start over a day ahead", "messaging", func(r *retention.Record) { r.Start = now.Add(24*time.Hour + 1) }, []string{"start"}},
		{"the first start of 2000", "messaging", func(r *retention.Record) { r.Start = instant(t, "2000-01-01T00:00:00Z") }, nil},
		{"a start before 2000", "messaging", func(r *retention.Record) { r.Start = instant(t, "1999-12-31T23:59:59Z") }, []string{"start"}},
		{"a start of epoch zero", "messaging", func(r *retention.Record) { r.Start = time.Unix(0, 0) }, []string{"start"}},
		{"events exactly five minutes ahead", "communication", func(r *retention.Record) {
			r.OccurredAt, r.LastActivityAt = now.Add(5*time.Minute), now.Add(5*time.Minute)
		}, nil},
		{"events over five minutes ahead", "communication", func(r *retention.Record) {
			r.OccurredAt, r.LastActivityAt = now.Add(5*time.Minute+1), now.Add(5*time.Minute+1)
		}, []string{"occurredAt", "lastActivityAt"}},
		{"data that fits", "communication", func(r *retention.Record) { r.Data = bytes.Repeat([]byte("1"), 256<<10) }, nil},
		{"too much data", "communication", func(r *retention.Record) { r.Data = bytes.Repeat([]byte("1"), 256<<10+1) }, []string{"data"}},
		{"objects that are none, and one twice", "communication", func(r *retention.Record) {
			r.Objects = []string{"s3://letters/a", "letters/a", "https://letters/a", "s3://letters", "s3://letters/", "s3://Letters/a", "s3://letters/a", "s3://scans/a"}
		}, []string{"objects/1", "objects/2", "objects/3", "objects/4", "objects/5", "objects/6", "objects/7"}},
		{"an object's key too long", "communication", func(r *retention.Record) {
			r.Objects = []string{"s3://letters/" + strings.Repeat("k", 1025), "s3://letters/" + strings.Repeat("k", 1024)}
		}, []string{"objects/0"}},
		{"as many objects as a record may own", "communication", func(r *retention.Record) {
			for r.Objects = nil; len(r.Objects) < retention.MostObjects; {
				r.Objects = append(r.Objects, fmt.Sprint("s3://letters/", len(r.Objects)))
			}
		}, nil},
		{"too many objects", "communication", func(r *retention.Record) { r.Objects = make([]string, retention.MostObjects+1) }, []string{"objects"}},
		{"everything at once", "messaging", func(r *retention.Record) {
			*r = retention.Record{Basis: "x", Start: time.Unix(0, 0), Objects: []string{""}}
		}, []string{"id", "contact", "scope", "basis", "start", "objects/0"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := valid()
			c.change(&r)
			var got []string
			for _, f := range class(t, c.class, "P3M").Validate(r, now) {
				got = append(got, f.Field)
				if f.Detail == "" {
					t.Errorf("%s: no detail", f.Field)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestIDMustNotLookPersonal(t *testing.T) {
	communication := class(t, "communication", "P6M")
	for _, c := range []struct {
		refused bool
		ids     []string
	}{
		{false, []string{
			"x", "sub-81", "123456", "order-81224417", "invoice_2024-11-20", "01JD4Z9K3V6Q8W2X5Y7R1T0S4B", "c3ViamVjdA==",
			"550e8400-e29b-41d4-a716-446655440000", "mailbox/INBOX:4711", "a+b", "1+1", strings.Repeat("i", 128), "!~",
		}},
		{true, []string{
			"kari@example.no", "kari%40example.no", "user:kari@localhost", "@", "+4791234567", "004791234567", "91234567", "912-34-567",
			"(912)34.567", "tel:+4791234567", "tel:9123456", "kunde+4791234567", "sms%2B4791234567", "TEL:91.23.45.67", "1234567", "20241120",
			"", "sub 81", " sub-81", "sub\t81", "sub\n81", "sub\x00", "søk", "sub\u00a081", strings.Repeat("i", 129),
		}},
	} {
		for i, id := range c.ids {
			faults := communication.Validate(retention.Record{ID: id}, time.Time{})
			if (len(faults) == 1 && faults[0].Field == "id") != c.refused {
				t.Errorf("id %d that should be refused: %v is not: %v", i, c.refused, faults)
			}
			if len(faults) == 1 && len(id) > 1 && strings.Contains(faults[0].Detail, id) {
				t.Errorf("id %d is repeated in the fault", i)
			}
		}
	}
}

func TestNewerEventSupersedes(t *testing.T) {
	stored := retention.Record{OccurredAt: instant(t, "2026-11-22T03:00:00Z")}
	var got []bool
	for _, later := range []time.Duration{-1, 0, 1} {
		got = append(got, retention.Record{OccurredAt: stored.OccurredAt.Add(later)}.Supersedes(stored))
	}
	if diff := cmp.Diff([]bool{false, true, true}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestARecordIsErasableFromItsFirstVersion(t *testing.T) {
	hour := func(n int) time.Time { return instant(t, "2024-08-31T10:00:00Z").Add(time.Duration(n) * time.Hour) }
	version := func(occurred, first time.Time) retention.Record {
		return retention.Record{ID: "conv-1", Subject: subject, OccurredAt: occurred, FirstAt: first}
	}
	other := version(hour(1), time.Time{})
	other.Subject = "other"
	for name, c := range map[string]struct {
		class        string
		older, newer retention.Record
		want         time.Time
	}{
		"no older version":                 {"communication", retention.Record{}, version(hour(2), time.Time{}), hour(2)},
		"an older version":                 {"communication", version(hour(1), time.Time{}), version(hour(2), time.Time{}), hour(1)},
		"a version with a first one":       {"communication", version(hour(2), hour(1)), version(hour(3), time.Time{}), hour(1)},
		"a version of the same event":      {"communication", version(hour(2), time.Time{}), version(hour(2), time.Time{}), hour(2)},
		"a version that came out of order": {"communication", version(hour(3), time.Time{}), version(hour(4), hour(1)), hour(1)},
		"a version without a time":         {"communication", version(time.Time{}, time.Time{}), version(hour(2), time.Time{}), time.Unix(0, 0)},
		"another contact's version":        {"communication", other, version(hour(2), time.Time{}), hour(2)},
		"newer consent":                    {retention.Messaging, version(hour(1), time.Time{}), version(hour(2), time.Time{}), hour(2)},
	} {
		if got := c.newer.Replacing(c.older, c.class).ErasableAt(); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestShardsNeverChange(t *testing.T) {
	got := map[string]string{"sub-81": retention.Shard("sub-81"), "": retention.Shard(""), "kept": retention.Shard("kept")}
	want := map[string]string{"sub-81": "0b", "": "23", "kept": "39"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	used := map[string]bool{}
	for i := range 10_000 {
		used[retention.Shard(fmt.Sprint(i))] = true
	}
	for n := range retention.Shards {
		if !used[retention.ShardName(n)] {
			t.Errorf("nothing is in shard %s", retention.ShardName(n))
		}
		delete(used, retention.ShardName(n))
	}
	if len(used) > 0 {
		t.Errorf("shards beyond the last: %v", used)
	}
}

func TestRecordIsInItsSubjectsShard(t *testing.T) {
	r := retention.Record{ID: "sub-81"}
	if got, want := r.Shard(), retention.Shard("sub-81"); got != want {
		t.Errorf("without a subject in %s, want %s", got, want)
	}
	r.Subject = subject
	if got, want := r.Shard(), retention.Shard(string(subject)); got != want {
		t.Errorf("with a subject in %s, want %s", got, want)
	}
}

func TestSortKeysSortAsTimesDo(t *testing.T) {
	oslo := zone(t, "Europe/Oslo")
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawInstant(t, oslo, 1, 9998), drawInstant(t, oslo, 1, 9998)
		ka, kb := retention.Sort(a), retention.Sort(b.In(oslo))
		if ka < kb != a.Truncate(time.Second).Before(b.Truncate(time.Second)) {
			t.Fatalf("%v is %s, %v is %s", a, ka, b, kb)
		}
		if back, err := retention.ParseSort(ka); err != nil || !back.Equal(a.Truncate(time.Second)) {
			t.Fatalf("%s reads as %v, %v", ka, back, err)
		}
	})
	for _, s := range []string{"", "2024-08-31", "2024-08-31T10:00:00.5Z", "2024-08-31T10:00:00+00:00", "2024-02-30T10:00:00Z", "2024-08-31T1:00:00Z"} {
		if got, err := retention.ParseSort(s); err == nil {
			t.Errorf("%q reads as %v", s, got)
		}
	}
}

func TestTargetsOfRecordAreItselfAndItsSubject(t *testing.T) {
	r := retention.Record{ID: "sub-81", Subject: subject}
	want := []retention.Target{retention.RecordTarget("messaging", "sub-81"), retention.SubjectTarget(subject)}
	if diff := cmp.Diff(want, r.Targets("messaging")); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	r.Former = []contact.Key{"older", "oldest"}
	if diff := cmp.Diff(append(want, retention.SubjectTarget("older"), retention.SubjectTarget("oldest")), r.Targets("messaging")); diff != "" {
		t.Errorf("stored while older keys were live (-want +got):\n%s", diff)
	}
	r.Subject = ""
	if diff := cmp.Diff(want[:1], r.Targets("messaging")); diff != "" {
		t.Errorf("without a subject (-want +got):\n%s", diff)
	}
	if retention.RecordTarget("contact", "sub-81") == want[0] {
		t.Error("a record of that id in another class is the same target")
	}
}

func TestHoldIsActiveUntilLifted(t *testing.T) {
	if !(retention.Hold{}).Active() || (retention.Hold{LiftedAt: instant(t, "2026-11-22T03:00:00Z")}).Active() {
		t.Error("a hold is active exactly while it was not lifted")
	}
}

func TestFingerprintTellsCalendarsApart(t *testing.T) {
	rules := func(name string) string {
		printed, digits, _ := strings.Cut(retention.Fingerprint(zone(t, name)), " ")
		if printed != name || len(digits) != 16 {
			t.Errorf("the fingerprint of %s is of %q with %q", name, printed, digits)
		}
		return digits
	}
	seen := map[string]string{}
	for _, name := range []string{"UTC", "Europe/Oslo", "Europe/Vilnius", "Europe/Lisbon", "America/Santiago", "Africa/Cairo", "Pacific/Apia"} {
		if other, taken := seen[rules(name)]; taken {
			t.Errorf("%s and %s have the same rules", name, other)
		}
		seen[rules(name)] = name
	}
	if rules("Europe/Oslo") != rules("Europe/Berlin") {
		t.Error("Oslo and Berlin do not have the same rules")
	}
}
