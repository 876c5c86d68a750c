//go:build upgrade

package local

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stille/shared/deployed/deployedtest"
	"stille/shared/names"
)

// releaseFolder names the variable with the folder of the release that is upgraded, as
// scripts/release built it.
const releaseFolder = "RELEASE"

// An older release is deployed, and people, tools and purges leave what they leave. Then
// this code is deployed over it.
func TestReleaseIsUpgradedInPlace(t *testing.T) {
	built := os.Getenv(releaseFolder)
	if built == "" {
		t.Fatal("no release is here to upgrade: type make test-upgrade FROM=COMMIT")
	}
	now := passing(t)
	if err := now.startEmulator(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = Down(now) })
	before := now
	before.Root = built
	before.Root = before.unfinished(t, "release")
	now.Root = now.unfinished(t, "project")

	before.synth(t, "v1")
	before.mustCDK(t, "bootstrap", "--app", before.path("cdk.out"), "aws://"+account+"/"+region)
	before.mustCDK(t, "deploy", "--app", before.path("cdk.out"), "--all", "--require-approval", "never")
	left := before.leave(t)
	later := before.mint(t, left.key, "eva@tine.no")
	before.says(t, left)
	proof := filepath.Join(t.TempDir(), "proof")
	before.stille(t, "certificate", "get", left.run, "--out", proof)
	stored, kept := before.stored(t), before.kept(t)

	now.synth(t, "v2")
	for id, what := range now.kept(t) {
		if kept[id] != "" && kept[id] != what {
			t.Errorf("the upgrade replaces %s, %s, by %s", id, kept[id], what)
		}
		delete(kept, id)
	}
	for id, what := range kept {
		t.Errorf("the upgrade takes %s, %s, out of its stack", id, what)
	}
	now.mustCDK(t, "deploy", "--app", now.path("cdk.out"), "--all", "--require-approval", "never")
	for _, name := range stored {
		if !slices.Contains(now.stored(t), name) {
			t.Errorf("%s is gone", name)
		}
	}
	now.says(t, left)
	now.stille(t, "certificate", "verify", proof)
	now.call(t, names.OutputLinks, later, "", "List-Unsubscribe=One-Click")
	now.mint(t, left.key, "per@tine.no")
	if got := now.stille(t, "check", "email", "eva@tine.no", "--scope", "tine"); !strings.HasPrefix(got, "do not send") {
		t.Errorf("a link of the release opted out: %s", got)
	}

	now.stille(t, "hold", "lift", "--case", "C-17")
	run := runIn(t, now.stille(t, "purge", "run", "messaging", "--json"))
	after := filepath.Join(t.TempDir(), "proof")
	now.stille(t, "certificate", "get", run, "--out", after)
	now.stille(t, "certificate", "verify", after)
	if got := now.stille(t, "proof", "messaging", "held", "--json"); !strings.Contains(got, run) {
		t.Errorf("the record that was held until the upgrade: %s", got)
	}
	all := certificates(t, after)
	for _, certificate := range certificates(t, proof) {
		if !slices.Contains(all, certificate) {
			t.Errorf("the evidence has no longer %s", certificate)
		}
	}
}

// unfinished makes a deployer's folder whose environment is not in production: a release
// may take another sentence of the demo for a placeholder.
func (p Place) unfinished(t *testing.T, folder string) string {
	t.Helper()
	p.Root = p.production(t, folder)
	file := filepath.Join(p.Root, "infra", names.EnvironmentsFile)
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, names.EnvironmentsFile, strings.Replace(string(content), "production: true, ", "", 1))
	return p.Root
}

// says wants the stack to tell of what was left.
func (p Place) says(t *testing.T, left remains) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "proof")
	for typed, want := range map[string]string{
		"check email kari@tine.no --scope tine": `^do not send`, "check email eva@tine.no --scope tine": `^send`, "history email kari@tine.no --json": `"unsubscribed"`,
		"hold list --json": `"C-17"`, "hold history --case C-17 --json": `"C-17"`, "proof messaging held --json": `C-17`, "proof messaging due --json": left.run,
		"proof messaging kept --json": `kept`, "purge show " + left.run + " --json": `COMPLETED`,
	} {
		if got := p.stille(t, strings.Fields(typed)...); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("stille %s says %q, want %s", typed, got, want)
		}
	}
	p.stille(t, "certificate", "get", left.run, "--out", folder)
	p.stille(t, "certificate", "verify", folder)
	if page := p.call(t, names.OutputLinks, left.link, "", ""); !strings.Contains(page, `data-state="stopped"`) {
		t.Errorf("the link that opted out shows %s", page)
	}
}

// kept is what an update must leave in its place, of both templates.
func (p Place) kept(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, stack := range []string{live.Data(), string(live)} {
		content, err := os.ReadFile(p.path("cdk.out", stack+".template.json"))
		if err != nil {
			t.Fatal(err)
		}
		for id, what := range deployedtest.Kept(t, content) {
			found[stack+"/"+id] = what
		}
	}
	return found
}

// certificates are the certificates in a folder that was fetched.
func certificates(t *testing.T, folder string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Name() != "certificate.json" {
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, string(content))
		return err
	})
	if err != nil || len(all) == 0 {
		t.Fatalf("%d certificates in %s, %v", len(all), folder, err)
	}
	return all
}
