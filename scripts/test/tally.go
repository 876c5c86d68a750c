package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// An event is one line of `go test -json` (cmd/test2json, cmd/go's
// buildjson).
type event struct {
	Action      string
	Package     string
	Test        string
	Output      string
	Elapsed     float64 // seconds
	ImportPath  string  // of a build event
	FailedBuild string  // what could not be built, where a package failed for that
}

// counts are what the last line says. A test with subtests counts as these; a
// package that failed outside of its tests, or was not built, as one failure.
type counts struct{ passed, failed, skipped int }

func (c counts) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// exitCode is 0 only if there was something to pass and all of it did.
func (c counts) exitCode() int {
	if c.failed > 0 || c.passed == 0 {
		return 1
	}
	return 0
}

// A running package or test, until it ends.
type running struct {
	output   strings.Builder
	subtests counts // of a package: its tests
}

type tallier struct {
	out      io.Writer
	total    counts
	packages map[string]*running
	tests    map[[2]string]*running // package, test
	builds   map[string]*strings.Builder
}

// tally reads the events to their end and writes a line for each package, and
// all there is to know about each failure as soon as it is known.
func tally(events io.Reader, out io.Writer) (counts, error) {
	t := &tallier{
		out:      out,
		packages: make(map[string]*running),
		tests:    make(map[[2]string]*running),
		builds:   make(map[string]*strings.Builder),
	}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			t.line(line)
		}
		if errors.Is(err, io.EOF) {
			return t.total, nil
		}
		if err != nil {
			return t.total, fmt.Errorf("reading the tests' events: %w", err)
		}
	}
}

func (t *tallier) line(line []byte) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		fmt.Fprintf(t.out, "%s", line) // not an event: a test wrote past the testing package
		return
	}
	switch e.Action {
	case "build-output":
		found, ok := t.builds[e.ImportPath]
		if !ok {
			found = new(strings.Builder)
			t.builds[e.ImportPath] = found
		}
		found.WriteString(e.Output)
	case "output":
		t.of(e).output.WriteString(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			t.packageEnded(e)
		} else {
			t.testEnded(e)
		}
	}
}

// of is the package or test that an event tells about.
func (t *tallier) of(e event) *running {
	if e.Test == "" {
		return entry(t.packages, e.Package)
	}
	return entry(t.tests, [2]string{e.Package, e.Test})
}

func entry[K comparable](all map[K]*running, key K) *running {
	if all[key] == nil {
		all[key] = new(running)
	}
	return all[key]
}

func (t *tallier) testEnded(e event) {
	ended := t.of(e)
	delete(t.tests, [2]string{e.Package, e.Test})
	one := counts{}
	switch {
	case ended.subtests.failed > 0, e.Action == "pass" && ended.subtests != counts{}:
		// Its subtests were counted.
	case e.Action == "fail":
		one.failed = 1
	case e.Action == "skip":
		one.skipped = 1
	default:
		one.passed = 1
	}
	t.count(e.Package, e.Test, one)
	// A parent whose subtests were told about has mostly nothing to add.
	if said := indent(ended.output.String()); e.Action == "fail" && (said != "" || one.failed > 0) {
		fmt.Fprintf(t.out, "FAIL  %s %s\n%s", e.Package, e.Test, said)
	}
	if e.Action == "skip" {
		fmt.Fprintf(t.out, "skip  %s %s\n", e.Package, e.Test)
	}
}

// count adds to the total, and to whatever contains the test.
func (t *tallier) count(pkg, test string, one counts) {
	t.total.add(one)
	entry(t.packages, pkg).subtests.add(one)
	for i := strings.LastIndexByte(test, '/'); i >= 0; i = strings.LastIndexByte(test, '/') {
		test = test[:i]
		entry(t.tests, [2]string{pkg, test}).subtests.add(one)
	}
}

func (t *tallier) packageEnded(e event) {
	ended := t.of(e)
	if e.Action == "fail" && ended.subtests.failed == 0 {
		t.total.failed++
		fmt.Fprintf(t.out, "FAIL  %s\n", e.Package)
		if build := t.builds[e.FailedBuild]; build != nil {
			fmt.Fprint(t.out, indent(build.String()))
		}
		fmt.Fprint(t.out, indent(ended.output.String()))
		return
	}
	if ended.subtests == (counts{}) {
		return // it has no tests
	}
	word := "ok   "
	if e.Action == "fail" {
		word = "FAIL "
	}
	fmt.Fprintf(t.out, "%s %s: %s (%.1f s)\n", word, e.Package, ended.subtests, e.Elapsed)
}

func (c *counts) add(d counts) {
	c.passed += d.passed
	c.failed += d.failed
	c.skipped += d.skipped
}

// indent leaves out the lines with which the go command frames a test.
func indent(output string) string {
	var b strings.Builder
	for line := range strings.Lines(output) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "=== ") || strings.HasPrefix(trimmed, "--- ") || trimmed == "FAIL" || trimmed == "" {
			continue
		}
		b.WriteString("      " + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}
