package files

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"stille/shared/certificate"
	"stille/shared/operator"
)

//go:embed report.html
var reportPage string

// The chart of a report, in the units of its viewBox.
const (
	barStep  = 30
	barStart = 190
	barMost  = 360
)

// report is a report with what its page computes.
type report struct {
	*operator.Report
	Title                                                        string
	Total, TotalReleased, TotalDeleted, TotalHolds, TotalOverdue int
	Bars                                                         []bar
	ChartHeight                                                  int
}

type bar struct {
	operator.SourceCount
	Label                string
	Y, TextY, Width, End int
}

// WriteReport writes a report as one HTML page that needs no other file.
func WriteReport(w io.Writer, r *operator.Report) error {
	page, err := template.New("report").Funcs(template.FuncMap{
		"number": grouped, "time": minute, "millis": duration, "period": period, "outcome": outcome, "counts": counts,
	}).Parse(reportPage)
	if err != nil {
		return fmt.Errorf("reading the page of a report: %w", err)
	}
	view := report{Report: r, Title: r.Month}
	if month, err := time.Parse("2006-01", r.Month); err == nil {
		view.Title = month.Format("January 2006")
	}
	for i, s := range r.OptOuts {
		view.Total += s.Count
		width := max(1, int(math.Round(barMost*float64(s.Count)/float64(r.OptOuts[0].Count))))
		view.Bars = append(view.Bars, bar{s, string(s.Channel) + ", " + s.Source, i * barStep, i*barStep + 14, width, barStart + width + 8})
	}
	view.ChartHeight = len(r.OptOuts) * barStep
	for _, s := range r.Released {
		view.TotalReleased += s.Count
	}
	for _, c := range r.Classes {
		view.TotalDeleted += c.Deleted
		view.TotalOverdue += c.Overdue
	}
	for _, h := range r.Holds.Active {
		view.TotalHolds += h.Targets
	}
	if err := page.Execute(w, view); err != nil {
		return fmt.Errorf("writing the page of a report: %w", err)
	}
	return nil
}

// grouped is a number with a narrow space between its thousands.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	var parts []string
	for len(digits) > 3 {
		parts = append(parts, digits[len(digits)-3:])
		digits = digits[:len(digits)-3]
	}
	text := digits
	for _, part := range slices.Backward(parts) {
		text += "\u202f" + part
	}
	return text
}

func minute(at time.Time) string { return at.UTC().Format("2006-01-02 15:04") }

func duration(millis int64) string {
	d := time.Duration(millis) * time.Millisecond
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", millis)
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// period is a period of the policy in words: P5Y is 5 years.
func period(text string) string {
	return strings.NewReplacer("P1Y", "1 year", "P1M", "1 month", "P1D", "1 day", "P", "", "Y", " years", "M", " months", "D", " days").Replace(text)
}

// outcome is how a run ended, in a word.
func outcome(r operator.RunReport) string {
	switch {
	case r.Outcome == "":
		return "not known"
	case r.Approved:
		return string(r.Outcome) + ", approved"
	}
	return string(r.Outcome)
}

// counts is what a run counted; nil before its certificate.
func counts(r operator.RunReport) *certificate.Counts {
	if r.Certificate == "" {
		return nil
	}
	return &r.Counts
}
