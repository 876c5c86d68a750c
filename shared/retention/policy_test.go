package retention_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/strictyaml"
)

// file is a retention.yaml of one class. A replacement takes the place of the
// line of its field; the replacement "" leaves the line out.
func file(replace map[string]string) string {
	lines := []string{
		"class: invoices", "promise: P1Y", "keep: P6M", "anchor: payment", "zone: Europe/Oslo",
		"schedule: cron(30 3 * * ? *)", "owner: finance", "legalBasis: contract", "sentence: We keep it.", "idle: P30D",
	}
	var b strings.Builder
	b.WriteString("classes:\n  -\n")
	for _, line := range lines {
		field, _, _ := strings.Cut(line, ":")
		if other, ok := replace[field]; ok {
			line = other
		}
		if line != "" {
			b.WriteString("    " + line + "\n")
		}
	}
	return b.String()
}

func load(t failer, data string) *retention.Policy {
	t.Helper()
	p, err := retention.LoadPolicy([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mistakes(t failer, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var all strictyaml.Mistakes
	if !errors.As(err, &all) {
		t.Fatal("not Mistakes: ", err)
	}
	return strings.Split(all.Error(), "\n")
}

func TestSamplePolicyHasItsFourClasses(t *testing.T) {
	got := map[string]string{}
	for _, c := range retentiontest.Policy(t).Classes {
		got[c.Name] = c.Promise.String() + " " + c.Keep.String() + " " + c.Idle.String() + " " + c.Location().String()
	}
	want := map[string]string{
		"communication": "P6M P6M P90D Europe/Oslo",
		"messaging":     "P2Y P2Y P90D Europe/Oslo",
		"contact":       "P5Y P5Y P90D Europe/Oslo",
		"service":       "P5Y P5Y P90D Europe/Oslo",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestClassIsReadWithItsDefaults(t *testing.T) {
	p := load(t, file(map[string]string{"zone": "", "idle": "", "sentence": "sentence: |\n      We keep it\n      for a while.\n"}))
	c, ok := p.Class("invoices")
	if !ok {
		t.Fatal("no class invoices")
	}
	got := []string{
		c.Name, c.Promise.String(), c.Keep.String(), c.Idle.String(), c.Anchor, c.Zone, c.Location().String(),
		c.Schedule, c.Owner, c.LegalBasis, c.Sentence, c.BackupAcknowledged, strings.Join(c.Buckets, " "),
	}
	want := []string{
		"invoices", "P1Y", "P6M", "P90D", "payment", "Europe/Oslo", "Europe/Oslo",
		"cron(30 3 * * ? *)", "finance", "contract", "We keep it\nfor a while.", "", "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, ok := p.Class("receipts"); ok {
		t.Error("found a class that is not there")
	}
}

func TestHashCoversContentAndNotLayout(t *testing.T) {
	plain := load(t, file(nil)).Hash()
	if len(plain) != 64 {
		t.Fatalf("hash %q", plain)
	}
	other := strings.ReplaceAll(strings.TrimPrefix(file(nil), "classes:\n"), "invoices", "receipts")
	for _, same := range [][2]string{
		{file(nil), "# a comment\n\n" + file(map[string]string{"owner": `owner: "finance" # us`})},
		{file(map[string]string{"zone": ""}), file(nil)},
		{file(nil) + other, "classes:\n" + other + strings.TrimPrefix(file(nil), "classes:\n")},
	} {
		if load(t, same[0]).Hash() != load(t, same[1]).Hash() {
			t.Errorf("different hashes of\n%s\nand\n%s", same[0], same[1])
		}
	}
	for field, line := range map[string]string{
		"class": "class: receipts", "promise": "promise: P2Y", "keep": "keep: P7M", "anchor": "anchor: x", "zone": "zone: UTC",
		"schedule": "schedule: cron(31 3 * * ? *)", "owner": "owner: x", "legalBasis": "legalBasis: x",
		"sentence": "sentence: x", "idle": "idle: P31D\n    backupAcknowledged: x",
	} {
		if load(t, file(map[string]string{field: line})).Hash() == plain {
			t.Errorf("the hash does not cover %s", field)
		}
	}
}

func TestHashOfClassCoversNoOtherClass(t *testing.T) {
	other := strings.ReplaceAll(strings.TrimPrefix(file(nil), "classes:\n"), "invoices", "receipts")
	hashes := func(p *retention.Policy) (invoices, receipts string) {
		first, _ := p.Class("invoices")
		second, _ := p.Class("receipts")
		return first.Hash(), second.Hash()
	}
	invoices, receipts := hashes(load(t, file(nil)+other))
	for _, line := range []string{"owner: x", "owner: finance\n    retired: true"} {
		changed, same := hashes(load(t, file(map[string]string{"owner": line})+other))
		if changed == invoices || same != receipts || len(receipts) != 64 {
			t.Errorf("%s: the class has the hash %s, was %s; the other has %s, was %s", line, changed, invoices, same, receipts)
		}
	}
	if written, _ := hashes(load(t, file(map[string]string{"owner": "owner: finance\n    retired: false"})+other)); written != invoices {
		t.Error("a default that is written out changes the hash")
	}
}

func TestEveryMistakeIsNamedWithItsLine(t *testing.T) {
	got, err := retention.LoadPolicy([]byte(`classes:
  - class: Invoices
    promise: P6M
    keep: P06M
    keep: P5M
    anchor:
    zone: Europe/Olso
    schedule: rate(1 day)
    owner: 17
    legalBasis: ""
    purge: never
    idle: P0D
  - class: receipts
    promise: P6M
    keep: P7M
    anchor: payment
    schedule: cron(30 2 * * ? *)
    owner: finance
    legalBasis: contract
    sentence: We keep it.
  - class: receipts
    promise: P1Y
    keep: P1Y
    anchor: payment
    schedule: cron(30 3 * * ? *)
    owner: finance
    legalBasis: contract
    sentence: We keep it.
  - a line of text
policies: []
`))
	if got != nil {
		t.Error("a policy with mistakes was returned")
	}
	want := []string{
		"line 2: class: must be up to 30 lower-case letters, digits and hyphens, a letter first",
		"line 2: sentence is missing",
		`line 4: keep: "P06M": not a period like P6M, P2Y or P90D`,
		"line 5: keep is here twice, first on line 4",
		"line 6: anchor: must be text",
		`line 7: zone: "Europe/Olso" is no zone of the IANA database`,
		"line 8: schedule: must be once a day, like cron(30 3 * * ? *)",
		"line 9: owner: must be text: write it in quotation marks",
		"line 10: legalBasis: must be text",
		"line 11: purge is not a field here",
		`line 12: idle: "P0D": not a period like P6M, P2Y or P90D`,
		"line 15: keep: P7M may be longer than the promise, P6M",
		"line 17: schedule: must be at 03:30 or later",
		"line 21: class: receipts is here twice",
		"line 23: keep: with 7 days in backups, P1Y may outlast the promise, P1Y: keep less, or say in backupAcknowledged who accepted that",
		"line 29: must be a mapping, field: value",
		"line 30: policies is not a field here",
	}
	if diff := cmp.Diff(want, mistakes(t, err)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestPolicyRefusesEveryInvalidPeriod(t *testing.T) {
	for _, s := range readVectors[string](t, "refused-periods.json") {
		for _, field := range []string{"promise", "keep", "idle"} {
			if strings.TrimSpace(s) != s {
				continue // YAML itself drops the space; ParsePeriod refuses it
			}
			_, err := retention.LoadPolicy([]byte(file(map[string]string{field: field + `: "` + s + `"`})))
			if got := mistakes(t, err); len(got) != 1 || !strings.Contains(got[0], field) {
				t.Errorf("%s %q: %q", field, s, got)
			}
		}
	}
}

func TestPeriodsStayWithinTheBoundsOfTheClass(t *testing.T) {
	const ack = "\n    backupAcknowledged: me"
	for _, c := range []struct {
		class, promise, keep string
		want                 string // part of the one mistake; "" = accepted
	}{
		{"communication", "P6M", "P6M", ""},
		{"communication", "P6M", "P1M", ""},
		{"communication", "P181D", "P181D", ""},
		{"communication", "P6M", "P30D", "keep: P30D may be shorter than P1M"},
		{"communication", "P6M", "P31D", ""},
		{"communication", "P7M", "P6M", "promise: P7M may be longer than P6M"},
		{"messaging", "P2Y", "P24M", ""},
		{"messaging", "P25M", "P2Y", "promise: P25M may be longer than P2Y"},
		{"messaging", "P2Y", "P27D", "keep: P27D may be shorter than P1M"},
		{"contact", "P5Y", "P60M", ""},
		{"contact", "P6Y", "P5Y", "promise: P6Y may be longer than P5Y"},
		{"service", "P5Y", "P5Y", ""},
		{"service", "P61M", "P5Y", "promise: P61M may be longer than P5Y"},
		{"invoices", "P10Y", "P30D", ""},
		{"invoices", "P10Y", "P29D", "keep: P29D may be shorter than P30D"},
		{"invoices", "P10Y", "P1M", "keep: P1M may be shorter than P30D"},
		{"invoices", "P2M", "P3M", "keep: P3M may be longer than the promise, P2M"},
		{"invoices", "P24M", "P2Y", ""},
		{"invoices", "P6M", "P182D", "keep: P182D may be longer than the promise, P6M"},
	} {
		t.Run(c.class+" "+c.keep+" of "+c.promise, func(t *testing.T) {
			_, err := retention.LoadPolicy([]byte(file(map[string]string{
				"class": "class: " + c.class + ack, "promise": "promise: " + c.promise, "keep": "keep: " + c.keep,
			})))
			got := mistakes(t, err)
			switch {
			case c.want == "" && got != nil:
				t.Errorf("refused: %q", got)
			case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestBackupsBeyondThePromiseNeedAcknowledgement(t *testing.T) {
	for _, c := range []struct {
		promise, keep string
		needed        bool
	}{
		{"P1Y", "P1Y", true},
		{"P1Y", "P12M", true},
		{"P1Y", "P11M", false},
		{"P100D", "P94D", true},
		{"P100D", "P93D", false},
		{"P6M", "P174D", false},
		{"P6M", "P175D", true},
	} {
		periods := map[string]string{"promise": "promise: " + c.promise, "keep": "keep: " + c.keep}
		_, err := retention.LoadPolicy([]byte(file(periods)))
		if (err != nil) != c.needed {
			t.Errorf("%s of %s: needed %v, got %v", c.keep, c.promise, c.needed, err)
		}
		periods["keep"] += "\n    backupAcknowledged: the board"
		load(t, file(periods))
	}
}

func TestScheduleIsDailyAndNeverSkipped(t *testing.T) {
	for _, c := range []struct{ schedule, zone, want string }{
		{"cron(30 3 * * ? *)", "Europe/Oslo", ""},
		{"cron(0 4 * * ? *)", "UTC", ""},
		{"cron(59 23 * * ? *)", "Europe/Oslo", ""},
		{"cron(29 3 * * ? *)", "Europe/Oslo", "03:30 or later"},
		{"cron(30 3 * * ? *)", "Europe/Vilnius", "the clocks of Europe/Vilnius skip 03:30 on 2020-03-29"},
		{"cron(0 3 * * ? *)", "Europe/Vilnius", "03:30 or later"},
		{"cron(0 4 * * ? *)", "Europe/Vilnius", ""},
		{"cron(30 3 * * ? *)", "Australia/Lord_Howe", ""},
		{"cron(60 3 * * ? *)", "UTC", "once a day"},
		{"cron(30 24 * * ? *)", "UTC", "once a day"},
		{"cron(030 3 * * ? *)", "UTC", "once a day"},
		{"cron(30 3 ? * MON *)", "UTC", "once a day"},
		{"cron(30 */4 * * ? *)", "UTC", "once a day"},
		{"cron(30 3 * * * *)", "UTC", "once a day"},
		{"30 3 * * *", "UTC", "once a day"},
		{"cron(30 4 * * ? *)", "Local", "no zone"},
		{"cron(30 4 * * ? *)", "+01:00", "no zone"},
		{"cron(30 4 * * ? *)", "../etc/localtime", "no zone"},
	} {
		_, err := retention.LoadPolicy([]byte(file(map[string]string{
			"schedule": `schedule: "` + c.schedule + `"`, "zone": `zone: "` + c.zone + `"`,
		})))
		got := mistakes(t, err)
		switch {
		case c.want == "" && got != nil:
			t.Errorf("%s in %s refused: %q", c.schedule, c.zone, got)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
			t.Errorf("%s in %s: got %q, want %q", c.schedule, c.zone, got, c.want)
		}
	}
}

func FuzzLoadPolicy(f *testing.F) {
	f.Add([]byte(file(nil)))
	f.Add([]byte("classes: &a [*a]"))
	f.Add([]byte("classes:\n- <<: {class: x}\n  ? a\n  : b\n"))
	f.Add([]byte("classes: !!map\n---\n- x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := retention.LoadPolicy(data)
		if (p == nil) != (err != nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if err != nil && len(mistakes(t, err)) == 0 {
			t.Fatal("refused without a mistake")
		}
	})
}
