package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"stille/shared/aws/deployment"
	"stille/shared/aws/dynamo"
	"stille/shared/environment"
	"stille/shared/names"
)

// A deploy that hangs never ends, so each step has a limit: several times the
// step's time on a slow machine.
const (
	buildLimit     = 15 * time.Minute // the first build compiles the CDK
	synthLimit     = 15 * time.Minute
	bootstrapLimit = 5 * time.Minute
	deployLimit    = 15 * time.Minute
)

// deploy builds the functions and infra/, and deploys both to the emulator. SMS go to the
// address given.
func (p Place) deploy(ctx context.Context, sms string) error {
	app, assembly := p.app(), p.path("cdk.out")
	if err := p.run(ctx, buildLimit, p.Root, os.Environ(), filepath.Join("scripts", "build"), runtime.GOOS, runtime.GOARCH, policyFolder); err != nil {
		return fmt.Errorf("building the functions: %w", err)
	}
	if err := p.run(ctx, buildLimit, p.Root, os.Environ(), "go", "build", "-o", app, "./infra"); err != nil {
		return fmt.Errorf("building the CDK app: %w", err)
	}
	restored := dynamo.Restored{DynamoDB: dynamo.NewClient(p.config()), Tables: p.Tables}
	if err := restored.Prepare(ctx); err != nil {
		return err
	}
	streams, err := restored.Streams(ctx)
	if err != nil {
		return err
	}
	tables, err := json.Marshal(p.Tables)
	if err != nil {
		return fmt.Errorf("handing on the restored tables: %w", err)
	}
	known, err := json.Marshal(streams)
	if err != nil {
		return fmt.Errorf("handing on the restored tables: %w", err)
	}
	err = p.cdk(ctx, synthLimit, "synth", "--quiet", "--app", app, "--output", assembly,
		"--context", "environment="+environment.Local,
		"--context", "region="+region,
		"--context", "policy=../"+policyFolder,
		"--context", "gateway="+p.endpoint(),
		"--context", "sms="+sms,
		"--context", "tables="+string(tables),
		"--context", "streams="+string(known),
		"--context", "version="+version(ctx, p.Root))
	if err != nil {
		return fmt.Errorf("synthesising the stack: %w", err)
	}
	stacks := cloudformation.NewFromConfig(p.config())
	bootstrapped, err := deployment.IsBootstrapped(ctx, stacks)
	if err != nil {
		return err
	}
	if !bootstrapped {
		if err := p.cdk(ctx, bootstrapLimit, "bootstrap", "--app", assembly, "aws://"+account+"/"+region); err != nil {
			return fmt.Errorf("bootstrapping the emulator: %w", err)
		}
	}
	if err := deployment.Guard(ctx, stacks, names.DefaultStack, assembly); err != nil {
		return err
	}
	if err := p.cdk(ctx, deployLimit, "deploy", "--app", assembly, "--all", "--require-approval", "never", "--progress", "events"); err != nil {
		return fmt.Errorf("deploying the stack: %w", err)
	}
	return nil
}

// app is the path of the built CDK app.
func (p Place) app() string { return p.tool("bin", "infra") }

// version is git's description of the code, and "local" without git.
func version(ctx context.Context, root string) string {
	described, err := exec.CommandContext(ctx, "git", "-C", root, "describe", "--always", "--dirty").Output()
	if err != nil {
		return "local"
	}
	return strings.TrimSpace(string(described))
}

func (p Place) cdk(ctx context.Context, limit time.Duration, arguments ...string) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return fmt.Errorf("running the CDK CLI: %w", err)
	}
	environment := append(p.awsEnvironment(),
		"HOME="+home, // where jsii caches what it unpacked
		"AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"CDK_DISABLE_VERSION_CHECK=1",
		"CDK_DISABLE_CLI_TELEMETRY=true",
		"JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1",
		"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20",
		"NO_COLOR=1",
	)
	program := p.tool("npm", "node_modules", ".bin", "cdk")
	return p.run(ctx, limit, filepath.Join(p.Root, "infra"), environment, program, append(arguments, "--no-notices")...)
}

// run runs a program to its end or its limit. The error holds the end of the
// program's output.
func (p Place) run(ctx context.Context, limit time.Duration, folder string, environment []string, program string, arguments ...string) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var output bytes.Buffer
	command := exec.CommandContext(limited, program, arguments...)
	command.Dir, command.Env = folder, environment
	command.Stdout, command.Stderr = &output, &output
	// The CDK CLI starts the app, and the app Node: all of them must end.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = 5 * time.Second
	err := command.Run()
	if errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("not done after %s", limit)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), arguments[0], err, tail(output.Bytes()))
	}
	return nil
}

// tailLines is how much of a failed program's output an error shows.
const tailLines = 40

func tail(output []byte) []byte {
	lines := bytes.Split(bytes.TrimSpace(output), []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-tailLines):], []byte("\n"))
}

func lastLines(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(tail(data))
}
