package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlansMatchTheLibrarysEdition(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "..", "shared", "contact", "numbering", "plans.go"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("run `go generate ./shared/contact/numbering`: %.2000s", diff)
	}
}

func TestTheFirstDigitsOfAPatternAreFound(t *testing.T) {
	for pattern, want := range map[string]string{
		"0":                        "0",
		"011":                      "0",
		"[2-4]9|81":                "2348",
		`([457]\d{6})$|1`:          "1457",
		"0?(?:11|2)15|0":           "012",
		"(?:0(?:0|1))?":            "0123456789",
		"00|8(?:[02-7]|10)?~?(10)": "08",
	} {
		got, err := literalStarts(pattern)
		if err != nil || got != want {
			t.Errorf("%s: got %q (%v), want %q", pattern, got, err, want)
		}
	}
}
