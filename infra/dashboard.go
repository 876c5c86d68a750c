package main

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"stille/shared/names"
)

// panel is one widget of the dashboard: what it shows, over how many of the 24
// columns.
type panel struct {
	title   string
	columns float64
	metrics []awscloudwatch.IMetric
}

// panelHeight is in rows of CloudWatch's grid.
const panelHeight = 6

// dashboard shows what the alarms look at while nothing rings: who says no, how fast
// that counts, what waits, and what every class's purge did.
func (s stack) dashboard(w watched) {
	board := awscloudwatch.NewDashboard(s.Stack, jsii.String("dashboard"), &awscloudwatch.DashboardProps{
		DashboardName:   jsii.String(string(s.Prefix)),
		DefaultInterval: days(7),
	})
	for _, row := range s.panels(w) {
		var widgets []awscloudwatch.IWidget
		for _, p := range row {
			widgets = append(widgets, awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{
				Title: jsii.String(p.title), Width: jsii.Number(p.columns), Height: jsii.Number(panelHeight), Left: &p.metrics,
			}))
		}
		board.AddWidgets(widgets...)
	}
}

// panels are the rows of the dashboard.
func (s stack) panels(w watched) [][]panel {
	rows := [][]panel{
		{
			{"Opt-outs an hour, by channel and source", 12, []awscloudwatch.IMetric{s.everySeries(names.MetricOptOuts, names.MetricFrom, "Sum")}},
			{"Click to enforced, slowest, ms", 6, []awscloudwatch.IMetric{s.everySeries(names.MetricClickToEnforced, names.MetricChannel, "Maximum")}},
			{"Click to webhook, 95 %, ms", 6, []awscloudwatch.IMetric{s.everySeries(names.MetricClickToDelivered, names.MetricChannel, "p95")}},
		},
		{
			{"Calls an hour of check", 12, s.calls(names.Check)},
			{"Errors an hour at the doors", 12, []awscloudwatch.IMetric{
				labelled(w.links.MetricServerError(over(60, "Sum")), "links, 5xx"), labelled(w.tools.MetricServerError(over(60, "Sum")), "tools, 5xx"),
			}},
		},
	}
	ages := []awscloudwatch.IMetric{labelled(age(w.outage.queue), "opt-outs that wait for the store"), labelled(age(w.webhooks.queue), "webhooks")}
	dead := []awscloudwatch.IMetric{
		labelled(depth(w.outage.dead), "opt-outs"), labelled(depth(w.unread), names.Hook), labelled(depth(w.webhooks.dead), "webhooks"),
		labelled(depth(w.rotation.missed), "rotation"), labelled(depth(w.purges.missed), "purges"),
	}
	for _, i := range w.inboxes {
		ages = append(ages, labelled(age(i.queue), i.name))
		dead = append(dead, labelled(depth(i.dead), i.name))
	}
	var behind []awscloudwatch.IMetric
	for _, c := range w.consumers {
		behind = append(behind, labelled(c.Metric(jsii.String("IteratorAge"), over(5, "Maximum")), *c.Node().Id()))
		dead = append(dead, labelled(depth(c.parked), *c.Node().Id()))
	}
	rows = append(rows,
		[]panel{{"Oldest message that waits, seconds", 12, ages}, {"Changes in tables that wait, milliseconds", 12, behind}},
		[]panel{{"Messages in dead-letter queues", 24, dead}})
	for _, m := range w.purges.machines {
		rows = append(rows, []panel{
			{m.class + ": runs a day", 8, []awscloudwatch.IMetric{
				labelled(m.MetricSucceeded(over(24*60, "Sum")), "completed"), labelled(m.MetricFailed(over(24*60, "Sum")), "halted, stopped or failed"),
			}},
			{m.class + ": deleted by the last run", 8, []awscloudwatch.IMetric{labelled(s.classMetric(names.MetricDeleted, m.class, days(1), "Maximum"), "deleted")}},
			{m.class + ": overdue and held", 8, []awscloudwatch.IMetric{
				labelled(s.overdue(m.class), "overdue"), labelled(s.classMetric(names.MetricHeld, m.class, days(1), "Maximum"), "kept by a hold"),
			}},
		})
	}
	return rows
}

// everySeries is a metric with all values of its dimension, which are not known here.
func (s stack) everySeries(metric, dimension, statistic string) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Expression: jsii.String(fmt.Sprintf(`SEARCH('{%s,%s,%s} MetricName="%s" %s="%s"', '%s', 3600)`,
			names.Source, names.MetricStack, dimension, metric, names.MetricStack, s.Prefix, statistic)),
		Label:        jsii.String(" "),
		UsingMetrics: &map[string]awscloudwatch.IMetric{},
		Period:       minutes(60),
	})
}

// calls are how often a function was called.
func (s stack) calls(name string) []awscloudwatch.IMetric {
	for _, f := range *s.functions {
		if f.name == name {
			return []awscloudwatch.IMetric{labelled(f.made.MetricInvocations(over(60, "Sum")), name)}
		}
	}
	return nil
}

func labelled(m awscloudwatch.Metric, label string) awscloudwatch.IMetric {
	return m.With(&awscloudwatch.MetricOptions{Label: jsii.String(label)})
}
