package environment_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stille/shared/environment"
	"stille/shared/names"
	"stille/shared/scope"
)

const least = `
environments:
  live: {account: "210987654321", region: eu-north-1, prefix: quiet}
`

const most = `
environments:
  live:
    account: "210987654321"
    region: us-gov-west-1
    prefix: quiet-2
    production: true
    architecture: amd64
    alarms: [ops@acme.no, "https://events.pagerduty.com/x"]
    linksConcurrency: none
    throttles:
      /v1/check: {rate: 500, burst: 900}
    logDays: 365
    tracing: true
    customerKeys: true
    feedbackAccounts: ["210987654322"]
    tables: {ledger: quiet-2-ledger-may, records-messaging: quiet-2-records-messaging-may}
    domains:
      nordlys: {domain: lenker2.nordlys.no, certificate: "arn:aws-us-gov:acm:us-gov-west-1:210987654321:certificate/4b1c", zone: Z0123456789ABC}
    toolsDomain: {domain: api.nordlys.no, zone: Z0123456789ABC}
    evidenceReplica: {bucket: nordlys-proof, account: "210987654323", key: "arn:aws-us-gov:kms:us-gov-east-1:210987654323:key/7d"}
    backupVault: arn:aws-us-gov:backup:us-gov-east-1:210987654321:backup-vault:quiet
`

func load(t *testing.T, text string) environment.Environment {
	t.Helper()
	all, err := environment.Load([]byte(text))
	if err != nil || len(all) != 1 {
		t.Fatalf("%d environments, %v", len(all), err)
	}
	return all[0]
}

