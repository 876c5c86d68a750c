package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stille/shared/aws/keyring"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// crowd is AWS for the steps of one purge run of the class messaging, with a
// number of due records. crowd stores nothing: it derives a record from the
// record's id. It answers the calls of that run only.
type crowd struct {
	due    int
	purged bool   // the manifest says that every record was deleted
	secret string // the proof keys
	key    *ecdsa.PrivateKey

	deleted atomic.Int64
}

var ids = regexp.MustCompile(`sub-(..)-([0-9]{9})`)

const benchRun = "run-1"

// latency is below DynamoDB's. The SDK closes the body of the request once it
// has the answer. If the HTTP client has not yet seen the end of that body, the
// client closes the connection.
const latency = 200 * time.Microsecond

const startOfAll = "2020-01-01T00:00:00Z" // before every class's cutoff

func newCrowd(t testing.TB, due int) *crowd {
	t.Helper()
	secret, err := keyring.NewProofSecret()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &crowd{due: due, secret: secret, key: key}
}

// signed answers as KMS.
func (c *crowd) signed(operation string, body []byte) any {
	var asked struct{ Message []byte }
	if operation == "GetPublicKey" {
		public, _ := x509.MarshalPKIXPublicKey(&c.key.PublicKey) // a key of this curve never fails
		return map[string][]byte{"PublicKey": public}
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil // the SDK cannot read that
	}
	signature, err := ecdsa.SignASN1(rand.Reader, c.key, asked.Message)
	if err != nil {
		return nil
	}
	return map[string][]byte{"Signature": signature}
}

// inShard is the number of records in a shard. They are numbered from 0.
func (c *crowd) inShard(shard string) int {
	for n := range retention.Shards {
		if retention.ShardName(n) == shard {
			return (c.due + retention.Shards - 1 - n) / retention.Shards
		}
	}
	return 0
}

func idIn(shard string, n int) string { return fmt.Sprintf("sub-%s-%09d", shard, n) }

type attribute struct {
	S string `json:"S,omitempty"`
	N string `json:"N,omitempty"`
}

type attributes map[string]attribute

// call holds the fields of a request to DynamoDB that the crowd reads.
type call struct {
	TableName, IndexName      string
	Key                       attributes
	Limit                     int
	ExclusiveStartKey         attributes
	ExpressionAttributeValues attributes
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, operation, found := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	if !found {
		c.serveFiles(w, req)
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the caller has gone
	}
	time.Sleep(latency)
	encoded := []byte(c.answer(operation, body))
	// The SDK compares DynamoDB's checksum.
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(encoded)), 10))
	w.Header().Set("Content-Type", req.Header.Get("Content-Type"))
	_, _ = w.Write(encoded)
}

func (c *crowd) answer(operation string, body []byte) string {
	var answer any = map[string]any{}
	switch operation {
	case "BatchGetItem":
		return c.batch(body)
	case "Query", "GetItem":
		var asked call
		if err := json.Unmarshal(body, &asked); err != nil {
			return "" // the SDK cannot read that
		}
		if operation == "Query" {
			answer = c.query(asked)
		} else if c.purged && asked.Key[names.AttrRun].S == benchRun {
			answer = map[string]any{"Item": c.planned()}
		}
	case "UpdateItem": // a run takes the lock of its class
		answer = map[string]any{"Attributes": attributes{"holder": {S: benchRun}, "turn": {N: "2"}}}
	case "TransactWriteItems":
		c.deleted.Add(int64(len(ids.FindAll(body, -1)))) // each deletion names one id, and nothing else does
	case "DescribeTable":
		answer = map[string]any{"Table": map[string]any{"ItemCount": 10 * c.due}}
	case "GetSecretValue":
		answer = map[string]string{"SecretString": c.secret}
	case "Sign", "GetPublicKey":
		answer = c.signed(operation, body)
	}
	return marshal(answer)
}

func marshal(value any) string {
	encoded, _ := json.Marshal(value) // texts and numbers never fail
	return string(encoded)
}

// query answers for the index of due records. Every other index is empty.
func (c *crowd) query(asked call) any {
	entries := []attributes{}
	if asked.IndexName == names.IndexDue && !c.purged {
		shard, first := asked.ExpressionAttributeValues[":shard"].S, 0
		if after := asked.ExclusiveStartKey[names.AttrID].S; after != "" {
			first = number(after) + 1
		}
		for n := first; n < min(first+asked.Limit, c.inShard(shard)); n++ {
			entries = append(entries, attributes{
				names.AttrID: {S: idIn(shard, n)}, names.AttrRetentionShard: {S: shard}, names.AttrRetentionSort: {S: startOfAll},
			})
		}
	}
	answer := map[string]any{"Items": entries, "Count": len(entries)}
	if len(entries) > 0 && len(entries) == asked.Limit {
		answer["LastEvaluatedKey"] = entries[len(entries)-1]
	}
	return answer
}

func number(id string) int {
	n, err := strconv.Atoi(id[strings.LastIndex(id, "-")+1:])
	if err != nil {
		return 0
	}
	return n
}

