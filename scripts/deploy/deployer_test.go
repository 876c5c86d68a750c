package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/environment"
	"stille/shared/operator"
)

// world is a deployer whose programs only note that they run.
type world struct {
	deployer
	ran     []string
	account string
	changed string
	refused error
	absent  error
	noGit   bool
}

// Prepare notes that the restored tables are prepared.
func (w *world) Prepare(context.Context) error {
	w.ran = append(w.ran, "prepare")
	return w.absent
}

// Streams knows one stream.
func (w *world) Streams(context.Context) (map[string]string, error) {
	return map[string]string{"ledger": "arn:stream"}, nil
}

func newWorld(t *testing.T, production bool) *world {
	w := &world{account: "210987654321"}
	e := environment.WithDefaults()
	e.Name, e.Account, e.Region, e.Prefix, e.Production = "live", "210987654321", "eu-west-3", "quiet", production
	w.deployer = deployer{
		Environment: e,
		root:        t.TempDir(),
		git: func(_ context.Context, arguments ...string) (string, error) {
			switch {
			case w.noGit:
				return "", errors.New("not a git repository")
			case arguments[0] == "status":
				return w.changed, nil
			}
			return "abc123", nil
		},
		run: func(_ context.Context, _ string, environment []string, program string, arguments ...string) error {
			if filepath.Base(program) == "cdk" && !slices.Contains(environment, "AWS_REGION=eu-west-3") {
				t.Errorf("cdk %s in no region", arguments[0])
			}
			w.ran = append(w.ran, filepath.Base(program)+" "+strings.Join(arguments, " "))
			return nil
		},
		identity: func(context.Context) (string, error) { return w.account, nil },
		guard: func(context.Context) error {
			w.ran = append(w.ran, "guard")
			return w.refused
		},
		restored: w,
		domains: func(context.Context) []operator.Complaint {
			w.ran = append(w.ran, "domains")
			return []operator.Complaint{{Wrong: "links.acme.no does not answer", Next: "make the record"}}
		},
	}
	return w
}

// steps are the first two words of what ran.
func (w *world) steps() string {
	var steps []string
	for _, line := range w.ran {
		steps = append(steps, strings.Join(strings.Fields(line)[:min(2, len(strings.Fields(line)))], " "))
	}
	return strings.Join(steps, ", ")
}

func TestDeployGoesStepByStep(t *testing.T) {
	for name, test := range map[string]struct {
		command func(deployer, context.Context) error
		want    string
	}{
		"synth":     {func(d deployer, ctx context.Context) error { return d.synth(ctx, nil) }, "build linux, go build, cdk synth"},
		"bootstrap": {deployer.bootstrap, "cdk bootstrap"},
		"diff":      {deployer.diff, "build linux, go build, cdk synth, cdk diff, guard"},
		"deploy":    {deployer.deploy, "prepare, build linux, go build, cdk synth, guard, cdk deploy, domains"},
	} {
		w := newWorld(t, true)
		if err := test.command(w.deployer, t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, w.steps()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestNothingIsDeployed(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*world)
		says  string
	}{
		"to another account":              {func(w *world) { w.account = "210987654322" }, "is in the account 210987654321"},
		"over a table that is not there":  {func(w *world) { w.absent = errors.New("no table quiet-x") }, "no table quiet-x"},
		"over another promise":            {func(w *world) { w.refused = errors.New("acme (id 1)") }, "acme (id 1)"},
		"to production from changes":      {func(w *world) { w.changed = " M infra/scopes.yaml" }, "infra/scopes.yaml"},
		"to production without a version": {func(w *world) { w.noGit = true }, "say VERSION="},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, true)
			test.spoil(w)
			if err := w.deploy(t.Context()); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("want %q in %v", test.says, err)
			}
			if strings.Contains(w.steps(), "cdk deploy") {
				t.Errorf("it was deployed: %s", w.steps())
			}
		})
	}
}

func TestChangesGoToATestEnvironment(t *testing.T) {
	w := newWorld(t, false)
	w.changed = " M infra/scopes.yaml"
	if err := w.deploy(t.Context()); err != nil {
		t.Error(err)
	}
	w = newWorld(t, true)
	w.noGit, w.version = true, "v7"
	if err := w.deploy(t.Context()); err != nil || !strings.Contains(strings.Join(w.ran, "\n"), "version=v7") {
		t.Errorf("an archive: %v, %q", err, w.ran)
	}
	if ran := strings.Join(w.ran, "\n"); !strings.Contains(ran, `streams={"ledger":"arn:stream"}`) {
		t.Errorf("the streams of restored tables are not handed on: %s", ran)
	}
}

func TestOtherAccountIsNeitherBootstrappedNorCompared(t *testing.T) {
	for _, command := range []func(deployer, context.Context) error{deployer.bootstrap, deployer.diff} {
		w := newWorld(t, false)
		w.account = "210987654322"
		if err := command(w.deployer, t.Context()); err == nil || len(w.ran) > 0 {
			t.Errorf("error %v, ran %q", err, w.ran)
		}
	}
}
