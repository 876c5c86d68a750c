//go:build stack

package main

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"stille/shared/names"
)

// renew makes TestStoryIsTrueEveryTime write the numbers of the dashboard's picture.
var renew = flag.Bool("renew-numbers", false, "write the numbers of the dashboard's picture")

// picturedNumbers is what infra draws: a metric and its dimension's value, and a number.
const picturedNumbers = "../../infra/testdata/story.json"

// expectPicturedNumbers fails if the story that began then does not emit every metric
// of the dashboard's picture. The numbers may differ: other tests use the stack too.
func (s *story) expectPicturedNumbers(t *testing.T, began time.Time) {
	t.Helper()
	var numbers map[string]float64
	if !*renew {
		file, err := os.ReadFile(picturedNumbers)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(file, &numbers); err != nil {
			t.Fatal(err)
		}
	}
	var emitted map[string]float64
	for range 30 { // what follows a change is logged a moment later
		emitted = s.readMetrics(t, began)
		maps.DeleteFunc(numbers, func(name string, _ float64) bool { _, there := emitted[name]; return there })
		if !*renew && len(numbers) == 0 {
			return
		}
		time.Sleep(time.Second)
	}
	if !*renew {
		t.Errorf("the dashboard's picture has %v, the story emitted only %v", numbers, emitted)
		return
	}
	file, err := json.MarshalIndent(emitted, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(picturedNumbers, append(file, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readMetrics returns the metrics since began, each by its name and its dimension's value:
// opt-outs added up, the greatest of anything else.
func (s *story) readMetrics(t *testing.T, began time.Time) map[string]float64 {
	t.Helper()
	numbers := map[string]float64{}
	s.lookIntoLogs(t, func(_, text string) {
		var line map[string]json.RawMessage
		var embedded struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		}
		if json.Unmarshal([]byte(text), &line) != nil || json.Unmarshal(line["_aws"], &embedded) != nil || embedded.Timestamp < began.UnixMilli() {
			return
		}
		for _, directive := range embedded.CloudWatchMetrics {
			var value string
			if err := json.Unmarshal(line[directive.Dimensions[0][1]], &value); err != nil {
				t.Fatal(err)
			}
			for _, metric := range directive.Metrics {
				var number float64
				if err := json.Unmarshal(line[metric.Name], &number); err != nil {
					t.Fatal(err)
				}
				if name := strings.Join([]string{metric.Name, value}, " "); metric.Name == names.MetricOptOuts {
					numbers[name] += number
				} else {
					numbers[name] = max(numbers[name], number)
				}
			}
		}
	})
	return numbers
}
