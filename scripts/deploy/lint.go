package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/strictyaml"
)

// linter judges the templates of every environment, also of those whose placeholders
// nobody has replaced yet.
type linter struct {
	root   string
	run    func(ctx context.Context, folder string, environment []string, program string, arguments ...string) error
	output func(ctx context.Context, program string, arguments ...string) ([]byte, error)
	out    io.Writer
}

// lint fails where a finding is not acknowledged, and where an acknowledgement is
// not needed.
func (l linter) lint(ctx context.Context) error {
	content, err := os.ReadFile(filepath.Join(l.root, findingsFile))
	if err != nil {
		return fmt.Errorf("reading %s: %w", findingsFile, err)
	}
	known, err := readAcknowledgements(content)
	if err != nil {
		return inFile(findingsFile, err)
	}
	environments, err := l.environments()
	if err != nil {
		return err
	}
	if err := l.build(ctx); err != nil {
		return err
	}
	var wrong []string
	needed := map[int]bool{}
	for _, e := range environments {
		found, err := l.findings(ctx, e)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		open := judge(found, known, needed)
		fmt.Fprintf(l.out, "%s: %d findings, %d of them not acknowledged\n", e.Name, len(found), len(open))
		for _, f := range open {
			wrong = append(wrong, fmt.Sprintf("%s: %s at %s: %s", e.Name, f.rule, f.at, f.says))
		}
	}
	if wrong = append(wrong, stale(known, needed)...); len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s\nmend the template, or acknowledge the finding in %s with a reason", strings.Join(wrong, "\n"), findingsFile)
}

// environments are all that the deployer's file has.
func (l linter) environments() ([]environment.Environment, error) {
	file := "infra/" + names.EnvironmentsFile
	content, err := os.ReadFile(filepath.Join(l.root, file))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	all, err := environment.Load(content)
	if err != nil {
		return nil, inFile(file, err)
	}
	return all, nil
}

// findings makes the templates of an environment and has both linters look at them.
func (l linter) findings(ctx context.Context, e environment.Environment) ([]finding, error) {
	out := filepath.Join(l.root, ".local", "lint", e.Name)
	if err := l.synth(ctx, e, out); err != nil {
		return nil, err
	}
	stacks := map[string]string{string(e.Prefix): "service", e.Prefix.Data(): "data"}
	var found []finding
	for _, stack := range []string{e.Prefix.Data(), string(e.Prefix)} {
		content, err := os.ReadFile(filepath.Join(out, stack+".metadata.json"))
		if err != nil {
			return nil, fmt.Errorf("reading what cdk-nag found: %w", err)
		}
		nag, err := readNag(content, stacks)
		if err != nil {
			return nil, err
		}
		template := filepath.Join(out, stack+".template.json")
		// It exits with an error where it finds something.
		content, err = l.output(ctx, filepath.Join(l.root, ".local", "template", "bin", "cfn-lint"), template, "--format", "json", "--regions", e.Region)
		lint, wrong := readCfnLint(content, stacks[stack])
		if wrong != nil {
			return nil, errors.Join(wrong, err)
		}
		found = slices.Concat(found, nag, lint)
	}
	return found, nil
}

// build builds what the templates are made of, and with. The functions' code is no part
// of a template: one build for this machine serves every environment.
func (l linter) build(ctx context.Context) error {
	if err := l.run(ctx, l.root, nil, filepath.Join("scripts", "build"), "linux", runtime.GOARCH, "infra"); err != nil {
		return err
	}
	return l.run(ctx, l.root, nil, "go", "build", "-o", l.app(), "./infra")
}

func (l linter) app() string { return filepath.Join(l.root, ".local", "bin", "infra") }

// synth makes the templates without the CDK CLI, which would stop at what cdk-nag
// finds.
func (l linter) synth(ctx context.Context, e environment.Environment, out string) error {
	if err := os.RemoveAll(out); err != nil {
		return fmt.Errorf("clearing the templates: %w", err)
	}
	settings, err := json.Marshal(map[string]string{"environment": e.Name, "version": "lint", "nag": "true"})
	if err != nil {
		return err
	}
	return l.run(ctx, filepath.Join(l.root, "infra"), append(quietCDK(), "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+string(settings)), l.app())
}

// readNag reads the errors and warnings in the metadata that the CDK wrote beside a
// template: those of cdk-nag, and of the CDK itself.
func readNag(content []byte, stacks map[string]string) ([]finding, error) {
	var file map[string][]struct {
		Type string
		Data any
	}
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("reading what cdk-nag found: %w", err)
	}
	var found []finding
	for path, notes := range file {
		for _, note := range notes {
			if note.Type != "aws:cdk:error" && note.Type != "aws:cdk:warning" {
				continue
			}
			text := strings.TrimSpace(fmt.Sprint(note.Data))
			rule, says, _ := strings.Cut(text, ": ")
			stack, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
			found = append(found, finding{rule: rule, at: stacks[stack] + "/" + rest, says: says})
		}
	}
	slices.SortFunc(found, byPlace)
	return found, nil
}

// readCfnLint reads the answer of cfn-lint about the template of a stack.
func readCfnLint(content []byte, stack string) ([]finding, error) {
	var answer []struct {
		Rule     struct{ ID string }
		Message  string
		Location struct{ Path []any }
	}
	if err := json.Unmarshal(content, &answer); err != nil {
		return nil, fmt.Errorf("cfn-lint gave no answer: %w", err)
	}
	var found []finding
	for _, a := range answer {
		at := []string{stack}
		for _, part := range a.Location.Path {
			at = append(at, fmt.Sprint(part))
		}
		found = append(found, finding{rule: a.Rule.ID, at: strings.Join(at, "/"), says: a.Message})
	}
	slices.SortFunc(found, byPlace)
	return found, nil
}

// inFile names the file and the line of each mistake.
func inFile(file string, err error) error {
	var mistakes strictyaml.Mistakes
	if errors.As(err, &mistakes) {
		return mistakes.In(file)
	}
	return err
}

func byPlace(a, b finding) int { return strings.Compare(a.at+a.rule, b.at+b.rule) }

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
