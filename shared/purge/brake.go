package purge

import (
	"fmt"
	"slices"
	"time"
)

// The limits at which the brake halts a run before its first deletion. A
// mistake with up to fewHalted records can be survived, and a small class may
// be due as a whole.
const (
	fewHalted     = 1000 // records
	shareHalted   = 5    // a fifth of the class
	medianOf      = 14   // completed runs: two weeks of nights
	timesTheUsual = 3
)

// The limits on the difference between the clock and other times.
const (
	clockSkew    = 5 * time.Minute     // between two correct clocks
	latestStart  = 26 * time.Hour      // after its schedule: the scheduler retries for six hours
	longestPause = 31 * 24 * time.Hour // between two runs: after a longer pause a person must look at the class
)

// Brake is what a run is checked against before it may delete.
type Brake struct {
	Going  int   // records that would be deleted: due, and neither held nor failing
	Size   int   // records of the class, as last counted by the store
	Before []int // numbers of records that completed runs deleted, the newest first, without the nights of a backlog

	Now          time.Time // our clock
	StoreClock   time.Time // the store's clock
	ScheduledFor time.Time // zero for a run without a schedule
	LastEnded    time.Time // the newest end of a run of the class; zero before the first
}

// Amount lists what is implausible about the number of records that would be
// deleted. Without an objection it is empty.
func (b Brake) Amount() []string {
	if b.Going <= fewHalted {
		return nil
	}
	var reasons []string
	if b.Going*shareHalted > b.Size {
		reasons = append(reasons, fmt.Sprintf("%d of about %d records would be deleted, more than a fifth", b.Going, b.Size))
	}
	if usual, known := b.median(); known && b.Going > timesTheUsual*usual {
		reasons = append(reasons, fmt.Sprintf("%d records would be deleted, more than %d times the usual %d", b.Going, timesTheUsual, usual))
	}
	return reasons
}

// median is the median number of records that completed runs deleted; false before
// the first completed run.
func (b Brake) median() (usual int, known bool) {
	newest := slices.Sorted(slices.Values(b.Before[:min(len(b.Before), medianOf)]))
	if len(newest) == 0 {
		return 0, false
	}
	return newest[len(newest)/2], true
}

// Clock lists what is implausible about the clock. Without an objection it is
// empty. By a clock that is years ahead, every record would be due.
func (b Brake) Clock() []string {
	var reasons []string
	check := func(wrong bool, what string) {
		if wrong {
			reasons = append(reasons, what)
		}
	}
	check(b.Now.Sub(b.StoreClock).Abs() > clockSkew, "the clock and the store's differ by over five minutes")
	if !b.ScheduledFor.IsZero() {
		check(b.ScheduledFor.Sub(b.Now) > clockSkew, "the run was scheduled for later")
		check(b.Now.Sub(b.ScheduledFor) > latestStart, "the run was scheduled for over 26 hours ago")
	}
	if !b.LastEnded.IsZero() {
		check(b.LastEnded.Sub(b.Now) > clockSkew, "the run before ended later than now")
		check(b.Now.Sub(b.LastEnded) > longestPause, "the run before ended over 31 days ago")
	}
	return reasons
}

// The growth that an approval covers in each shard: late opt-outs go on.
const (
	grownPart = 100 // a hundredth of what was approved
	grownFew  = 10  // records
)

// ShardsGrown reports whether any shard of the newer count holds more than an
// approval covers.
func ShardsGrown(approved, counted []int) bool {
	for n, count := range counted {
		if n >= len(approved) || count > approved[n]+max(grownFew, approved[n]/grownPart) {
			return true
		}
	}
	return false
}
