package environment_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/retention/retentiontest"
	"stille/shared/scope"
	"stille/shared/scope/scopetest"
)

// ownScopes and ownPolicy are files that somebody has filled in.
const ownScopes = `scopes:
  - id: 1
    scope: nordlys
    controller: Nordlys Forlag AS
    name: {en: Nordlys}
    policyURL: https://www.nordlys.no/personvern
    contact: personvern@nordlys.no
    linkDomain: lenker.nordlys.no
`

func ownPolicy(acknowledged string) string {
	return `classes:
  - class: messaging
    promise: P2Y
    keep: P2Y
    backupAcknowledged: ` + acknowledged + `
    anchor: the consent, for example on paper
    schedule: cron(30 3 * * ? *)
    owner: Kari Nordmann <kari@nordlys.no>
    legalBasis: GDPR art. 6(1)(a)
    sentence: We delete what you gave us, for example your address, after two years.
`
}

func folder(t *testing.T, environments, scopes, policy string) string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{names.EnvironmentsFile: environments, names.ScopesFile: scopes, names.RetentionFile: policy} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestOwnFilesGoToProduction(t *testing.T) {
	files, err := environment.Read(folder(t, most, ownScopes, ownPolicy("Kari Nordmann, 2026-11-02")), "infra", "live")
	if err != nil {
		t.Fatal(err)
	}
	if files.Environment.Prefix != "quiet-2" || len(files.Policy.Classes) != 1 || len(files.Scopes.All()) != 1 {
		t.Errorf("read %+v", files)
	}
}

func TestPlaceholdersAreRefusedInProductionAtOnce(t *testing.T) {
	scopes := strings.NewReplacer("Nordlys Forlag AS", "Example Ltd", "www.nordlys.no", "www.example.com", "lenker.nordlys.no", "links.nordlys.test").Replace(ownScopes)
	policy := strings.Replace(ownPolicy("unsigned"), "GDPR art. 6(1)(a)", "TODO", 1)
	environments := strings.NewReplacer("210987654321", "111122223333", "ops@acme.no", "ops@example.com").Replace(most)
	_, err := environment.Read(folder(t, environments, scopes, policy), "infra", "live")
	if err == nil {
		t.Fatal("placeholders go to production")
	}
	for _, want := range []string{
		"infra/scopes.yaml:4: controller", "infra/scopes.yaml:6: policyURL", "infra/scopes.yaml:8: linkDomain",
		"infra/retention.yaml:5: backupAcknowledged", "infra/retention.yaml:9: legalBasis",
		"infra/environments.yaml:4: account", "infra/environments.yaml:9: alarms",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in\n%v", want, err)
		}
	}
	if got := 1 + strings.Count(err.Error(), "\n"); got != 7 {
		t.Errorf("%d lines:\n%v", got, err)
	}
	environments = strings.Replace(environments, "production: true", "production: false", 1)
	if _, err := environment.Read(folder(t, environments, scopes, policy), "infra", "live"); err != nil {
		t.Errorf("not in production: %v", err)
	}
}

