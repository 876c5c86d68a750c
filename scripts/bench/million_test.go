package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"stille/shared/aws/dynamo"
	"stille/shared/aws/dynamo/dynamotest"
	"stille/shared/aws/evidence"
	"stille/shared/aws/objects/objectstest"
	"stille/shared/certificate"
	"stille/shared/contact"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// certified is the number of due records of BenchmarkCertified. The environment
// variable lets a smaller run show that the benchmark works.
func certified(b *testing.B) int {
	if few := os.Getenv("BENCH_CERTIFIED"); few != "" {
		n, err := strconv.Atoi(few)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return 1_000_000
}

// BenchmarkCertified deletes a million records of a real store by the programs of the
// functions, and measures the peak memory of each step. The brake halts the first run,
// because every record of the class is due; the second run carries out the approved
// plan. The certificates of both must verify, and count every record.
func BenchmarkCertified(b *testing.B) {
	b.Run("once", func(b *testing.B) {
		due := certified(b)
		programs := buildPrograms(b, "functions/"+names.PurgePlan, "functions/"+names.PurgeDelete, "functions/"+names.PurgeVerify)
		db, stack := dynamotest.Tables(b, retention.Messaging)
		stores := dynamotest.Stores(db, stack)
		for first := 0; first < due; first += purge.MaxDeletes {
			stores.Plant(b, retention.Messaging, dueFrom(first, min(due, first+purge.MaxDeletes))...)
		}
		files, rest := objectstest.NewFiles(1000), newCrowd(b, due)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Header.Get("X-Amz-Target") != "" {
				rest.ServeHTTP(w, req)
				return
			}
			files.ServeHTTP(w, req)
		}))
		defer server.Close()
		options := db.Options()
		key, err := options.Credentials.Retrieve(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		step := func(step string, deleted int, events ...any) answer {
			began := time.Now()
			peak, last, err := run(b, programs[step], server.URL, deleted, events,
				names.VarStack+"="+string(stack), "AWS_ENDPOINT_URL_DYNAMODB="+*options.BaseEndpoint, "AWS_ACCESS_KEY_ID="+key.AccessKeyID)
			if err != nil {
				b.Fatalf("%s: %v", step, err)
			}
			b.Logf("%s: %.1f MB, %v", step, peak, time.Since(began).Round(time.Second))
			b.ReportMetric(peak, "Memory/certified/"+step+"-ours-MB")
			b.ReportMetric(peak, "Memory/certified/"+step+"-raw-MB")
			return last
		}

		plan := step(names.PurgePlan, due, execution("run-1", nil))
		if halted := step(names.PurgeVerify, 0, execution("run-1", nil)); plan.Next != purge.NextHalt || halted.Outcome != certificate.Halted {
			b.Fatalf("the first run is %s and %s, want it halted", plan.Next, halted.Outcome)
		}
		approval := purge.Approval{PlanHash: plan.PlanHash, By: "arn:aws:iam::111122223333:user/kari", At: time.Now()}
		if err := dynamo.NewRuns(db, stack).Approve(b.Context(), retention.Messaging, approval); err != nil {
			b.Fatal(err)
		}
		plan = step(names.PurgePlan, due, execution("run-2", map[string]any{"approved": plan.PlanHash}))
		var work []any
		for _, shard := range plan.Shards {
			work = append(work, shard)
		}
		step(names.PurgeDelete, due, work...)
		if ended := step(names.PurgeVerify, due, execution("run-2", nil)); ended.Outcome != certificate.Completed {
			b.Fatalf("the second run is %s", ended.Outcome)
		}
		certificates := evidence.NewCertificates(s3.New(s3.Options{
			BaseEndpoint: &server.URL, Region: options.Region, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		}), "evidence")
		for run, want := range map[string]certificate.Counts{"run-1": {Due: due}, "run-2": {Due: due, Deleted: due}} {
			if got, err := verified(b.Context(), certificates, run); err != nil || got != want {
				b.Errorf("the certificate of %s: %+v, error %v", run, got, err)
			}
		}
	})
}

// verified verifies a run's certificate with all its lists, and returns the counts.
func verified(ctx context.Context, in *evidence.Certificates, run string) (certificate.Counts, error) {
	signed, err := in.Load(ctx, retention.Messaging, run)
	if err != nil {
		return certificate.Counts{}, err
	}
	keys, err := in.PublicKeys(ctx)
	if err != nil {
		return certificate.Counts{}, err
	}
	c, err := certificate.Verify(signed, func(shard string) ([]byte, error) {
		return in.LoadList(ctx, retention.Messaging, run, shard)
	}, keys...)
	return c.Counts, err
}

// dueFrom returns the due records from first to before end, spread over the shards.
func dueFrom(first, end int) []map[string]any {
	var items []map[string]any
	for n := first; n < end; n++ {
		shard := retention.ShardName(n % retention.Shards)
		items = append(items, map[string]any{
			names.AttrID: idIn(shard, n), names.AttrSubject: string(contact.Key(fmt.Sprintf("%048d", n))), names.AttrScope: "acme",
			names.AttrBasis: string(retention.Consent), names.AttrOccurredAt: startOfAll, names.AttrRetentionStart: startOfAll,
			names.AttrRetentionSort: startOfAll, names.AttrRetentionShard: shard,
		})
	}
	return items
}
