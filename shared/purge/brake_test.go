package purge_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/purge"
)

func TestBrakeHaltsImplausibleAmounts(t *testing.T) {
	share := func(due, size string) string {
		return due + " of about " + size + " records would be deleted, more than a fifth"
	}
	for what, c := range map[string]struct {
		brake purge.Brake
		want  []string
	}{
		"nothing is due":                              {purge.Brake{}, nil},
		"a thousand, all of the class":                {purge.Brake{Going: 1000, Size: 1000}, nil},
		"one more, all of the class":                  {purge.Brake{Going: 1001, Size: 1001}, []string{share("1001", "1001")}},
		"exactly a fifth":                             {purge.Brake{Going: 2000, Size: 10000}, nil},
		"one more than a fifth":                       {purge.Brake{Going: 2001, Size: 10000}, []string{share("2001", "10000")}},
		"a class whose size the store does not know":  {purge.Brake{Going: 1001}, []string{share("1001", "0")}},
		"three times the usual":                       {purge.Brake{Going: 1500, Size: 1e6, Before: []int{500, 500, 500}}, nil},
		"more than three times the usual":             {purge.Brake{Going: 1501, Size: 1e6, Before: []int{500, 1, 9000}}, []string{"1501 records would be deleted, more than 3 times the usual 500"}},
		"more than three times a usual of nothing":    {purge.Brake{Going: 1001, Size: 1e6, Before: []int{0, 0}}, []string{"1001 records would be deleted, more than 3 times the usual 0"}},
		"few, though more than three times the usual": {purge.Brake{Going: 1000, Size: 1e6, Before: []int{1}}, nil},
		"only the last fourteen runs count": {purge.Brake{Going: 1501, Size: 1e6, Before: []int{
			600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 600, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}, nil},
		"both": {purge.Brake{Going: 5000, Size: 6000, Before: []int{10}},
			[]string{share("5000", "6000"), "5000 records would be deleted, more than 3 times the usual 10"}},
	} {
		if diff := cmp.Diff(c.want, c.brake.Amount()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestBrakeHaltsImplausibleClocks(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	const skew, minute, day = 5 * time.Minute, time.Minute, 24 * time.Hour
	for what, c := range map[string]struct {
		brake purge.Brake
		want  []string
	}{
		"a first run by hand":                    {purge.Brake{StoreClock: now}, nil},
		"the store's clock a little off":         {purge.Brake{StoreClock: now.Add(skew)}, nil},
		"ten years ahead of the store":           {purge.Brake{StoreClock: now.AddDate(-10, 0, 0)}, []string{"the clock and the store's differ by over five minutes"}},
		"ten years behind the store":             {purge.Brake{StoreClock: now.AddDate(10, 0, 0)}, []string{"the clock and the store's differ by over five minutes"}},
		"a store that does not tell the time":    {purge.Brake{}, []string{"the clock and the store's differ by over five minutes"}},
		"scheduled for now":                      {purge.Brake{StoreClock: now, ScheduledFor: now}, nil},
		"scheduled for a little later":           {purge.Brake{StoreClock: now, ScheduledFor: now.Add(skew)}, nil},
		"scheduled for tomorrow":                 {purge.Brake{StoreClock: now, ScheduledFor: now.Add(day)}, []string{"the run was scheduled for later"}},
		"scheduled for yesterday, 26 hours ago":  {purge.Brake{StoreClock: now, ScheduledFor: now.Add(-26 * time.Hour)}, nil},
		"scheduled for a minute longer ago":      {purge.Brake{StoreClock: now, ScheduledFor: now.Add(-26*time.Hour - minute)}, []string{"the run was scheduled for over 26 hours ago"}},
		"the run before ended last night":        {purge.Brake{StoreClock: now, LastEnded: now.Add(-day)}, nil},
		"the run before ended a month ago":       {purge.Brake{StoreClock: now, LastEnded: now.Add(-31 * day)}, nil},
		"the run before ended more than a month": {purge.Brake{StoreClock: now, LastEnded: now.Add(-31*day - minute)}, []string{"the run before ended over 31 days ago"}},
		"the run before ends a little later":     {purge.Brake{StoreClock: now, LastEnded: now.Add(skew)}, nil},
		"the run before ends tomorrow":           {purge.Brake{StoreClock: now, LastEnded: now.Add(day)}, []string{"the run before ended later than now"}},
	} {
		c.brake.Now = now
		if diff := cmp.Diff(c.want, c.brake.Clock()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

func TestApprovalCoversLittleGrowthOfShard(t *testing.T) {
	for what, c := range map[string]struct {
		approved, counted []int
		grown             bool
	}{
		"the same":                           {[]int{1, 2}, []int{1, 2}, false},
		"less":                               {[]int{1, 2}, []int{0, 2}, false},
		"one more":                           {[]int{1, 2}, []int{1, 3}, false},
		"ten more":                           {[]int{1, 2}, []int{11, 12}, false},
		"eleven more in one shard":           {[]int{1, 2}, []int{1, 13}, true},
		"ten more of 999":                    {[]int{999}, []int{1009}, false},
		"a hundredth more":                   {[]int{5000}, []int{5050}, false},
		"more than a hundredth":              {[]int{5000}, []int{5051}, true},
		"more than a hundredth, rounded":     {[]int{5099}, []int{5150}, true},
		"a plan that lost its counts":        {nil, []int{0}, true},
		"nothing where nothing was due":      {[]int{0, 0}, []int{0, 0}, false},
		"ten more where nothing was due":     {[]int{0, 0}, []int{0, 10}, false},
		"a shard that the plan did not have": {[]int{0}, []int{0, 0}, true},
	} {
		if got := purge.ShardsGrown(c.approved, c.counted); got != c.grown {
			t.Errorf("%s: %v", what, got)
		}
	}
}