// The placeholders that the project ships are placeholders, and another environment's
// do not matter.
func TestShippedFilesAreRefusedInProduction(t *testing.T) {
	shipped := filepath.Join("..", "..", "infra")
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(shipped, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	_, err := environment.Read(folder(t, most, read(names.ScopesFile), ownPolicy("Kari")), "infra", "live")
	if strings.Contains(read(names.ScopesFile), "example-brand") && err == nil {
		t.Error("the sample brand goes to production")
	}
	_, err = environment.Read(folder(t, most+"  other: {account: \"111122223333\", region: eu-west-1, prefix: other}\n", ownScopes, ownPolicy("Kari")), "infra", "live")
	if err != nil {
		t.Errorf("another environment's account: %v", err)
	}
}

func TestSentenceMayTakeAnExample(t *testing.T) {
	for sentence, own := range map[string]bool{
		"We keep your name, and as examples of letters what you wrote.": true,
		"To take an example, your domain is deleted.":                   true,
		"An example sentence of your privacy policy.":                   false,
		"Example text.": false,
		"TODO":          false,
	} {
		policy := strings.Replace(ownPolicy("Kari"), "We delete what you gave us, for example your address, after two years.", sentence, 1)
		_, err := environment.Read(folder(t, most, ownScopes, policy), "infra", "live")
		if (err == nil) != own {
			t.Errorf("%s: %v", sentence, err)
		}
	}
}

func TestAcknowledgementsNeedAName(t *testing.T) {
	for text, signed := range map[string]bool{
		"Kari Nordmann": true, "Иван Петров": true, "the data protection officer, 2026-11-02": true,
		"unsigned": false, `"-"`: false, "TODO": false, "nobody": false, "dpo@example.com": false, "<name>": false, "to be signed by the officer": false,
	} {
		_, err := environment.Read(folder(t, most, ownScopes, ownPolicy(text)), "infra", "live")
		if (err == nil) != signed {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestDomainsAreThoseOfTheBrands(t *testing.T) {
	scopes := ownScopes + strings.NewReplacer("id: 1", "id: 2", "scope: nordlys", "scope: polaris").Replace(strings.TrimPrefix(ownScopes, "scopes:\n"))
	read := func(domains string) (environment.Files, string) {
		environments := strings.Replace(least, "prefix: quiet}", "prefix: quiet, "+domains+"}", 1)
		files, err := environment.Read(folder(t, environments, scopes, ownPolicy("Kari")), "infra", "live")
		return files, errorText(err)
	}
	const zone = "{zone: Z0123456789ABC}"
	for domains, says := range map[string]string{
		"domains: {nordlys: " + zone + ", polaris: " + zone + "}":                                       "", // one domain, twice alike
		"domains: {nordlys: " + zone + ", polaris: {zone: Z0123456789ABD}}":                             "polaris: lenker.nordlys.no is the domain of nordlys, too, with another certificate or zone",
		"domains: {acme: " + zone + "}":                                                                 "acme: is no brand of scopes.yaml",
		"toolsDomain: {domain: lenker.nordlys.no, zone: Z0123456789ABC}":                                "toolsDomain: lenker.nordlys.no is the domain of the links of nordlys: the tools' API needs its own",
		"domains: {polaris: {domain: api.no, zone: Z0123}}, toolsDomain: {domain: api.no, zone: Z0123}": "toolsDomain: api.no is the domain of the links of polaris: the tools' API needs its own",
	} {
		_, got := read(domains)
		first, _, _ := strings.Cut(got, "\n")
		if says != "" {
			says = "infra/environments.yaml:3: " + says
		}
		if first != says {
			t.Errorf("%s: %q", domains, got)
		}
	}
	files, _ := read("domains: {polaris: {domain: lenker.polaris.no, zone: Z0123456789ABC}}")
	for brand, want := range map[scope.Scope]string{"nordlys": "lenker.nordlys.no", "polaris": "lenker.polaris.no"} {
		if entry, _ := files.Scopes.Lookup(brand); entry.LinkDomain != want {
			t.Errorf("links of %s lead to %s", brand, entry.LinkDomain)
		}
	}
}

func TestRestoredTablesAreThoseOfThePolicy(t *testing.T) {
	const tables = "least, tables: {records-messaging: quiet-records-messaging-2, records-letters: quiet-records-letters-2, holds: quiet-records-messaging}}"
	environments := strings.Replace(least, "prefix: quiet}", strings.Replace(tables, "least", "prefix: quiet", 1), 1)
	_, err := environment.Read(folder(t, environments, ownScopes, ownPolicy("Kari")), "infra", "live")
	for _, want := range []string{
		"infra/environments.yaml:3: records-letters: no class has this table",
		"infra/environments.yaml:3: holds: quiet-records-messaging is the table of records-messaging",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in\n%v", want, err)
		}
	}
	if err != nil && strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("more is wrong:\n%v", err)
	}
}

func TestEveryClassThatDoesNotFitIsNamed(t *testing.T) {
	long := strings.Replace(strings.TrimPrefix(ownPolicy("Kari"), "classes:\n"), "messaging", "records-of-visits-to-the-shop", 1)
	policy := ownPolicy("Kari") + long + strings.Replace(long, "shop", "site", 1)
	_, err := environment.Read(folder(t, strings.Replace(least, "quiet", "quiet-in-the-north", 1), ownScopes, policy), "infra", "live")
	for _, want := range []string{"infra/retention.yaml:11: the class records-of-visits-to-the-shop", "infra/retention.yaml:20: the class records-of-visits-to-the-site"} {
		if !strings.Contains(errorText(err), want) {
			t.Errorf("want %q in\n%v", want, err)
		}
	}
}

func TestUnknownEnvironmentIsRefusedByName(t *testing.T) {
	at := folder(t, least, string(scopetest.File()), string(retentiontest.File()))
	_, err := environment.Read(at, "infra", "staging")
	if err == nil || !strings.Contains(err.Error(), `"staging"`) || !strings.Contains(err.Error(), "ENV=live") {
		t.Errorf("error %v", err)
	}
	if files, err := environment.Read(at, "infra", ""); err != nil || files.Environment.Name != "live" {
		t.Errorf("without a name: %+v, %v", files.Environment, err)
	}
	if files, err := environment.Read(at, "infra", environment.Local); err != nil || files.Environment.Name != "" {
		t.Errorf("the local stack: %+v, %v", files.Environment, err)
	}
	at = folder(t, most, ownScopes, ownPolicy("Kari"))
	if _, err := environment.Read(at, "infra", ""); err == nil || !strings.Contains(err.Error(), "ENV=live") {
		t.Errorf("production by omission: %v", err)
	}
}

func TestDraftMayHavePlaceholders(t *testing.T) {
	at := folder(t, most, strings.Replace(ownScopes, "Nordlys Forlag AS", "Example Ltd", 1), ownPolicy("unsigned"))
	if _, err := environment.Read(at, "infra", "live"); err == nil {
		t.Error("an unsigned acknowledgement goes to production")
	}
	if files, err := environment.ReadDraft(at, "infra", "live"); err != nil || !files.Environment.Production {
		t.Errorf("a draft of production: %+v, %v", files.Environment, err)
	}
	if _, err := environment.ReadDraft(folder(t, most, "brands: []", ownPolicy("unsigned")), "infra", "live"); err == nil {
		t.Error("a mistake passes as a draft")
	}
}
