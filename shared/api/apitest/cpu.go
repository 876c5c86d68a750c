package apitest

import (
	"syscall"
	"testing"
	"time"
)

// CPU runs a benchmark's operations and reports the processor time of one, garbage
// collection included, beside the elapsed time.
func CPU(b *testing.B, operations func()) {
	b.Helper()
	before := processor(b)
	operations()
	b.ReportMetric(float64(processor(b)-before)/float64(b.N), "cpu-ns/op")
}

// processor is the processor time that this process has used.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
