// Command deploy synthesises an environment of infra/environments.yaml, compares it
// with what is deployed, and deploys it: to the account and the region of the
// environment, and to no other.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/term"

	"stille/scripts/local"
	"stille/shared/aws/deployment"
	"stille/shared/aws/dynamo"
	"stille/shared/environment"
	"stille/shared/link/domain"
	"stille/shared/operator"
)

type command struct {
	Does        string `arg:"" enum:"synth,bootstrap,diff,deploy,lint-template" help:"synth leaves the templates in .local/cdk.out. bootstrap prepares the account and region for the CDK, once. diff says what a deploy would change. deploy deploys both stacks. lint-template judges the templates of every environment with cfn-lint and cdk-nag."`
	Environment string `arg:"" optional:"" help:"A name in infra/environments.yaml (synth: the first that is not in production)."`
}

// Run does what the command says. What reaches AWS has no environment by default.
func (c command) Run(ctx context.Context) error {
	if c.Does == "lint-template" {
		return lintTemplates(ctx)
	}
	does := map[string]func(deployer, context.Context) error{"bootstrap": deployer.bootstrap, "diff": deployer.diff, "deploy": deployer.deploy}[c.Does]
	if does != nil && c.Environment == "" {
		return errors.New("say where: ENV=NAME, a name in infra/environments.yaml")
	}
	d, err := open(c.Environment)
	if err != nil {
		return err
	}
	if does == nil {
		return d.synth(ctx, nil)
	}
	if err := d.reach(ctx); err != nil {
		return err
	}
	return does(d, ctx)
}

func lintTemplates(ctx context.Context) error {
	root, err := local.Root()
	if err != nil {
		return err
	}
	output := func(ctx context.Context, program string, arguments ...string) ([]byte, error) {
		return exec.CommandContext(ctx, program, arguments...).Output()
	}
	return linter{root: root, run: run, output: output, out: os.Stdout}.lint(ctx)
}

// reach gives the deployer what it needs of AWS.
func (d *deployer) reach(ctx context.Context) error {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(d.Region))
	if err != nil {
		return fmt.Errorf("reading the AWS environment of this shell: %w", err)
	}
	d.identity = func(ctx context.Context) (string, error) {
		caller, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return "", fmt.Errorf("AWS takes no credentials of this shell: take credentials of the account %s: %w", d.Account, err)
		}
		return aws.ToString(caller.Account), nil
	}
	d.guard = func(ctx context.Context) error {
		return deployment.Guard(ctx, cloudformation.NewFromConfig(cfg), d.Prefix, d.assembly())
	}
	db := dynamo.NewClient(cfg)
	d.restored = dynamo.Restored{DynamoDB: db, Tables: d.Tables, Protected: true}
	d.domains = func(ctx context.Context) []operator.Complaint {
		found := deployment.LinkDomains{HTTP: domain.Client(), Note: dynamo.NewReplies(db, d.Deployed()).NoteDomain, Now: time.Now}
		return found.Look(ctx, d.scopes)
	}
	return nil
}

// open reads the environment, and refuses what is wrong in the deployer's files
// before anything is built.
func open(name string) (deployer, error) {
	root, err := local.Root()
	if err != nil {
		return deployer{}, err
	}
	files, err := environment.Read(filepath.Join(root, "infra"), "infra", name)
	if err != nil {
		return deployer{}, err
	}
	return deployer{
		Environment: files.Environment,
		scopes:      files.Scopes,
		root:        root,
		version:     os.Getenv("VERSION"),
		terminal:    term.IsTerminal(int(os.Stdin.Fd())),
		git: func(ctx context.Context, arguments ...string) (string, error) {
			out, err := exec.CommandContext(ctx, "git", append([]string{"-C", root}, arguments...)...).Output()
			return strings.TrimSpace(string(out)), err
		},
		run: run,
	}, nil
}

// run runs a program to its end, with this terminal.
func run(ctx context.Context, folder string, environment []string, program string, arguments ...string) error {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir, command.Env = folder, append(os.Environ(), environment...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(append([]string{filepath.Base(program)}, arguments[:min(1, len(arguments))]...), " "), err)
	}
	return nil
}

func main() {
	// Each line of an error stands alone: editors and pipelines read FILE:LINE.
	if err := call(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func call() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return kong.Parse(&command{},
		kong.Name("deploy"),
		kong.Description("The environments on AWS."),
		kong.BindTo(ctx, (*context.Context)(nil))).Run()
}
