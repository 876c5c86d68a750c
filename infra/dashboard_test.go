//go:build infra

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"html"
	"os"
	"strings"
	"testing"
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

// series are the names of what a widget shows; what CloudWatch finds by a search has
// the names of the story.
func (w widget) series() []string {
	var all []string
	for _, metric := range w.Properties.Metrics {
		settings, _ := metric[len(metric)-1].(map[string]any)
		search, _ := settings["expression"].(string)
		switch {
		case strings.Contains(search, `MetricName="OptOuts"`):
			all = append(all, "email one-click", "email link", "email ses-complaint", "sms sms")
		case search != "":
			all = append(all, "email", "sms")
		default:
			all = append(all, fmt.Sprint(settings["label"]))
		}
	}
	return all
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
			if len(w.series()) == 0 {
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
	drawn := draw(dashboard(t, production()))
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

// draw draws widgets with made-up numbers.
func draw(widgets []widget) string {
	const unit, rowHeight, colours = 40, 30, 5
	bottom := 0
	var out strings.Builder
	for _, w := range widgets {
		x, y, width, height := w.X*unit+4, w.Y*rowHeight+4, w.Width*unit-8, w.Height*rowHeight-8
		bottom = max(bottom, y+height+4)
		fmt.Fprintf(&out, `<g transform="translate(%d %d)"><rect class="card" width="%d" height="%d" rx="8"/><text class="title" x="12" y="22">%s</text>`+"\n",
			x, y, width, height, html.EscapeString(w.Properties.Title))
		left := 12
		for n, name := range w.series() {
			fmt.Fprintf(&out, `<polyline class="c%d" points="%s"/><circle class="c%d" cx="%d" cy="%d" r="4"/><text x="%d" y="%d">%s</text>`+"\n",
				n%colours, line(w.Properties.Title+name, width-24, height-76), n%colours, left+4, height-14, left+12, height-10, html.EscapeString(name))
			left += 26 + 6*len(name)
		}
		out.WriteString("</g>\n")
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 960 %d" role="img" aria-label="The dashboard, with made-up numbers">
<style>text{font:11px system-ui,sans-serif;fill:#1b2724}.title{font-size:13px;font-weight:600}.page{fill:#eef1ec}.card{fill:#fff;stroke:#d5ddd8}polyline{fill:none;stroke-width:2}
.c0{stroke:#17584a}.c1{stroke:#8a4b12}.c2{stroke:#3b5b9d}.c3{stroke:#8b3a62}.c4{stroke:#5c6b1e}circle.c0{fill:#17584a}circle.c1{fill:#8a4b12}circle.c2{fill:#3b5b9d}circle.c3{fill:#8b3a62}circle.c4{fill:#5c6b1e}
@media (prefers-color-scheme:dark){text{fill:#e9efec}.page{fill:#101615}.card{fill:#18211f;stroke:#2c3936}.c0{stroke:#92d6c0}.c1{stroke:#e8b27d}.c2{stroke:#9db7f0}.c3{stroke:#eda1c6}.c4{stroke:#c3d47c}circle.c0{fill:#92d6c0}circle.c1{fill:#e8b27d}circle.c2{fill:#9db7f0}circle.c3{fill:#eda1c6}circle.c4{fill:#c3d47c}}</style>
<rect class="page" width="960" height="%[1]d"/>
%s</svg>
`, bottom, out.String())
}

// line is a line of made-up numbers, the same for the same name.
func line(name string, width, height int) string {
	const points = 14
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name))
	seed := sum.Sum64()
	var at []string
	for n := range points {
		seed = seed*6364136223846793005 + 1442695040888963407
		at = append(at, fmt.Sprintf("%d,%d", 12+n*width/(points-1), 36+height-int(seed>>33)%(height*2/3)))
	}
	return strings.Join(at, " ")
}
