//go:build infra

package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnlyPurgeDeleteDeletesObjectsInPolicyBuckets(t *testing.T) {
	const stanza = `
  - class: %
    promise: P1Y
    keep: P300D
    anchor: the letter
    schedule: cron(15 5 * * ? *)
    owner: service
    legalBasis: GDPR art. 6(1)(b)
    sentence: Letters are deleted after a year.
    buckets: [acme-letters, acme.scans]
`
	made := synthesise(onAWS(), awsSettings(), []string{strings.Replace(stanza, "%", "letters", 1), strings.Replace(stanza, "%", "scans", 1)})
	got := map[string][]string{}
	for role, lines := range made.rights() {
		for _, line := range lines {
			if strings.Contains(line, "acme") {
				got[role] = append(got[role], line)
			}
		}
	}
	const arn = " "
	want := map[string][]string{"purgedeleterole": {
		"s3:DeleteObject" + arn + "acme-letters/*", "s3:DeleteObject" + arn + "acme.scans/*",
		"s3:DeleteObjectVersion" + arn + "acme-letters/*", "s3:DeleteObjectVersion" + arn + "acme.scans/*",
		"s3:ListBucketVersions" + arn + "acme-letters", "s3:ListBucketVersions" + arn + "acme.scans",
	}}
	for _, lines := range got {
		slices.Sort(lines)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rights in the buckets (-want +got):\n%s", diff)
	}
}

func TestPrefixPerScopeLimitsTheRightToDelete(t *testing.T) {
	const stanza = `
  - class: %
    promise: P1Y
    keep: P300D
    anchor: the letter
    schedule: cron(15 5 * * ? *)
    owner: service
    legalBasis: GDPR art. 6(1)(b)
    sentence: Letters are deleted after a year.
    buckets: [acme-letters]
`
	rights := func(stanzas ...string) (lines []string) {
		for _, line := range synthesise(onAWS(), awsSettings(), stanzas).rights()["purgedeleterole"] {
			if strings.HasPrefix(line, "s3:DeleteObject ") {
				lines = append(lines, line)
			}
		}
		slices.Sort(lines)
		return lines
	}
	limited := strings.Replace(stanza, "%", "letters", 1) + "    bucketPrefix: scope\n"
	below := rights(limited)
	if len(below) == 0 {
		t.Error("it may delete nothing")
	}
	for _, line := range below {
		if line == "s3:DeleteObject acme-letters/*" || !strings.HasSuffix(line, "/*") || strings.Count(line, "/") != 2 {
			t.Errorf("it may %s", line)
		}
	}
	if got := rights(limited, strings.Replace(stanza, "%", "scans", 1)); len(got) != 1 || got[0] != "s3:DeleteObject acme-letters/*" {
		t.Errorf("with a class of any key it may %v", got)
	}
}