// batch answers with the records of the request, none of which is held. Most
// calls of a purge are batches: batch neither parses the request nor encodes
// the answer as JSON.
func (c *crowd) batch(asked []byte) string {
	table := benchStack.Records(retention.Messaging)
	var found []string
	if bytes.Contains(asked, []byte(table)) && !c.purged {
		for _, id := range ids.FindAllSubmatch(asked, -1) {
			found = append(found, fmt.Sprintf(`{"id":{"S":"%s"},"subject":{"S":"%048s"},"scope":{"S":"acme"},"basis":{"S":"consent"},`+
				`"occurredAt":{"S":"%[3]s"},"retentionStart":{"S":"%[3]s"},"retentionSort":{"S":"%[3]s"},"retentionShard":{"S":"%[4]s"}}`, id[0], id[2], startOfAll, id[1]))
		}
	}
	return fmt.Sprintf(`{"Responses":{%q:[%s]},"UnprocessedKeys":{}}`, table, strings.Join(found, ","))
}

// planned is the run after its plan.
func (c *crowd) planned() attributes {
	return attributes{
		"class": {S: retention.Messaging}, "run": {S: benchRun}, "startedAt": {S: startOfAll}, "cutoff": {S: "2026-01-01T00:00:00Z"},
		"planned": {N: strconv.Itoa(c.due)}, "next": {S: string(purge.NextDelete)},
	}
}

// manifestFiles are the suffixes of a page's files in the manifest, sorted.
func manifestFiles() []string { return []string{".ids.json", ".outcomes.json"} }

// serveFiles is S3 with the manifest of a purge that deleted every record. It
// takes every write.
func (c *crowd) serveFiles(w http.ResponseWriter, req *http.Request) {
	_, key, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	switch {
	case req.Method == http.MethodPut:
		_, _ = io.Copy(io.Discard, req.Body)
	case req.URL.Query().Has("versions"): // no run was certified yet
		_, _ = io.WriteString(w, `<ListVersionsResult></ListVersionsResult>`)
	case req.URL.Query().Has("list-type"):
		c.list(w, req.URL.Query().Get("prefix"), req.URL.Query().Get("continuation-token"))
	case strings.HasPrefix(key, names.ManifestPages):
		parts := strings.Split(strings.TrimPrefix(key, names.ManifestPages), "/") // class, run, shard, page
		if len(parts) < 4 {
			return // the file that says that the manifest is open
		}
		page, _, _ := strings.Cut(parts[3], ".")
		c.manifest(w, parts[2], number(page), strings.HasSuffix(key, manifestFiles()[0]))
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code></Error>`)
	}
}

func (c *crowd) list(w http.ResponseWriter, prefix, token string) {
	type object struct{ Key string }
	var listed struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []object
	}
	parts := strings.Split(strings.TrimPrefix(prefix, names.ManifestPages), "/") // class, run, shard
	const most = 1000
	files := (c.inShard(parts[2]) + purge.MaxDeletes - 1) / purge.MaxDeletes * len(manifestFiles())
	first := 0
	if token != "" {
		first = number(token)
	}
	for n := first; n < min(first+most, files); n++ {
		page, suffix := n/len(manifestFiles()), manifestFiles()[n%len(manifestFiles())]
		listed.Contents = append(listed.Contents, object{fmt.Sprintf("%s%08d%s", prefix, page, suffix)})
	}
	if first+most < files {
		listed.IsTruncated, listed.NextContinuationToken = true, strconv.Itoa(first+most)
	}
	_ = xml.NewEncoder(w).Encode(listed)
}

func (c *crowd) manifest(w http.ResponseWriter, shard string, page int, asIDs bool) {
	var ids []string
	first := page * purge.MaxDeletes
	for n := first; n < min(first+purge.MaxDeletes, c.inShard(shard)); n++ {
		ids = append(ids, idIn(shard, n))
	}
	if asIDs {
		_ = json.NewEncoder(w).Encode(ids)
		return
	}
	outcomes := map[string]purge.Outcome{}
	for _, id := range ids {
		outcomes[id] = purge.Deleted
	}
	_ = json.NewEncoder(w).Encode(outcomes)
}

// ask sends a request to the crowd as the SDK does.
func ask(t *testing.T, c *crowd, operation, body string) string {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, req)
	return answer.Body.String()
}

func TestCrowdShowsEveryRecordOnceUntilPurged(t *testing.T) {
	const due = 200
	c := newCrowd(t, due)
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
		t.Errorf("%d of two records were found", got)
	}
	c.purged = true
	if got := ask(t, c, "BatchGetItem", keys) + ask(t, c, "Query", `{"IndexName":"due","Limit":3}`); strings.Contains(got, "sub-") {
		t.Errorf("purged records are there: %s", got)
	}
}

// read gets a file from the buckets of the crowd.
func read(t *testing.T, c *crowd, path string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	c.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer.Body.String()
}

func TestCrowdHasManifestOfEveryRecord(t *testing.T) {
	const perShard = 150 // two pages
	c := newCrowd(t, perShard*retention.Shards)
	listed := read(t, c, "/manifests?list-type=2&prefix=purges/messaging/run-1/0a/")
	listedIDs, outcomes := 0, 0
	for _, key := range regexp.MustCompile(`<Key>([^<]+)</Key>`).FindAllStringSubmatch(listed, -1) {
		file := read(t, c, "/manifests/"+key[1])
		outcomes += strings.Count(file, "deleted")
		listedIDs += strings.Count(file, "sub-0a-")
	}
	if listedIDs != 2*perShard || outcomes != perShard {
		t.Errorf("%d ids and %d outcomes of %d records:\n%s", listedIDs, outcomes, perShard, listed)
	}
	if got := read(t, c, "/evidence/certificates/public-key.pem"); !strings.Contains(got, "NoSuchKey") {
		t.Errorf("a file outside the manifest is there: %s", got)
	}
}
