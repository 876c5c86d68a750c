package main

import "testing"

func TestStopFromNumberOfAnyLengthIsTaken(t *testing.T) {
	for _, from := range []string{"+47912345678", "+4712", "+15550123"} {
		w := newWorld(t)
		m := w.reply("1", "STOP")
		m.from = from
		w.hear(t, m)
		if got := w.entries(); len(got) != 1 {
			t.Errorf("ledger %q, want one STOP", got)
		}
	}
}
