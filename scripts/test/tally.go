package main

import (
	"fmt"
	"io"

	"gotest.tools/gotestsum/testjson"
)

// counts are the results in the last line. A test with subtests counts as its
// subtests. A package that failed outside of its tests, or did not compile,
// counts as one failure.
type counts struct{ passed, failed, skipped int }

func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// exitCode is 0 only if a test passed and none failed.
func (c counts) exitCode() int {
	if c.failed > 0 || c.passed == 0 {
		return 1
	}
	return 0
}

// printer prints a line for each package, and each failure at once.
type printer struct {
	testjson.EventFormatter
	out io.Writer
}

func (p printer) Event(event testjson.TestEvent, run *testjson.Execution) error {
	return p.Format(event, run)
}

// Err prints a line that is no event: a test wrote past the testing package.
func (p printer) Err(line string) error {
	_, err := fmt.Fprintln(p.out, line)
	return err
}

// tally reads the events of `go test -json`, prints them and the failures once
// more at the end, and counts the results.
func tally(events io.Reader, out io.Writer) (counts, error) {
	options := testjson.FormatOptions{HideEmptyPackages: true}
	run, err := testjson.ScanTestOutput(testjson.ScanConfig{
		Stdout: events, IgnoreNonJSONOutputLines: true,
		Handler: printer{testjson.NewEventFormatter(out, "pkgname-and-test-fails", options), out},
	})
	if err != nil {
		return counts{}, fmt.Errorf("reading the tests' events: %w", err)
	}
	testjson.PrintSummary(out, run, testjson.SummarizeAll)
	return count(run), nil
}

func count(run *testjson.Execution) counts {
	counted := counts{failed: len(testjson.FilterFailedUnique(run.Failed()))}
	for _, name := range run.Packages() {
		pkg := run.Package(name)
		parents := make(map[string]bool)
		for _, test := range pkg.TestCases() {
			parents[test.Test.Parent()] = true
		}
		for _, test := range pkg.Passed {
			if !parents[test.Test.Name()] {
				counted.passed++
			}
		}
		for _, test := range pkg.Skipped {
			if !parents[test.Test.Name()] {
				counted.skipped++
			}
		}
	}
	return counted
}
