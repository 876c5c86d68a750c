//go:build store

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/operator/files"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
	"stille/shared/retention"
)

func TestARestoreIsRehearsed(t *testing.T) {
	d := deploy(t)
	db := dynamotest.Client(t)
	d.on.Drill, d.on.Signer = drillOn(dynamo.Drills(db, names.Deployed{Stack: d.name})), purgetest.NewEvidence(t)
	for n := range 5 {
		key := d.key(t, contact.Email, fmt.Sprintf("person-%d@example.no", n))
		record := retention.Record{ID: fmt.Sprintf("sub-%d", n), Subject: key, Scope: "acme", Basis: retention.Consent, OccurredAt: at.Add(-time.Hour), Start: at.Add(-time.Hour)}
		if _, err := d.records.Put(t.Context(), retention.Messaging, record, func(retention.Record) error { return nil }, key); err != nil {
			t.Fatal(err)
		}
	}
	d.run(t, "add", "email", "person-0@example.no", "--scope", "acme", "--reason", "unsubscribed").ended(t, exitDone)
	d.run(t, "mend", "messaging").ended(t, exitDone)
	before := d.run(t, "status", "--json").out

	out := t.TempDir()
	got := answers[operator.Drilled](t, d.run(t, "drill", "restore", "messaging", "--out", out, "--json").ended(t, exitDone))[0]
	if !got.Passed || got.Copied != 5 || got.Mended != (purge.Mended{Scanned: 5, Stamped: 5, Withdrawn: 1, Claimed: 5}) || got.Again != (purge.Mended{Scanned: 5}) {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(purge.Twins{Compared: 5, Same: 5}, got.Twins); diff != "" {
		t.Errorf("twins (-want +got)\n%s", diff)
	}
	var file operator.Drilled
	if err := json.Unmarshal([]byte(contentOf(t, got.File)), &file); err != nil || file.Copied != 5 || !file.Passed {
		t.Errorf("the certificate: %+v, error %v", file, err)
	}
	folder := filepath.Dir(got.File)
	verified := answers[files.Verification](t, d.run(t, "certificate", "verify", folder, "--fingerprint", got.Fingerprint, "--json").ended(t, exitDone))[0]
	if diff := cmp.Diff(file, *verified.Drill, cmpopts.IgnoreFields(file, "Bundle")); diff != "" || !verified.Valid || verified.Fingerprint != got.Fingerprint {
		t.Errorf("verified %v (-want +got)\n%s", verified.Valid, diff)
	}
	d.run(t, "certificate", "verify", folder, "--fingerprint", strings.Repeat("0", 64)).ended(t, exitFailed)
	better := strings.Replace(contentOf(t, got.File), `"copied": 5`, `"copied": 6`, 1)
	if err := os.WriteFile(got.File, []byte(better), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(t, "certificate", "verify", folder).ended(t, exitFailed)
	if after := d.run(t, "status", "--json").out; after != before {
		t.Errorf("before %s, after %s", before, after)
	}
	list, err := db.ListTables(t.Context(), nil)
	if err != nil || strings.Contains(strings.Join(list.TableNames, " "), string(d.name)+"-records-messaging-drill") {
		t.Errorf("left %v, error %v", list.TableNames, err)
	}

	// A place that no repair gives, and a twin that was written meanwhile.
	item := dynamotest.Stores(db, d.name).Items(t, "messaging")["sub-1"]
	item[names.AttrRetentionSort] = "2020-01-01T00:00:00Z"
	dynamotest.Put(t, db, d.name.Records("messaging"), item)
	failed := d.run(t, "drill", "restore", "messaging", "--out", out, "--json").ended(t, exitFailed)
	got = answers[operator.Drilled](t, failed)[0]
	if diff := cmp.Diff(purge.Twins{Compared: 5, Same: 4, Different: []purge.Twin{{ID: "sub-1", Attributes: []string{names.AttrRetentionSort}}}}, got.Twins); diff != "" || got.Passed {
		t.Errorf("twins (-want +got)\n%s", diff)
	}
	if files, err := os.ReadDir(out); err != nil || len(files) == 0 {
		t.Errorf("%d certificates, error %v", len(files), err)
	}
	d.on.Drill = nil
	d.run(t, "drill", "restore", "messaging").ended(t, exitUsage)
}
