//go:build store

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/contact"
	"stille/shared/ledger"
	"stille/shared/names"
)

func TestReplayRepairsRestoredList(t *testing.T) {
	d := deploy(t)
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	d.run(t, "add", "sms", "+4791234567", "--scope", "acme").ended(t, exitDone)
	forgotten := map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: string(d.key(t, contact.Email, "kari@example.no"))}}
	if _, err := dynamotest.Client(t).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String(d.name.Table(names.TableSuppressions)), Key: forgotten}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		args []string
		out  string
	}{
		{"opt-out is forgotten", []string{"check", "email", "kari@example.no", "--scope", "acme"}, "send\n"},
		{"replay finds it", []string{"replay"}, "histories  2\nlacking    1\nbroken     0\n\nnext: stille replay --repair\n"},
		{"replay changes nothing", []string{"check", "email", "kari@example.no", "--scope", "acme"}, "send\n"},
		{"replay repairs it", []string{"replay", "--repair", "--json"}, `{"histories":2,"lacking":1,"broken":0,"repaired":true}` + "\n"},
		{"opt-out is known", []string{"check", "email", "kari@example.no", "--scope", "acme"}, "do not send: manual in acme since 2026-11-22T03:00:00Z\n"},
		{"nothing is lacking", []string{"replay", "--repair"}, "histories  2\nlacking    0\nbroken     0\n"},
	} {
		got := d.run(t, step.args...).ended(t, codeOf(step.out))
		if diff := cmp.Diff(step.out, got.out); diff != "" {
			t.Errorf("%s (-want +got)\n%s", step.name, diff)
		}
	}
}

func TestBrokenHistoryIsNamedAndLeftAlone(t *testing.T) {
	d := deploy(t)
	d.run(t, "add", "email", "kari@example.no", "--scope", "acme").ended(t, exitDone)
	key := d.key(t, contact.Email, "kari@example.no")
	dynamotest.Put(t, dynamotest.Client(t), d.name.Table(names.TableSuppressions), map[string]any{
		"key": string(key), "channel": "email", "version": 1, "head": "elsewhere", "marks": map[string]any{},
	})
	got := d.run(t, "replay", "--repair").ended(t, exitFailed)
	if diff := cmp.Diff("histories  1\nlacking    0\nbroken     1\n", got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want := "under the key " + key.Short() + ": the ledger's chain is broken: the last entry is not the entry that the suppression names\n" +
		"stille: some histories do not hold together, or items cannot be read; these are left alone\n"
	if diff := cmp.Diff(want, got.errors); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEventsOfTheLedgerAreSentAgain(t *testing.T) {
	d := deploy(t)
	var sent []string
	d.on.Announce = func(_ context.Context, entries []ledger.Entry) error {
		for _, e := range entries {
			sent = append(sent, string(e.Key))
		}
		return nil
	}
	want := []string{}
	for n := range 20 {
		address := fmt.Sprintf("person-%d@example.no", n)
		d.run(t, "add", "email", address, "--scope", "acme").ended(t, exitDone)
		want = append(want, string(d.key(t, contact.Email, address)))
	}
	got := d.run(t, "replay", "--events", "2026-11-22T03:00:00Z").ended(t, exitDone)
	if got.out != "entries    20\nevents     20\nwithdrawn  0\n" {
		t.Errorf("it says %q", got.out)
	}
	slices.Sort(sent)
	slices.Sort(want)
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	for _, mistaken := range [][]string{{"--events", "2026-11-22T03:00:01Z"}, {"--events", "yesterday"}, {"--events", "2026-11-22T03:00:00Z", "--repair"}} {
		d.run(t, append([]string{"replay"}, mistaken...)...).ended(t, exitUsage)
	}
}

// The ledger is set back to a backup: of one contact it lost the end, of another all.
func TestLedgerThatWasSetBackLeavesEveryAnswer(t *testing.T) {
	d := deploy(t)
	db := dynamotest.Client(t)
	kari, ola, per := "kari@example.no", "ola@example.no", "per@example.no"
	d.run(t, "add", "email", kari, "--scope", "acme").ended(t, exitDone)
	d.run(t, "add", "email", per, "--scope", "acme").ended(t, exitDone)
	backup := dynamotest.Items(t, db, d.name.Table(names.TableLedger))
	d.run(t, "add", "email", kari, "--scope", "globex").ended(t, exitDone)
	d.run(t, "add", "email", ola, "--scope", "acme").ended(t, exitDone)
	answers := func() (all string) {
		for _, who := range []string{kari, ola, per} {
			for _, in := range []string{"acme", "globex"} {
				all += d.run(t, "check", "email", who, "--scope", in).out
			}
		}
		return all
	}
	before := answers()
	dynamotest.Restore(t, db, d.name.Table(names.TableLedger), backup, names.AttrKey, names.AttrVersion)
	if diff := cmp.Diff(before, answers()); diff != "" {
		t.Errorf("answers (-before +after)\n%s", diff)
	}
	got := d.run(t, "replay").ended(t, exitFailed)
	for _, who := range []string{kari, ola} {
		if !strings.Contains(got.errors, d.key(t, contact.Email, who).Short()) {
			t.Errorf("the history of %s is not named: %s", who, got.errors)
		}
	}
	if strings.Contains(got.errors, d.key(t, contact.Email, per).Short()) {
		t.Errorf("a whole history is named: %s", got.errors)
	}
	// A contact whose history is lost may still opt out and be released.
	for _, who := range []string{kari, ola} {
		d.run(t, "add", "email", who, "--scope", "acme", "--reason", "objection").ended(t, exitDone)
		d.run(t, "history", "email", who).ended(t, exitFailed)
	}
	d.run(t, "replay", "--repair").ended(t, exitFailed)
	if diff := cmp.Diff(before, answers()); diff != "" {
		t.Errorf("answers after a repair (-before +after)\n%s", diff)
	}
}
