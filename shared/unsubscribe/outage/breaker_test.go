package outage_test

import (
	"testing"
	"time"

	"stille/shared/clocktest"
	"stille/shared/unsubscribe/outage"
)

func TestTimedOutStoreRestsAndIsTriedAgain(t *testing.T) {
	var b outage.Breaker
	start := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for n, step := range []struct {
		second           float64
		rests            bool // before the call
		called, timedOut bool
	}{
		{0, false, true, true}, {1, false, true, true}, {2, false, true, false}, // two time-outs, and an answer
		{3, false, true, true}, {4, false, true, true}, {5, false, true, true},
		{6, true, false, false}, {9.9, true, false, false},
		{10, false, true, true}, // the trial
		{11, true, false, false}, {14.9, true, false, false},
		{15, false, true, false}, {15.1, false, true, true}, {15.2, false, false, false},
	} {
		now := start.Add(time.Duration(step.second * float64(time.Second)))
		if got := b.Rests(now); got != step.rests {
			t.Errorf("step %d: rests %v", n, got)
		}
		if step.called {
			b.Called(step.timedOut, now)
		}
	}
}

func TestClockThatIsSetBackEndsARest(t *testing.T) {
	var b outage.Breaker
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for range 3 {
		b.Called(true, now)
	}
	if !b.Rests(now) || b.Rests(now.Add(-time.Second)) {
		t.Error("the store rests for as long as the clock was set back")
	}
}

func TestRestEndsWhileAContainerIsFrozen(t *testing.T) {
	var b outage.Breaker
	now := time.Now()
	for range 3 {
		b.Called(true, now)
	}
	if !b.Rests(now) || b.Rests(clocktest.Thawed(t, now, time.Minute)) {
		t.Error("the store rests for as long as the container was frozen")
	}
}
