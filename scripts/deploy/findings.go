package main

import (
	"fmt"
	"regexp"
	"strings"

	"stille/shared/strictyaml"
)

// findingsFile holds the findings that stay, each with the reason.
const findingsFile = "infra/findings.yaml"

// leastReason is how long a reason is at least. Shorter is no sentence.
const leastReason = 20

// finding is what a linter says about one place in a template.
type finding struct {
	rule string // as AwsSolutions-SQS3, or AwsSolutions-IAM5[Resource::*]
	at   string // as service/feedback-dead/Resource; data and service are the two stacks
	says string
}

// acknowledgement is one place of a stanza of the file: findings that stay. In the
// rule and in the place, … stands for any text.
type acknowledgement struct {
	rule, at string
	line     int
	varies   bool // found or not, as the deployer's files are
	matches  func(finding) bool
}

// readAcknowledgements reads the file. Its error names every mistake.
func readAcknowledgements(data []byte) ([]acknowledgement, error) {
	doc := strictyaml.Parse(data)
	var all []acknowledgement
	for _, f := range doc.Top().List("findings") {
		name := f.Text("rule")
		rule := pattern(name)
		varies := f.Flag("varies")
		if len(f.Text("reason")) < leastReason {
			f.Wrong("reason", "must be a sentence that says why the finding stays")
		}
		for _, place := range f.Texts("at") {
			at := pattern(place)
			all = append(all, acknowledgement{name, place, f.Line(), varies, func(f finding) bool {
				return rule.MatchString(f.rule) && at.MatchString(f.at)
			}})
		}
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return all, nil
}

// pattern is a text in which … stands for any text. A * is a wildcard of a right, and
// stands for itself.
func pattern(text string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(text), "…", ".*") + "$")
}

// judge returns the findings that nobody acknowledged. It notes which
// acknowledgements were needed, by their index.
func judge(found []finding, known []acknowledgement, needed map[int]bool) []finding {
	var open []finding
	for _, f := range found {
		stays := false
		for i, a := range known {
			if a.matches(f) {
				needed[i], stays = true, true
			}
		}
		if !stays {
			open = append(open, f)
		}
	}
	return open
}

// stale are the acknowledgements that no finding needed, and one should have.
func stale(known []acknowledgement, needed map[int]bool) []string {
	var lines []string
	for i, a := range known {
		if !needed[i] && !a.varies {
			lines = append(lines, fmt.Sprintf("%s:%d: nothing finds %s at %s any more: take the acknowledgement out", findingsFile, a.line, a.rule, a.at))
		}
	}
	return lines
}
