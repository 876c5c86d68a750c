package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// How many records are due in the small purge and in the large one.
const (
	fewDue  = 1_000
	manyDue = 1_000_000
)

const benchRun = "run-1"

// memoryLines gives a line for each step of a purge: the most memory that its
// process, started as Lambda starts it, takes for a large purge and for a small
// one. One container takes every shard, one after the other.
func memoryLines(ctx context.Context) ([]string, error) {
	steps := []string{names.PurgePlan, names.PurgeDelete, names.PurgeVerify}
	var folders []string
	for _, step := range steps {
		folders = append(folders, "functions/"+step)
	}
	programs, err := buildPrograms(ctx, folders...)
	if err != nil {
		return nil, err
	}
	lines := make([]string, len(steps))
	group, ctx := errgroup.WithContext(ctx) // each process waits most of the time
	for n, step := range steps {
		group.Go(func() (err error) {
			lines[n], err = compareMemory(ctx, step, programs[step])
			return err
		})
	}
	return lines, group.Wait()
}

func compareMemory(ctx context.Context, step, program string) (string, error) {
	began := time.Now()
	few, err := stepMemory(ctx, step, program, fewDue)
	if err != nil {
		return "", fmt.Errorf("%s with %d records: %w", step, fewDue, err)
	}
	many, err := stepMemory(ctx, step, program, manyDue)
	if err != nil {
		return "", fmt.Errorf("%s with %d records: %w", step, manyDue, err)
	}
	return memoryLine(step, many, few, time.Since(began)), nil
}

func memoryLine(step string, many, few float64, took time.Duration) string {
	line := fmt.Sprintf("BENCH Memory/%s ratio=%.2f ours=%.0fMB raw=%.0fMB took=%s", step, many/few, many, few, short(took))
	if bar := memoryBars()[step]; bar > 0 {
		line += fmt.Sprintf(" bar=%dMB", bar)
	}
	return line
}

// memoryBars are the most megabytes that a step should take for manyDue.
func memoryBars() map[string]int { return map[string]int{names.PurgeDelete: 128} }

// stepMemory runs a step over so many due records and returns the megabytes it
// took at most.
func stepMemory(ctx context.Context, step, program string, due int) (float64, error) {
	policies, err := filepath.Abs("scripts/local")
	if err != nil {
		return 0, err
	}
	file, err := os.ReadFile(filepath.Join(policies, names.RetentionFile))
	if err != nil {
		return 0, err
	}
	policy, err := retention.LoadPolicy(file)
	if err != nil {
		return 0, err
	}
	everything, err := newCrowd(retention.Messaging, benchRun, due)
	if err != nil {
		return 0, err
	}
	everything.purged = step == names.PurgeVerify
	server := httptest.NewServer(everything)
	defer server.Close()
	p, err := startProcess(ctx, program, []string{
		names.VarStack + "=" + string(benchStack), names.VarVersion + "=" + benchRun, names.VarManifestBucket + "=manifests", names.VarEvidenceBucket + "=evidence",
		"LAMBDA_TASK_ROOT=" + policies, "AWS_LAMBDA_FUNCTION_NAME=" + step,
		"AWS_REGION=eu-north-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL=" + server.URL,
	})
	if err != nil {
		return 0, err
	}
	defer p.end()
	for _, event := range eventsOf(step, policy.Hash()) {
		if err := p.work(ctx, event, due); err != nil {
			return 0, err
		}
	}
	if deleted := everything.deleted.Load(); step == names.PurgeDelete && deleted != int64(due) {
		return 0, fmt.Errorf("it deleted %d", deleted)
	}
	return p.peak()
}

// eventsOf are what a step gets in one run.
func eventsOf(step, policyHash string) []any {
	if step != names.PurgeDelete {
		return []any{map[string]any{
			"class": retention.Messaging, "run": benchRun, "machine": "arn", "startedAt": time.Now().UTC(), "input": map[string]any{},
		}}
	}
	var events []any
	for n := range retention.Shards {
		events = append(events, purge.Work{
			Class: retention.Messaging, Run: benchRun, Cutoff: time.Now().UTC(), Shard: retention.ShardName(n), PolicyHash: policyHash, CodeVersion: benchRun,
		})
	}
	return events
}

// work has the step take an event, and checks that it came to its end.
func (p *process) work(ctx context.Context, event any, due int) error {
	encoded, err := json.Marshal(event)
	if err != nil {
		return err
	}
	answered, err := p.invoke(ctx, encoded)
	if err != nil {
		return err
	}
	var answer struct {
		Done    bool
		Due     int
		Outcome string
		Counts  struct{ Deleted int }
	}
	if err := json.Unmarshal([]byte(answered), &answer); err != nil || !answer.Done && answer.Due != due && answer.Counts.Deleted != due {
		return fmt.Errorf("it answered: %.300s", answered)
	}
	return nil
}

// peak is the most memory the process has had so far, in megabytes.
func (p *process) peak() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("memory is measured on Linux only: %w", err)
	}
	return peakIn(string(status))
}

// peakIn reads the peak out of what Linux says of a process.
func peakIn(status string) (float64, error) {
	found := regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`).FindStringSubmatch(strings.TrimSpace(status))
	if found == nil {
		return 0, errors.New("there is no peak in the status of the process")
	}
	kilobytes, err := strconv.Atoi(found[1])
	return float64(kilobytes) * 1024 / 1e6, err
}
