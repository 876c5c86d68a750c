//go:build store

package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/google/go-cmp/cmp"

	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/certificate"
	"stille/shared/operator"
	"stille/shared/purge"
	"stille/shared/retention"
)

func (d *deployed) status(t *testing.T) (string, operator.Status) {
	t.Helper()
	got := d.run(t, "status").ended(t, exitDone)
	inJSON := answers[operator.Status](t, d.run(t, "status", "--json").ended(t, exitDone))
	return got.out, inJSON[0]
}

func TestWhereAllIsWellThereIsNothingToDo(t *testing.T) {
	d := deploy(t)
	if _, err := d.runs.Start(t.Context(), run1()); err != nil {
		t.Fatal(err)
	}
	d.certify(t.Context(), t, run1(), certificate.Completed, certificate.Counts{Due: 3, Deleted: 2, Held: 1}, "a", "b")
	audit := runOf("audit-1", 1)
	audit.Audit = true
	if _, err := d.runs.Start(t.Context(), audit); err != nil {
		t.Fatal(err)
	}
	d.messages.add(queue{d.name, "purge-missed", true, "0"})
	d.ages[d.messages.add(queue{d.name, "feedback-queue", false, "7"})] = []float64{90, 7}
	d.ages[d.messages.add(queue{d.name, "waiting-dead", true, "0"})] = []float64{0}
	d.rotates.answer = `{"sets":[{"set":"contact","keys":[{"id":"0a1b2c3d","created":"2026-11-20T00:00:00Z","primary":true,"ageDays":2}]}]}`
	d.messages.add(queue{d.name + "-two", "purge-missed", true, "9"}) // another stack's
	text, inJSON := d.status(t)
	for _, says := range []string{
		"communication  none yet    -    -        -     -       -                     2026-11-23T02:30:00Z  0\n",
		"messaging      COMPLETED   3    2        1     0       2026-11-22T03:00:00Z  2026-11-23T02:40:00Z  0\n",
		"feedback-queue  7         1m30s   messages on their way\n",
		"purge-missed    0         -       dead letters\n",
		"waiting-dead    0         0s      dead letters\n",
		"contact  0a1b2c3d     2026-11-20T00:00:00Z  2\n",
		d.name.Suppressions() + "           ACTIVE  ",
		"\nnothing to do\n",
	} {
		if !strings.Contains(text, says) {
			t.Errorf("it does not say %q:\n%s", says, text)
		}
	}
	if strings.Contains(text, "over a year") || *inJSON.Queues[0].OldestSeconds != 90 || inJSON.Queues[1].OldestSeconds != nil {
		t.Errorf("of ages it says %+v and\n%s", inJSON.Queues, text)
	}
	if inJSON.Next != "" || len(inJSON.Queues) != 3 || len(inJSON.Tables) != 11 {
		t.Errorf("in JSON it answers %+v", inJSON)
	}
}

func TestWhatNeedsSomebodyIsNamedWithTheCommandForIt(t *testing.T) {
	start := func(t *testing.T, d *deployed) {
		t.Helper()
		if _, err := d.runs.Start(t.Context(), run1()); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		make func(t *testing.T, d *deployed)
		says []string
		next string
	}{
		"a plan waits": {func(t *testing.T, d *deployed) {
			err := d.runs.Halt(t.Context(), purge.HaltedPlan{Class: "messaging", Run: "run-0", PlanHash: aPlan, HaltedAt: at, Reasons: []string{"2000 of about 3000 records are due, more than a fifth"}})
			if err != nil {
				t.Fatal(err)
			}
		}, []string{"messaging: the brake halted the purge run-0 at 2026-11-22T03:00:00Z\n  because  2000 of about 3000 records are due, more than a fifth\n  approve  stille purge approve " + aPlan},
			"stille purge approve " + aPlan},
		"a plan waits for too long": {func(t *testing.T, d *deployed) { d.halted(t, "", at.Add(-8*24*time.Hour)) }, nil, "stille purge run messaging"},
		"a purge goes on": {func(t *testing.T, d *deployed) {
			start(t, d)
			d.machines.looks = 100
		}, []string{"messaging: the purge run-1, started at 2026-11-22T03:00:00Z, is going on\n", "nothing to do"}, ""},
		"a purge goes on after one that was halted": {func(t *testing.T, d *deployed) {
			d.certify(t.Context(), t, purge.Run{Class: "messaging", ID: "run-0", StartedAt: at, PlanHash: aPlan}, certificate.Halted, certificate.Counts{Due: 2})
			start(t, d)
			d.machines.looks = 100
		}, []string{"messaging      HALTED ", "is going on\n", "nothing to do"}, ""},
		"a purge was killed": {func(t *testing.T, d *deployed) {
			start(t, d)
			d.machines.ends = func(context.Context) types.ExecutionStatus { return types.ExecutionStatusAborted }
		}, []string{"run-1, started at 2026-11-22T03:00:00Z, was killed"}, "stille purge run messaging"},
		"the last purge failed": {func(t *testing.T, d *deployed) {
			start(t, d)
			d.certify(t.Context(), t, run1(), certificate.Failed, certificate.Counts{Due: 1, Failed: 1})
		}, []string{"messaging: the last purge ended as FAILED\nnext: "}, "stille purge show run-1"},
		"records are overdue": {func(t *testing.T, d *deployed) {
			d.store(t, day(2024, 11, 19), day(2024, 11, 19), day(2024, 11, 21)) // the last is due for some hours only
			d.hold(t, retention.RecordTarget("messaging", "sub-1"))
		}, []string{"messaging: 1 records are overdue, due for over 26 hours", "messaging: 1 records would be overdue, and a hold keeps them"}, "stille purge plan messaging"},
		"a message was put aside": {func(_ *testing.T, d *deployed) { d.messages.add(queue{d.name, "stamp-parked", true, "1"}) },
			[]string{"a message is in the dead-letter queue stamp-parked: RUNBOOK.md says"}, "aws sqs receive-message --queue-url https://sqs/1/"},
	} {
		t.Run(name, func(t *testing.T) {
			d := deploy(t)
			c.make(t, d)
			text, inJSON := d.status(t)
			for _, says := range c.says {
				if !strings.Contains(text, says) {
					t.Errorf("it does not say %q:\n%s", says, text)
				}
			}
			if !strings.HasPrefix(inJSON.Next, c.next) || (inJSON.Next == "") != (c.next == "") {
				t.Errorf("next is %q, want %q", inJSON.Next, c.next)
			}
		})
	}
}

