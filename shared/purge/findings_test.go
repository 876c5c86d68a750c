package purge_test

import (
	"errors"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/purge"
	"stille/shared/retention"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/suppression"
)

// messaging returns the policy of the tests and its class messaging.
func messaging(t *testing.T) (*retention.Policy, retention.Class) {
	t.Helper()
	policy := retentiontest.Policy(t)
	class, _ := policy.Class(retention.Messaging)
	return policy, class
}

// lying is a stored record: attributes and their values.
func lying(t *testing.T, pairs ...string) retention.Stored {
	t.Helper()
	image := map[string]events.DynamoDBAttributeValue{"id": events.NewStringAttribute("sub-1"), "scope": events.NewStringAttribute("acme")}
	for i := 0; i < len(pairs); i += 2 {
		image[pairs[i]] = events.NewStringAttribute(pairs[i+1])
	}
	change, err := dynamo.ChangeOf(events.DynamoDBStreamRecord{NewImage: image})
	if err != nil {
		t.Fatal(err)
	}
	return change.After
}

func optedOut(reason suppression.Reason, at time.Time) suppression.Found {
	return suppression.Found{Item: suppression.Item{Marks: map[scope.Scope]map[suppression.Reason]suppression.Mark{
		"acme": {reason: {First: at, Last: at}},
	}}}
}

