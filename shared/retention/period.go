// Package retention decides when a record must be gone. It promises the day: a
// record kept through the same date a period later is due from the first
// instant after that date, in the policy's zone, never earlier. The cutoff of a
// query and the check of a single record always agree. The package reads the
// policy (retention.yaml). It refuses a policy that contradicts its own
// promises, and names every mistake.
//
// It does not guess: a record without a start is running, and a start before
// 2000 or over a day ahead is a mistake to report, not a date to delete by.
package retention

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrPeriod is the error for a text that ParsePeriod does not accept.
var ErrPeriod = errors.New("not a period like P6M, P2Y or P90D")

// Period is a length of time as a policy states it: a whole, positive number
// of years, months or days. Its length in hours depends on where it starts.
// The zero Period is no period; ParsePeriod makes them.
type Period struct {
	n    int
	unit byte // 'Y', 'M' or 'D'
}

// longestYears bounds every period, in any unit.
const longestYears = 100

// ParsePeriod reads an ISO 8601 duration of one unit: PnY, PnM or PnD, with n
// whole, positive, without a leading zero, and no longer than a hundred years.
// Anything else is an error that wraps ErrPeriod.
func ParsePeriod(s string) (Period, error) {
	if len(s) < 3 || s[0] != 'P' {
		return Period{}, fmt.Errorf("%q: %w", s, ErrPeriod)
	}
	digits, unit := s[1:len(s)-1], s[len(s)-1]
	longest := map[byte]int{'Y': longestYears, 'M': 12 * longestYears, 'D': 365 * longestYears}[unit]
	n, err := strconv.Atoi(digits)
	switch {
	case longest == 0, digits[0] < '1', digits[0] > '9':
		return Period{}, fmt.Errorf("%q: %w", s, ErrPeriod)
	case errors.Is(err, strconv.ErrRange), err == nil && n > longest:
		return Period{}, fmt.Errorf("%q: longer than %d years: %w", s, longestYears, ErrPeriod)
	case err != nil:
		return Period{}, fmt.Errorf("%q: %w", s, ErrPeriod)
	}
	return Period{n, unit}, nil
}

// String is the period as ParsePeriod reads it.
func (p Period) String() string {
	return "P" + strconv.Itoa(p.n) + string(p.unit)
}

// MayOutlast reports whether, for any start, p ends on a later date than q.
// Months and years compare exactly (P24M and P2Y are equal). Days against
// months compare by the worst start: P181D never outlasts P6M, P182D may (from
// 31 August to 28 February there are 181 days), and P6M may outlast P183D.
func (p Period) MayOutlast(q Period) bool { return p.mayOutlast(q, 0) }

// mayOutlast is MayOutlast for p and moreDays more days. moreDays must be fewer
// than the days of a month.
func (p Period) mayOutlast(q Period, moreDays int) bool {
	if p.unit != 'D' && q.unit != 'D' {
		if pm, qm := p.months(), q.months(); pm != qm {
			return pm > qm
		}
		return moreDays > 0
	}
	_, longest := p.days()
	shortest, _ := q.days()
	return longest+moreDays > shortest
}

func (p Period) months() int {
	if p.unit == 'Y' {
		return 12 * p.n
	}
	return p.n
}

// days returns the least and the greatest number of days that the period can
// span, over the 400 years after which the calendar repeats. In every month the
// span is greatest from the first day and least from the last day, where the
// end may be clamped.
func (p Period) days() (shortest, longest int) {
	if p.unit == 'D' {
		return p.n, p.n
	}
	for month := range 400 * 12 {
		first := newDay(2000, time.Month(month+1), 1)
		last := newDay(2000, time.Month(month+2), 0)
		longest = max(longest, first.add(p).number()-first.number())
		span := last.add(p).number() - last.number()
		if shortest == 0 || span < shortest {
			shortest = span
		}
	}
	return shortest, longest
}
