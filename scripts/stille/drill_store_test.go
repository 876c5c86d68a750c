//go:build store

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/operator"
	"stille/shared/purge"
	"stille/shared/retention"
)

func TestARestoreIsRehearsed(t *testing.T) {
	d := deploy(t)
	db := dynamotest.Client(t)
	d.on.Drill = drillOn(dynamo.Drills(db, names.Deployed{Stack: d.name}))
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