func TestEveryFaultOfARecordIsFound(t *testing.T) {
	_, class := messaging(t)
	const fresh, last = "2026-11-01T08:00:00Z", "2024-11-20T08:00:00Z"
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)                                            // 05:00 in Oslo
	dueFor := func(more time.Duration) time.Time { return now.Add(-retention.OverdueAfter - more) } // by its withdrawal
	withdrawn := func(at time.Time) []string {
		return []string{"withdrawnAt", retention.Sort(at), "retentionShard", "00", "occurredAt", last, "activeSort", last}
	}
	stamped := func(start string) []string {
		return []string{"retentionStart", start, "retentionSort", start, "retentionShard", "3f", "occurredAt", last}
	}
	silent := optedOut(suppression.Unsubscribed, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	for name, c := range map[string]struct {
		record []string
		listed suppression.Found
		held   bool
		want   []purge.Finding
	}{
		"a healthy record":                          {record: stamped(fresh)},
		"a running record with recent activity":     {record: []string{"lastActivityAt", fresh, "activeSort", fresh, "retentionShard", "00"}},
		"a recent running record":                   {record: []string{"occurredAt", fresh, "lastActivityAt", last, "activeSort", fresh, "retentionShard", "00"}},
		"a running record on its last idle day":     {record: []string{"occurredAt", "2026-08-24T08:00:00Z", "activeSort", "2026-08-24T08:00:00Z", "retentionShard", "00"}},
		"a running record a day longer":             {record: []string{"occurredAt", "2026-08-23T08:00:00Z", "activeSort", "2026-08-23T08:00:00Z", "retentionShard", "00"}, want: []purge.Finding{purge.NoStart}},
		"a running record without times":            {record: []string{"activeSort", "0001-01-01T00:00:00Z", "retentionShard", "00"}, want: []purge.Finding{purge.NoStart}},
		"a start before 2000":                       {record: []string{"retentionStart", "1999-12-31T23:59:59Z", "activeSort", "0001-01-01T00:00:00Z", "retentionShard", "00"}, want: []purge.Finding{purge.AbsurdStart}},
		"a start the day after tomorrow":            {record: []string{"retentionStart", "2026-11-24T08:00:00Z", "activeSort", "0001-01-01T00:00:00Z", "retentionShard", "00"}, want: []purge.Finding{purge.AbsurdStart}},
		"a stamped absurd start":                    {record: stamped("1970-01-01T00:00:00Z"), want: []purge.Finding{purge.AbsurdStart, purge.Unstamped}},
		"never stamped":                             {record: []string{"retentionStart", fresh}, want: []purge.Finding{purge.Unstamped}},
		"stamped with another start":                {record: append(stamped(fresh), "retentionSort", last), want: []purge.Finding{purge.Unstamped}},
		"a running record elsewhere in the index":   {record: []string{"occurredAt", fresh, "activeSort", last, "retentionShard", "00"}, want: []purge.Finding{purge.Unstamped}},
		"a running record stamped as started":       {record: []string{"occurredAt", fresh, "retentionSort", fresh, "retentionShard", "00"}, want: []purge.Finding{purge.Unstamped}},
		"an unknown shard":                          {record: append(stamped(fresh), "retentionShard", "40"), want: []purge.Finding{purge.Unstamped}},
		"a shard in another form":                   {record: append(stamped(fresh), "retentionShard", "3F"), want: []purge.Finding{purge.Unstamped}},
		"a withdrawal that does not sort":           {record: append(withdrawn(now), "withdrawnAt", "2026-11-22T04:00:00.5+01:00"), want: []purge.Finding{purge.Unstamped}},
		"a withdrawal that does not sort, purged":   {record: append(withdrawn(now), "withdrawnAt", "2026-11-22T04:00:00.5+01:00", "purgingBy", "run-1")},
		"opted out and withdrawn":                   {record: withdrawn(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)), listed: optedOut(suppression.Stop, time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))},
		"opted out and not withdrawn":               {record: stamped(fresh), listed: silent, want: []purge.Finding{purge.NotWithdrawn}},
		"opted out and withdrawn only later":        {record: withdrawn(now), listed: silent, want: []purge.Finding{purge.NotWithdrawn}},
		"opted out, then consented again":           {record: append(stamped(fresh), "occurredAt", "2026-11-21T09:00:00Z"), listed: silent},
		"bounced, which withdraws nothing":          {record: stamped(fresh), listed: optedOut(suppression.HardBounce, now)},
		"opted out during its purge":                {record: append(stamped(fresh), "purgingBy", "run-1"), listed: silent},
		"an unreadable suppression":                 {record: stamped(fresh), listed: suppression.Found{Err: errors.New("unreadable")}, want: []purge.Finding{purge.NotWithdrawn}},
		"an unreadable suppression, withdrawn":      {record: withdrawn(now), listed: suppression.Found{Err: errors.New("unreadable")}},
		"due for less than the limit":               {record: withdrawn(dueFor(-time.Second))},
		"due for exactly the limit":                 {record: withdrawn(dueFor(0)), want: []purge.Finding{purge.Overdue}},
		"due for longer by its start":               {record: stamped("2024-11-19T08:00:00Z"), want: []purge.Finding{purge.Overdue}},
		"due since midnight":                        {record: stamped("2024-11-21T08:00:00Z")},
		"due for longer and held":                   {record: withdrawn(dueFor(0)), held: true, want: []purge.Finding{purge.OverdueHeld}},
		"held and not due":                          {record: stamped(fresh), held: true},
		"due for longer, never stamped and no list": {record: []string{"retentionStart", last}, want: []purge.Finding{purge.Unstamped, purge.Overdue}},
		"long withdrawn, with an absurd start":      {record: append(withdrawn(dueFor(time.Hour)), "retentionStart", "1970-01-01T00:00:00Z"), want: []purge.Finding{purge.AbsurdStart, purge.Overdue}},
	} {
		got := purge.Examined{Stored: lying(t, c.record...), Listed: c.listed, Held: c.held}.Findings(class, now)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestFaultsAreFailuresOfTheSystem(t *testing.T) {
	var faults []purge.Finding
	for _, f := range purge.Every() {
		if f.Fault() {
			faults = append(faults, f)
		}
	}
	if diff := cmp.Diff([]purge.Finding{purge.Unreadable, purge.Unstamped, purge.NotWithdrawn, purge.Overdue}, faults); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
