package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stille/shared/retention"
)

func TestALineForEachFigureThatIsMeasuredOnce(t *testing.T) {
	const printed = `goos: linux
BenchmarkPlan/once-2   	       1	21000 ns/op	        12.50 PlanMicros-ours	        25.00 PlanMicros-raw	        66.00 PlanUnits-ours	        64.00 PlanUnits-raw
BenchmarkOther/once    	       1	21000 ns/op	         3.000 Other-ours	         2.000 Other-raw	  12 B/op
BenchmarkPurgeDelete/raw-2	       1	21000 ns/op
PASS
`
	want := []string{
		"BENCH Other ratio=1.50 ours=3 raw=2",
		"BENCH PlanMicros ratio=0.50 ours=12.5 raw=25 bar=1.30",
		"BENCH PlanUnits ratio=1.03 ours=66 raw=64 bar=1.10",
	}
	if diff := cmp.Diff(want, summariseOnce(printed)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestTheCostOfADaysDeletionsIsTheEstimates(t *testing.T) {
	const want = "cost other due=6400000 writes=32.1M reads=13.1M files=129408 time=54m0s dollars=22.60"
	if got := costLine("other", 6_400_000); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestMemoryIsHeldAgainstItsBar(t *testing.T) {
	for step, want := range map[string]string{
		"purge-delete": "BENCH Memory/purge-delete ratio=1.25 ours=25MB raw=20MB took=2s bar=128MB",
		"purge-plan":   "BENCH Memory/purge-plan ratio=1.25 ours=25MB raw=20MB took=2s",
	} {
		if got := memoryLine(step, 25, 20, 2*time.Second); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestThePeakIsReadFromTheStatusOfAProcess(t *testing.T) {
	if got, err := peakIn("Name:\tbootstrap\nVmPeak:\t 1240044 kB\nVmHWM:\t   50000 kB\nVmRSS:\t   17000 kB\n"); got != 51.2 || err != nil {
		t.Errorf("%v megabytes, error %v", got, err)
	}
	if got, err := peakIn("Name:\tbootstrap\n"); err == nil {
		t.Errorf("%v megabytes of a process that does not say", got)
	}
}

// ask sends one request to the crowd, as the SDK does.
func ask(t *testing.T, c *crowd, operation, body string) string {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, req)
	return answer.Body.String()
}

func TestTheCrowdShowsEveryRecordOnceUntilItIsPurged(t *testing.T) {
	const due = 200
	c, err := newCrowd(retention.Messaging, benchRun, due)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for n := range retention.Shards {
		body := call{IndexName: "due", Limit: 3, ExpressionAttributeValues: attributes{":shard": {S: retention.ShardName(n)}}}
		for more := true; more; {
			asked, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			var answer struct {
				Items            []attributes
				LastEvaluatedKey attributes
			}
			if err := json.Unmarshal([]byte(ask(t, c, "Query", string(asked))), &answer); err != nil {
				t.Fatal(err)
			}
			seen += len(answer.Items)
			body.ExclusiveStartKey, more = answer.LastEvaluatedKey, answer.LastEvaluatedKey != nil
		}
	}
	if seen != due {
		t.Errorf("%d of %d records were seen", seen, due)
	}
	const keys = `{"RequestItems":{"bench-records-messaging":{"Keys":[{"id":{"S":"sub-0a-000000001"}},{"id":{"S":"sub-0a-000000002"}}]}}}`
	if got := strings.Count(ask(t, c, "BatchGetItem", keys), `"retentionStart"`); got != 2 {
		t.Errorf("%d of two records are there", got)
	}
	c.purged = true
	if got := ask(t, c, "BatchGetItem", keys) + ask(t, c, "Query", `{"IndexName":"due","Limit":3}`); strings.Contains(got, "sub-") {
		t.Errorf("what was purged is there: %s", got)
	}
}

// read gets what the crowd has in its buckets.
func read(t *testing.T, c *crowd, path string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer.Body.String()
}

func TestTheCrowdHasTheManifestOfEveryRecord(t *testing.T) {
	const perShard = 150 // two pages
	c, err := newCrowd(retention.Messaging, benchRun, perShard*retention.Shards)
	if err != nil {
		t.Fatal(err)
	}
	listed := read(t, c, "/manifests?list-type=2&prefix=purges/messaging/run-1/0a/")
	ids, outcomes := 0, 0
	for _, key := range regexp.MustCompile(`<Key>([^<]+)</Key>`).FindAllStringSubmatch(listed, -1) {
		file := read(t, c, "/manifests/"+key[1])
		outcomes += strings.Count(file, "deleted")
		ids += strings.Count(file, "sub-0a-")
	}
	if ids != 2*perShard || outcomes != perShard {
		t.Errorf("%d ids and %d outcomes of %d records:\n%s", ids, outcomes, perShard, listed)
	}
	if got := read(t, c, "/evidence/certificates/public-key.pem"); !strings.Contains(got, "NoSuchKey") {
		t.Errorf("there is more than the manifest: %s", got)
	}
}
