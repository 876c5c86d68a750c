package operator

import (
	"math/bits"
	"time"
)

// ClickTimes is how long it took from a click on a link until the opt-out stood in
// the suppression list. A time is rounded up, by less than
// half of it.
type ClickTimes struct {
	Clicks       int   `json:"clicks"`
	MedianMillis int64 `json:"medianMillis"`
	P95Millis    int64 `json:"p95Millis"`
	MostMillis   int64 `json:"mostMillis"`
	OverAMinute  int   `json:"overAMinute"` // waited while the store was out of reach
}

// clickTimes counts times in ranges, two a power of two: its size does not depend on
// how many there are.
type clickTimes struct {
	ranges      [128]int
	count, late int
	most        time.Duration
}

func (c *clickTimes) add(d time.Duration) {
	d = max(d, 0)
	c.count++
	c.most = max(c.most, d)
	if d > time.Minute {
		c.late++
	}
	c.ranges[rangeOf(uint64(d.Milliseconds()))]++ //nolint:gosec // not negative
}

// rangeOf is the range of a number of milliseconds.
func rangeOf(millis uint64) int {
	n := bits.Len64(millis)
	if n < 2 {
		return n
	}
	return 2*n - 2 + int(millis>>(n-2)&1) //nolint:gosec // one bit
}

// endOf is the largest number of a range.
func endOf(r int) int64 {
	if r < 2 {
		return int64(r)
	}
	n, upper := r/2+1, r%2
	return int64(2+upper+1)<<(n-2) - 1
}

// summary is nil where nothing was counted.
func (c *clickTimes) summary() *ClickTimes {
	if c.count == 0 {
		return nil
	}
	at := func(part float64) int64 {
		seen := 0
		for r, n := range c.ranges {
			if seen += n; float64(seen) >= part*float64(c.count) {
				return min(endOf(r), c.most.Milliseconds())
			}
		}
		return c.most.Milliseconds()
	}
	return &ClickTimes{c.count, at(0.5), at(0.95), c.most.Milliseconds(), c.late}
}
