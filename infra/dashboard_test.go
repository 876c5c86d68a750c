//go:build infra

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stille/shared/names"
)

// renew makes TestDashboardIsThePicturedOne draw the picture again.
var renew = flag.Bool("renew-pictures", false, "draw the documents' picture of the dashboard")

const dashboardPicture = "dashboard.svg"

// widget is one widget of a dashboard, as CloudWatch reads it.
type widget struct {
	X, Y, Width, Height int
	Properties          struct {
		Title   string
		Metrics [][]any
	}
}

// series is one line of a widget: its name, and where the story emits the metric
// itself, the story's number.
type series struct {
	name   string
	number float64
	known  bool
}

var metricName = regexp.MustCompile(`MetricName="(\w+)"`)

// series are what a widget shows. A search finds what the story emitted.
func (w widget) series(story map[string]float64) []series {
	var all []series
	for _, metric := range w.Properties.Metrics {
		settings, _ := metric[len(metric)-1].(map[string]any)
		if search, ok := settings["expression"].(string); ok {
			found := len(all)
			for _, name := range slices.Sorted(maps.Keys(story)) {
				if value, ok := strings.CutPrefix(name, metricName.FindStringSubmatch(search)[1]+" "); ok {
					all = append(all, series{value, story[name], true})
				}
			}
			if len(all) == found {
				all = append(all, series{name: "none in the story"})
			}
			continue
		}
		line := series{name: fmt.Sprint(settings["label"])}
		if at := slices.Index(metric, any(names.AttrClass)); at > 0 {
			line.number, line.known = story[fmt.Sprint(metric[1], " ", metric[at+1])]
		}
		all = append(all, line)
	}
	return all
}

// storysNumbers are the metrics that the story emitted when the picture's numbers were
// last renewed.
func storysNumbers(t *testing.T) map[string]float64 {
	t.Helper()
	file, err := os.ReadFile("testdata/story.json")
	if err != nil {
		t.Fatal(err)
	}
	var numbers map[string]float64
	if err := json.Unmarshal(file, &numbers); err != nil {
		t.Fatal(err)
	}
	return numbers
}

func dashboard(t *testing.T, made template) []widget {
	t.Helper()
	body := made.named("AWS::CloudWatch::Dashboard", "Properties", "DashboardBody")["dashboard"]
	var board struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(made.text(body)), &board); err != nil {
		t.Fatalf("%v in %s", err, made.text(body))
	}
	return board.Widgets
}

func TestDashboardShowsThisStackAlone(t *testing.T) {
	inBoth(t, func(t *testing.T, made template) {
		titles := map[string]bool{}
		for _, w := range dashboard(t, made) {
			titles[w.Properties.Title] = true
			if len(w.series(storysNumbers(t))) == 0 {
				t.Errorf("%s shows nothing", w.Properties.Title)
			}
			for _, metric := range w.Properties.Metrics {
				settings, _ := metric[len(metric)-1].(map[string]any)
				if search, ok := settings["expression"].(string); ok && !strings.Contains(search, `stackName="stille"`) {
					t.Errorf("%s searches every stack: %s", w.Properties.Title, search)
				}
			}
		}
		for _, title := range perClass("%s: overdue and held") {
			if !titles[title] {
				t.Errorf("there is no %q", title)
			}
		}
	})
}

func TestDashboardIsThePicturedOne(t *testing.T) {
	drawn := draw(dashboard(t, production()), storysNumbers(t))
	if *renew {
		if err := os.WriteFile(dashboardPicture, []byte(drawn), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pictured, err := os.ReadFile(dashboardPicture)
	if err != nil {
		t.Fatal(err)
	}
	if drawn != string(pictured) {
		t.Error("the dashboard is not the pictured one: run `make pictures`")
	}
}

// draw draws widgets with the story's numbers. What CloudWatch alone measures has none.
func draw(widgets []widget, story map[string]float64) string {
	const unit, rowHeight, lineHeight, colours = 40, 30, 22, 5
	bottom := 0
	var out strings.Builder
	for _, w := range widgets {
		x, y, width, height := w.X*unit+4, w.Y*rowHeight+4, w.Width*unit-8, w.Height*rowHeight-8
		bottom = max(bottom, y+height+4)
		fmt.Fprintf(&out, `<g transform="translate(%d %d)"><rect class="card" width="%d" height="%d" rx="8"/><text class="title" x="12" y="22">%s</text>`+"\n",
			x, y, width, height, html.EscapeString(w.Properties.Title))
		all := w.series(story)
		most := 1.0
		for _, line := range all {
			most = max(most, line.number)
		}
		lines := (height - 40) / lineHeight
		columns := (len(all) + lines - 1) / lines
		for n, line := range all {
			cell := (width - 12) / columns
			left, top, number := 12+n/lines*cell, 48+n%lines*lineHeight, "–"
			if line.known {
				number = fmt.Sprint(line.number)
				fmt.Fprintf(&out, `<rect class="c%d" x="%d" y="%d" width="%.0f" height="4" rx="2"/>`, n%colours, left, top+4, line.number/most*float64(cell-12))
			}
			fmt.Fprintf(&out, `<text x="%d" y="%d">%s</text><text class="number" x="%d" y="%d">%s</text>`+"\n", left, top, html.EscapeString(line.name), left+cell-12, top, number)
		}
		out.WriteString("</g>\n")
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 %d" role="img" aria-label="The dashboard, with the numbers of one make run">
<style>text{font:11px system-ui,sans-serif;fill:#1b2724}.title{font-size:13px;font-weight:600}.number{text-anchor:end;font-weight:600}.page{fill:#eef1ec}.card{fill:#fff;stroke:#d5ddd8}
.c0{fill:#17584a}.c1{fill:#8a4b12}.c2{fill:#3b5b9d}.c3{fill:#8b3a62}.c4{fill:#5c6b1e}
@media (prefers-color-scheme:dark){text{fill:#e9efec}.page{fill:#101615}.card{fill:#18211f;stroke:#2c3936}.c0{fill:#92d6c0}.c1{fill:#e8b27d}.c2{fill:#9db7f0}.c3{fill:#eda1c6}.c4{fill:#c3d47c}}</style>
<rect class="page" width="960" height="%[1]d"/>
%s</svg>
`, bottom, out.String())
}