func TestAMissingTableIsNamed(t *testing.T) {
	d := deploy(t)
	d.rotates.policy = strings.ReplaceAll(policyText(), "class: service", "class: letters")
	text := d.run(t, "status").ended(t, exitDone).out
	if !strings.Contains(text, d.name.Records("letters")+"        MISSING  0\n") || !strings.HasSuffix(text, "a table is missing, or not ready\nnext: make deploy\n") {
		t.Errorf("it says\n%s", text)
	}
}

func TestAWithdrawnRecordAndOneThatIsBeingPurged(t *testing.T) {
	d := deploy(t)
	d.store(t, day(2026, 11, 1))
	stored, err := d.records.Get(t.Context(), "messaging", "sub-0")
	if err != nil {
		t.Fatal(err)
	}
	if done, err := d.records.Withdraw(t.Context(), "messaging", stored, day(2026, 11, 21)); err != nil || !done {
		t.Fatalf("withdrawn %v, error %v", done, err)
	}
	got := d.run(t, "proof", "messaging", "sub-0").ended(t, exitDone)
	want := "due      it is still here, and the next purge of messaging takes it up\n" +
		"day      withdrawn, so due from 2026-11-21T12:00:00Z\n"
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	dynamotest.Put(t, dynamotest.Client(t), d.name.Records("messaging"), map[string]any{"id": "marked", "purgingBy": "run-7"})
	got = d.run(t, "proof", "messaging", "marked").ended(t, exitDone)
	want = "purging  the run run-7 has marked it: its objects go, and then it goes\n" +
		"day      none: it has not ended\n"
	if diff := cmp.Diff(want, got.out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOnATerminalABarShowsHowMuchIsGone(t *testing.T) {
	d := deploy(t)
	d.store(t, day(2024, 11, 21), day(2023, 1, 2))
	d.machines.looks = 2
	run := run1()
	run.Planned = 4
	d.machines.planned = func(ctx context.Context) {
		if _, err := d.runs.Start(ctx, run); err != nil {
			t.Error(err)
		}
	}
	d.machines.ends = func(context.Context) types.ExecutionStatus { return types.ExecutionStatusSucceeded }
	var said bytes.Buffer
	now := at
	s := &session{opened: d.system, stderr: &said, now: func() time.Time { return now }, sleep: func(_ context.Context, d time.Duration) error {
		now = now.Add(d)
		return nil
	}}
	started, err := d.system.operator(s).StartPurge(t.Context(), "messaging")
	if err != nil {
		t.Fatal(err)
	}
	f := follower{progress: &progress{session: s, terminal: true}, purge: started, begun: at}
	if err := f.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	const bar, clear = "[###############...............] 2 of 4 gone, ", "\r\x1b[K"
	want := clear + "planned: 4 due at 2026-11-22T03:00:00Z\n" + clear + bar + "0s" + clear + bar + "1s" + clear
	if diff := cmp.Diff(want, said.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
