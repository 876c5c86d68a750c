package main

import (
	"strings"
	"testing"
)

func TestTallyCountsEachLeafOnce(t *testing.T) {
	tests := []struct {
		name   string
		events string
		want   counts
		says   string // part of the output
		exit   int
	}{
		{
			name:   "a test that passes",
			events: `{"Action":"run","Package":"p","Test":"TestA"} {"Action":"pass","Package":"p","Test":"TestA"} {"Action":"pass","Package":"p"}`,
			want:   counts{passed: 1},
			says:   "✓  p",
		},
		{
			name:   "a test counts as its subtests",
			events: `{"Action":"pass","Package":"p","Test":"TestA/x/y"} {"Action":"pass","Package":"p","Test":"TestA/x"} {"Action":"pass","Package":"p","Test":"TestA/z"} {"Action":"pass","Package":"p","Test":"TestA"} {"Action":"pass","Package":"p"}`,
			want:   counts{passed: 2},
		},
		{
			name:   "a failure shows what the test said",
			events: `{"Action":"output","Package":"p","Test":"TestA/x","Output":"want 1\n"} {"Action":"fail","Package":"p","Test":"TestA/x"} {"Action":"fail","Package":"p","Test":"TestA"} {"Action":"fail","Package":"p"}`,
			want:   counts{failed: 1},
			says:   "want 1",
			exit:   1,
		},
		{
			name:   "a test that fails after its subtests passed",
			events: `{"Action":"pass","Package":"p","Test":"TestA/x"} {"Action":"fail","Package":"p","Test":"TestA"} {"Action":"fail","Package":"p"}`,
			want:   counts{passed: 1, failed: 1},
			exit:   1,
		},
		{
			name:   "a package that does not build",
			events: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"undefined: x\n"} {"ImportPath":"p [p.test]","Action":"build-fail"} {"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}`,
			want:   counts{failed: 1},
			says:   "undefined: x",
			exit:   1,
		},
		{
			name:   "a package that ends before its first test",
			events: `{"Action":"output","Package":"p","Output":"no stack\n"} {"Action":"fail","Package":"p"}`,
			want:   counts{failed: 1},
			says:   "no stack",
			exit:   1,
		},
		{
			name:   "a package that fails after its tests passed",
			events: `{"Action":"pass","Package":"p","Test":"TestA"} {"Action":"fail","Package":"p"}`,
			want:   counts{passed: 1, failed: 1},
			exit:   1,
		},
		{
			name:   "a skipped test is named",
			events: `{"Action":"pass","Package":"p","Test":"TestA"} {"Action":"skip","Package":"p","Test":"TestB"} {"Action":"pass","Package":"p"}`,
			want:   counts{passed: 1, skipped: 1},
			says:   "=== SKIP: p TestB",
		},
		{
			name:   "a run without a test fails",
			events: `{"Action":"skip","Package":"p"}`,
			exit:   1,
		},
		{
			name:   "a line that is no event is shown",
			events: `warning from elsewhere`,
			says:   "warning from elsewhere",
			exit:   1,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			got, err := tally(strings.NewReader(strings.ReplaceAll(test.events, "} {", "}\n{")+"\n"), &out)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("counted %s, want %s", got, test.want)
			}
			if !strings.Contains(out.String(), test.says) {
				t.Errorf("said %q, want %q in it", &out, test.says)
			}
			if code := got.exitCode(); code != test.exit {
				t.Errorf("ends with %d, want %d", code, test.exit)
			}
		})
	}
}