func TestSettingsHaveDefaults(t *testing.T) {
	want := environment.WithDefaults()
	want.Name, want.Account, want.Region, want.Prefix = "live", "210987654321", "eu-north-1", "quiet"
	if diff := cmp.Diff(want, load(t, least)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, route := range names.ToolRoutes() {
		if want.Throttles[route].Rate == 0 {
			t.Errorf("%s has no throttle to itself", route)
		}
	}
}

func TestEverySettingIsRead(t *testing.T) {
	want := environment.Environment{
		Name: "live", Account: "210987654321", Region: "us-gov-west-1", Prefix: "quiet-2", Production: true, Architecture: "amd64",
		Alarms: []string{"ops@acme.no", "https://events.pagerduty.com/x"}, LinksConcurrency: 0,
		Throttles: environment.WithDefaults().Throttles, LogDays: 365, Tracing: true, CustomerKeys: true, FeedbackAccounts: []string{"210987654322"},
		Tables: map[string]string{"ledger": "quiet-2-ledger-may", "records-messaging": "quiet-2-records-messaging-may"},
		Domains: map[scope.Scope]environment.Domain{
			"nordlys": {Name: "lenker2.nordlys.no", Certificate: "arn:aws-us-gov:acm:us-gov-west-1:210987654321:certificate/4b1c", Zone: "Z0123456789ABC"},
		},
		ToolsDomain:     environment.Domain{Name: "api.nordlys.no", Zone: "Z0123456789ABC"},
		EvidenceReplica: environment.Replica{Bucket: "nordlys-proof", Account: "210987654323", Key: "arn:aws-us-gov:kms:us-gov-east-1:210987654323:key/7d"},
		BackupVault:     "arn:aws-us-gov:backup:us-gov-east-1:210987654321:backup-vault:quiet",
	}
	want.Throttles[names.RouteCheck] = environment.Throttle{Rate: 500, Burst: 900}
	if diff := cmp.Diff(want, load(t, most)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	_, err := environment.Load([]byte(`environments:
  live:
    account: 210987654321
    region: Stockholm
    prefix: Quiet_
    production: "yes"
    architecture: x86
    alarms: [ops]
    linksConcurrency: some
    throttles: {/v1/chek: {rate: 1, burst: 1}, /v1/check: {rate: 0}}
    logDays: 45
    feedbackAccounts: ["1"]
    unheard: of
    tables: {ledgers: a, records-: b}
  local: {account: "210987654321", region: eu-north-1, prefix: an-endless-name-of-a-stack}
`))
	if err == nil {
		t.Fatal("it is taken")
	}
	want := []string{
		"line 3: account: must be text: write it in quotation marks",
		"line 4: region: must be a region of AWS or of its GovCloud, as in eu-north-1",
		"line 5: prefix: must be lower-case letters, digits and single hyphens, a letter first",
		"line 6: production: must be true or false",
		"line 7: architecture: must be arm64 or amd64",
		"line 8: alarms: must be e-mail addresses, or addresses that begin with https://; number 1 is neither",
		"line 9: linksConcurrency: must be a whole number from 1 to 1000, or none",
		"line 10: /v1/chek is not a field here",
		"line 10: burst is missing",
		"line 10: rate: must be a whole number from 1 to 100000",
		"line 11: logDays: must be one of 1 3 5 7 14 30 60 90 120 150 180 365 400 545 731 1096 1827 2192 2557 2922 3288 3653",
		"line 12: feedbackAccounts: must be accounts of 12 digits in quotation marks",
		"line 13: unheard is not a field here",
		"line 14: ledgers: is no table: say suppressions, ledger, holds, hold-history, runs, tools, replies, slots, or records-CLASS",
		"line 14: records-: is no table: say suppressions, ledger, holds, hold-history, runs, tools, replies, slots, or records-CLASS",
		"line 15: prefix: must be at most 20 characters",
		`line 15: the environment "local" must be named in lower-case letters, digits and hyphens, and not local`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOneWrongSettingIsRefused(t *testing.T) {
	for old, settings := range map[string]map[string]string{
		"eu-north-1": {
			"eu-nort-1": "region: must be a region", "eu-north-9": "region: must be a region", "EU-NORTH-1": "region: must be a region",
			"eu-north-1a": "region: must be a region", "cn-north-1": "region: must be a region", "us-gov-west-1": "", "us-east-1": "",
		},
		"prefix: quiet": {
			"prefix: aws-quiet": "prefix: must not begin with aws or ssm", "prefix: ssm": "prefix: must not begin with aws or ssm",
			"prefix: qu_iet": "prefix: must be lower-case letters", "prefix: Quiet": "prefix: must be lower-case letters", "prefix: true": "prefix: must be text: write it in quotation marks",
			"prefix: quiet, alarms: [ops@acme]":                                                                                  "number 1 is neither",
			"prefix: quiet, alarms: [a@acme.no, 'mailto:b@acme.no']":                                                             "number 2 is neither",
			`prefix: quiet, alarms: ["a@acme.no,b@acme.no"]`:                                                                     "number 1 is neither",
			`prefix: quiet, alarms: ["Ops <ops@acme.no>"]`:                                                                       "number 1 is neither",
			`prefix: quiet, alarms: ["https://"]`:                                                                                "number 1 is neither",
			`prefix: quiet, alarms: ["https://acme.no/a b"]`:                                                                     "number 1 is neither",
			"prefix: quiet, alarms: [a@acme.no, a@acme.no]":                                                                      "number 2 is here twice",
			"prefix: quiet, alarms: [a+b@ops.acme.no]":                                                                           "",
			"prefix: quiet, evidenceReplica: {bucket: a..b}":                                                                     "bucket: must be the name of a bucket",
			"prefix: quiet, evidenceReplica: {bucket: 10.0.0.1}":                                                                 "bucket: must be the name of a bucket",
			"prefix: quiet, backupVault: 'arn:aws-cn:backup:cn-north-1:210987654321:backup-vault:quiet'":                         "backupVault: must begin with arn:aws:",
			"prefix: quiet, toolsDomain: {domain: a.no, certificate: 'arn:aws-cn:acm:eu-north-1:210987654321:certificate/4b1c'}": "certificate: must begin with arn:aws:",
		},
		`{account: "210987654321"`: {
			"{account: 012345670123": "account: must be text: write it in quotation marks", `&anchor {account: "210987654321"`: "must be a mapping, field: value: write it out, without an anchor",
		},
		"\nenv": {"\n\uFEFFenv": "is not a field here", "\uFEFFenv": ""}, // only an editor's mark is at the beginning
		"  live: {account: \"210987654321\", region: eu-north-1, prefix: quiet}": {"  {}": "environments: no environment is here"},
	} {
		for setting, says := range settings {
			_, err := environment.Load([]byte(strings.Replace(least, old, setting, 1)))
			if got := errorText(err); says == "" && err != nil || !strings.Contains(got, says) {
				t.Errorf("%s: %q, want %q", setting, got, says)
			}
		}
	}
}

func TestEnvironmentsOfAnAccountShareNoName(t *testing.T) {
	for _, test := range []struct {
		account, prefix string
		refused         bool
	}{
		{"210987654321", "quiet-test", false},
		{"210987654321", "quiet", true},
		{"210987654321", "quiet-data", true},
		{"210987654321", "quiet-records-x", true},
		{"210987654321", "quiet-purge", true},
		{"210987654321", "quiet-rewritten", true}, // alarms of classes
		{"210987654321", "quiet-database", false},
		{"210987654322", "quiet", false},
	} {
		text := least + `  other: {account: "` + test.account + `", region: eu-west-1, prefix: ` + test.prefix + "}\n"
		_, err := environment.Load([]byte(text))
		if (err != nil) != test.refused || err != nil && !strings.Contains(err.Error(), "line 4: prefix: ") {
			t.Errorf("%s in %s: %v", test.prefix, test.account, err)
		}
	}
}

func TestNamesOfAClassMustFit(t *testing.T) {
	e := environment.Environment{Prefix: "quiet"}
	if err := e.FitsClass(strings.Repeat("c", 30)); err != nil {
		t.Error(err)
	}
	e.Prefix = "quiet-in-the-north"
	if err := e.FitsClass(strings.Repeat("c", 30)); err == nil || !strings.Contains(err.Error(), "characters too long") {
		t.Errorf("error %v", err)
	}
}

func TestRestoredTablesAreTheEnvironmentsOwn(t *testing.T) {
	const own = `
environments:
  live:
    account: "210987654321"
    region: eu-north-1
    prefix: quiet
    tables: {holds: quiet-holds-2, ledger: %s}
  test: {account: "210987654321", region: eu-north-1, prefix: quiet-test}
`
	for name, says := range map[string]string{
		"quiet-ledger-2":      "",
		"quiet-ledger":        "", // restored under its first name
		"ledger":              "line 7: ledger: must be the name of a table that begins with quiet-",
		"quiet-led/ger":       "line 7: ledger: must be the name of a table that begins with quiet-",
		"quiet-holds-2":       "line 7: ledger: quiet-holds-2 is the table of holds",
		"quiet-test-ledger-2": "line 8: the table ledger of live has a name of test, in the same account: quiet-test-ledger-2",
	} {
		_, err := environment.Load([]byte(strings.Replace(own, "%s", name, 1)))
		if got := strings.TrimSpace(errorText(err)); got != says {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMistakesInCopiesAreNamed(t *testing.T) {
	_, err := environment.Load([]byte(`environments:
  a:
    {account: "210987654321", region: eu-north-1, prefix: a, customerKeys: true,
    evidenceReplica: {bucket: Proof},
    backupVault: my-vault}
  b:
    {account: "210987654321", region: eu-north-1, prefix: b,
    evidenceReplica: {bucket: proof, account: 210987654323, key: "arn:aws:kms:eu-west-1:210987654321:key/7d"},
    backupVault: "arn:aws:backup:eu-north-1:210987654321:backup-vault:quiet"}
  c:
    {account: "210987654321", region: eu-north-1, prefix: c, customerKeys: true,
    evidenceReplica: {account: "210987654321", key: my-key}}
`))
	want := []string{
		"line 4: bucket: must be the name of a bucket",
		"line 4: key is missing: with customerKeys, S3 copies nothing without a key in the region of the bucket",
		"line 5: backupVault: must be the ARN of a vault of AWS Backup, as in arn:aws:backup:eu-west-1:ACCOUNT:backup-vault:NAME",
		"line 8: account: must be text: write it in quotation marks",
		"line 8: key: goes with customerKeys: true",
		"line 9: backupVault: is in the account and the region of the environment: name a vault elsewhere",
		"line 12: bucket is missing",
		"line 12: key: must be the ARN of a key of KMS in the region of the bucket",
	}
	if diff := cmp.Diff(want, strings.Split(errorText(err), "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMistakesInDomainsAreNamed(t *testing.T) {
	_, err := environment.Load([]byte(`environments:
  live:
    account: "210987654321"
    region: eu-north-1
    prefix: quiet
    domains:
      acme: {}
      globex: {certificate: "arn:aws:acm:us-east-1:210987654321:certificate/4b1c"}
      initech: {certificate: "arn:aws:acm:eu-north-1:210987654322:certificate/4b1c", zone: acme.no}
      hooli: {certificate: my-certificate, domain: "https://hooli.no", port: 443}
    toolsDomain: {zone: Z0123456789ABC}
  test:
    account: "210987654322"
    region: eu-north-1
    prefix: quiet
    domains:
      acme: {zone: Z0123456789ABC}
`))
	want := []string{
		"line 7: name the certificate of the domain, or the zone in which the stack can make one",
		"line 8: certificate: must be in the region and the account of the environment, eu-north-1 and 210987654321: API Gateway takes no other",
		"line 9: certificate: must be in the region and the account of the environment, eu-north-1 and 210987654321: API Gateway takes no other",
		"line 9: zone: must be the id of a hosted zone of Route 53, as in Z0123456789ABC",
		"line 10: certificate: must be the ARN of a certificate of ACM, as in arn:aws:acm:eu-north-1:ACCOUNT:certificate/…",
		"line 10: domain: must be a host name in lower case, without scheme or path",
		"line 10: port is not a field here",
		"line 11: domain is missing",
		"line 13: domains: acme has the domain of live already: give its links another one here with `domain`",
	}
	if diff := cmp.Diff(want, strings.Split(errorText(err), "\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
