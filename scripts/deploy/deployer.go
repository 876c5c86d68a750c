package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"stille/shared/environment"
	"stille/shared/operator"
	"stille/shared/scope"
)

// deployer brings one environment to AWS.
type deployer struct {
	environment.Environment
	scopes   *scope.Registry
	root     string
	version  string // what is deployed, where git does not know it
	terminal bool   // somebody is there to answer a question

	git      func(ctx context.Context, arguments ...string) (string, error)
	run      func(ctx context.Context, folder string, environment []string, program string, arguments ...string) error
	identity func(context.Context) (account string, err error)
	guard    func(context.Context) error
	restored restored
	domains  func(context.Context) []operator.Complaint // looks at them, and notes for mint what it finds
}

// restored are the environment's tables that were restored.
type restored interface {
	Prepare(context.Context) error
	Streams(context.Context) (map[string]string, error)
}

// synth leaves the templates in the assembly. Only AWS knows the streams of restored
// tables; without them, the templates cannot be deployed.
func (d deployer) synth(ctx context.Context, streams map[string]string) error {
	if err := d.run(ctx, d.root, nil, filepath.Join("scripts", "build"), "linux", d.Architecture, "infra"); err != nil {
		return err
	}
	app := filepath.Join(d.root, ".local", "bin", "infra")
	if err := d.run(ctx, d.root, nil, "go", "build", "-o", app, "./infra"); err != nil {
		return err
	}
	// The templates of another environment must not lie beside these.
	if err := os.RemoveAll(d.assembly()); err != nil {
		return fmt.Errorf("clearing the templates: %w", err)
	}
	known, err := json.Marshal(streams)
	if err != nil {
		return fmt.Errorf("handing on the streams of restored tables: %w", err)
	}
	if err := d.cdk(ctx, "synth", "--quiet", "--app", app, "--output", d.assembly(),
		"--context", "environment="+d.Name, "--context", "version="+d.describe(ctx), "--context", "streams="+string(known)); err != nil {
		return err
	}
	fmt.Printf("%s: %s and %s in .local/cdk.out\n", d.Name, d.Prefix.Data(), d.Prefix)
	return nil
}

func (d deployer) bootstrap(ctx context.Context) error {
	if err := d.isAccount(ctx); err != nil {
		return err
	}
	return d.cdk(ctx, "bootstrap", "--app", "", "aws://"+d.Account+"/"+d.Region)
}

func (d deployer) diff(ctx context.Context) error {
	if err := d.isAccount(ctx); err != nil {
		return err
	}
	streams, err := d.restored.Streams(ctx)
	if err != nil {
		return err
	}
	if err := d.synth(ctx, streams); err != nil {
		return err
	}
	if err := d.cdk(ctx, "diff", "--app", d.assembly()); err != nil {
		return err
	}
	return d.guard(ctx)
}

func (d deployer) deploy(ctx context.Context) error {
	if err := d.isClean(ctx); err != nil {
		return err
	}
	if err := d.isAccount(ctx); err != nil {
		return err
	}
	if err := d.restored.Prepare(ctx); err != nil {
		return err
	}
	streams, err := d.restored.Streams(ctx)
	if err != nil {
		return err
	}
	if err := d.synth(ctx, streams); err != nil {
		return err
	}
	if err := d.guard(ctx); err != nil {
		return err
	}
	arguments := []string{"deploy", "--app", d.assembly(), "--all"}
	if !d.terminal {
		arguments = append(arguments, "--require-approval", "never")
	}
	if err := d.cdk(ctx, arguments...); err != nil {
		return err
	}
	for _, c := range d.domains(ctx) {
		fmt.Printf("%s\n  do: %s\n", c.Wrong, c.Next)
	}
	return nil
}

// isAccount refuses the credentials of another account.
func (d deployer) isAccount(ctx context.Context) error {
	account, err := d.identity(ctx)
	if err == nil && account != d.Account {
		err = fmt.Errorf("the environment %s is in the account %s, and this shell has credentials of %s: take credentials of %[2]s", d.Name, d.Account, account)
	}
	return err
}

// isClean refuses to bring to production what no commit has.
func (d deployer) isClean(ctx context.Context) error {
	if !d.Production {
		return nil
	}
	changed, err := d.git(ctx, "status", "--porcelain")
	if err != nil && d.version != "" {
		return nil // an archive of a commit
	}
	if err != nil {
		return fmt.Errorf("production is deployed from a commit, and git does not know this folder: say VERSION=… (%w)", err)
	}
	if changed != "" {
		return fmt.Errorf("production is deployed from a commit, and these files differ from it: commit them or put them away\n%s", changed)
	}
	return nil
}

// describe is the version that certificates will name.
func (d deployer) describe(ctx context.Context) string {
	described, err := d.git(ctx, "describe", "--always", "--dirty")
	if err != nil {
		described = ""
	}
	return cmp.Or(described, d.version, "unversioned")
}

func (d deployer) assembly() string { return filepath.Join(d.root, ".local", "cdk.out") }

// cdk runs the CDK CLI in the region of the environment.
func (d deployer) cdk(ctx context.Context, arguments ...string) error {
	return d.run(ctx, filepath.Join(d.root, "infra"), append(quietCDK(),
		"AWS_REGION="+d.Region,
		"AWS_DEFAULT_REGION="+d.Region,
		"CDK_DISABLE_CLI_TELEMETRY=true",
		"CDK_DISABLE_VERSION_CHECK=1",
	), filepath.Join(d.root, ".local", "npm", "node_modules", ".bin", "cdk"), append(arguments, "--no-notices")...)
}

// quietCDK keeps the CDK from writing about the version of Node.
func quietCDK() []string {
	return []string{"JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20"}
}
