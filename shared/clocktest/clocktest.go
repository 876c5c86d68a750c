// Package clocktest makes the times of a container that Lambda froze.
package clocktest

import (
	"testing"
	"time"
	"unsafe"
)

// Thawed returns the time d after now for a container that was frozen meanwhile: the
// wall clock went on, and the monotonic clock stood still. now must come from
// time.Now.
func Thawed(t *testing.T, now time.Time, d time.Duration) time.Time {
	t.Helper()
	type clocks struct { // as package time lays them out
		_         uint64
		monotonic int64
		_         *time.Location
	}
	later := now.Add(d)
	(*clocks)(unsafe.Pointer(&later)).monotonic = (*clocks)(unsafe.Pointer(&now)).monotonic //nolint:gosec // package time has no other way
	if later.Sub(now) != 0 || later.Round(0).Sub(now.Round(0)) != d {
		t.Fatal("package time keeps its clocks in another way")
	}
	return later
}
