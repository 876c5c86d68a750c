package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// fewDue are the due records of the small purge.
const fewDue = 1_000

// millions are the due records of the large purges. Memory must not grow with them.
func millions() []int { return []int{1, 2, 4} }

// BenchmarkMemory measures the peak memory of each step of a purge, started as
// Lambda starts it: that of large purges against that of a small one. One container
// works on every shard, one shard after the other.
func BenchmarkMemory(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		programs := buildPrograms(b, "functions/"+names.PurgePlan, "functions/"+names.PurgeDelete, "functions/"+names.PurgeVerify)
		class, _ := loadPolicy(b).Class(retention.Messaging)
		var (
			group sync.WaitGroup // each process waits most of the time
			mu    sync.Mutex
		)
		for step, program := range programs {
			group.Go(func() {
				measure := func(due int, names ...string) {
					peak, err := stepMemory(b, step, program, class.Hash(), due)
					if err != nil {
						b.Errorf("%s with %d records: %v", step, due, err)
					}
					mu.Lock()
					defer mu.Unlock()
					for _, name := range names {
						b.ReportMetric(peak, name)
					}
				}
				var small []string
				for _, n := range millions() {
					name := fmt.Sprintf("Memory/%s/%dM", step, n)
					measure(n*1_000_000, name+"-ours-MB")
					small = append(small, name+"-raw-MB")
				}
				measure(fewDue, small...)
			})
		}
		group.Wait()
	})
}

func loadPolicy(b *testing.B) *retention.Policy {
	b.Helper()
	file, err := os.ReadFile(filepath.Join(policyFolder, names.RetentionFile))
	if err != nil {
		b.Fatal(err)
	}
	policy, err := retention.LoadPolicy(file)
	if err != nil {
		b.Fatal(err)
	}
	return policy
}

// stepMemory runs a step over a number of due records and returns the peak of
// its memory in megabytes.
func stepMemory(b *testing.B, step, program, policyHash string, due int) (float64, error) {
	everything := newCrowd(b, due)
	everything.purged = step == names.PurgeVerify
	server := httptest.NewServer(everything)
	defer server.Close()
	peak, _, err := run(b, program, server.URL, due, eventsOf(step, policyHash))
	if deleted := everything.deleted.Load(); err == nil && step == names.PurgeDelete && deleted != int64(due) {
		return 0, fmt.Errorf("it deleted %d", deleted)
	}
	return peak, err
}

// answer is what every step answers, as far as a benchmark reads it.
type answer struct {
	Next    purge.Next
	Done    bool
	Due     int
	Counts  struct{ Deleted int }
	Outcome certificate.Outcome

	PlanHash string
	Shards   []purge.Work
}

// run starts the program of a step, which AWS at the endpoint serves, hands it the
// events one by one, and returns the peak of its memory in megabytes and the last
// answer. Each answer must be about the number of due records, or done.
func run(b *testing.B, program, endpoint string, due int, events []any, environment ...string) (float64, answer, error) {
	var last answer
	p, err := startProcess(b.Context(), program, endpoint,
		append(environment, names.VarVersion+"="+benchRun, names.VarManifestBucket+"=manifests", names.VarEvidenceBucket+"=evidence")...)
	if err != nil {
		return 0, last, err
	}
	defer p.end()
	for _, event := range events {
		answered, err := p.invoke(b.Context(), []byte(marshal(event)))
		if err != nil {
			return 0, last, err
		}
		last = answer{}
		if err := json.Unmarshal([]byte(answered), &last); err != nil || !last.Done && last.Due != due && last.Counts.Deleted != due {
			return 0, last, fmt.Errorf("it answered: %.300s", answered)
		}
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, last, fmt.Errorf("memory is measured on Linux only: %w", err)
	}
	peak, err := peakIn(string(status))
	return peak, last, err
}

// eventsOf lists the events of a step in one run.
func eventsOf(step, policyHash string) []any {
	if step != names.PurgeDelete {
		return []any{execution(benchRun, nil)}
	}
	var events []any
	for n := range retention.Shards {
		events = append(events, purge.Work{
			Class: retention.Messaging, Run: benchRun, Cutoff: time.Now().UTC(), Shard: retention.ShardName(n), PolicyHash: policyHash,
		})
	}
	return events
}

// execution is the event that starts a run, and that ends it.
func execution(run string, input map[string]any) map[string]any {
	return map[string]any{"class": retention.Messaging, "run": run, "machine": "arn", "startedAt": time.Now().UTC(), "input": input}
}

// peakIn reads the peak memory in megabytes from Linux's status of a process.
func peakIn(status string) (float64, error) {
	found := regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`).FindStringSubmatch(status)
	if found == nil {
		return 0, errors.New("the status of the process has no peak")
	}
	kilobytes, err := strconv.Atoi(found[1])
	return float64(kilobytes) * 1024 / 1e6, err
}

func TestPeakIsReadFromProcessStatus(t *testing.T) {
	if got, err := peakIn("Name:\tbootstrap\nVmPeak:\t 1240044 kB\nVmHWM:\t   50000 kB\nVmRSS:\t   17000 kB\n"); got != 51.2 || err != nil {
		t.Errorf("%v megabytes, error %v", got, err)
	}
	if got, err := peakIn("Name:\tbootstrap\n"); err == nil {
		t.Errorf("%v megabytes of a status without a peak", got)
	}
}
