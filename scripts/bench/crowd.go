package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"stille/shared/aws/keyring"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/retention"
)

// crowd is AWS as the steps of a purge see it, with so many due records of a
// class. Nothing is stored: a record's id says all there is to know of it. It
// answers what comes to one purge of the class, of one run, and nothing else.
type crowd struct {
	class  string
	due    int
	purged bool // the records are gone, and the manifest says so
	run    string
	secret string // the proof keys
	ids    *regexp.Regexp

	deleted atomic.Int64
}

// aWhile is how long DynamoDB takes at least. The SDK closes the body of its
// request with the answer; where that is sooner than the HTTP client has seen the
// body's end, the client breaks the connection off.
const aWhile = 200 * time.Microsecond

const startOfAll = "2020-01-01T00:00:00Z" // longer ago than any class is kept

func newCrowd(class, run string, due int) (*crowd, error) {
	secret, err := keyring.NewProofSecret()
	return &crowd{class: class, due: due, run: run, secret: secret, ids: regexp.MustCompile(`sub-(..)-([0-9]{9})`)}, err
}

// inShard is how many of the records are in a shard, all numbered from 0.
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

// call is as much of a request to DynamoDB as matters here.
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
		return // whoever asked is gone
	}
	time.Sleep(aWhile)
	encoded := []byte(c.answer(operation, body))
	// As DynamoDB does: the SDK checks it.
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
			return "" // which is no answer that the SDK can read
		}
		if operation == "Query" {
			answer = c.query(asked)
		} else if c.purged && asked.Key[names.AttrRun].S == c.run {
			answer = map[string]any{"Item": c.planned()}
		}
	case "TransactWriteItems":
		c.deleted.Add(int64(len(c.ids.FindAll(body, -1)))) // there is one in each deletion, and nowhere else
	case "DescribeTable":
		answer = map[string]any{"Table": map[string]any{"ItemCount": 10 * c.due}}
	case "GetSecretValue":
		answer = map[string]string{"SecretString": c.secret}
	case "Sign", "GetPublicKey":
		answer = map[string]string{"Signature": "c2lnbmVk", "PublicKey": "a2V5"}
	}
	encoded, _ := json.Marshal(answer) // texts and numbers always marshal
	return string(encoded)
}

// query answers for the index of what is due; in no other is anything.
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

// batch answers with the records that are asked for; nobody holds any. It is
// most of what a purge asks, so it is neither parsed nor encoded.
func (c *crowd) batch(asked []byte) string {
	table := benchStack.Records(c.class)
	var there []string
	if bytes.Contains(asked, []byte(table)) && !c.purged {
		for _, id := range c.ids.FindAllSubmatch(asked, -1) {
			there = append(there, fmt.Sprintf(`{"id":{"S":"%s"},"subject":{"S":"%048s"},"scope":{"S":"acme"},"basis":{"S":"consent"},`+
				`"occurredAt":{"S":"%[3]s"},"retentionStart":{"S":"%[3]s"},"retentionSort":{"S":"%[3]s"},"retentionShard":{"S":"%[4]s"}}`, id[0], id[2], startOfAll, id[1]))
		}
	}
	return fmt.Sprintf(`{"Responses":{%q:[%s]},"UnprocessedKeys":{}}`, table, strings.Join(there, ","))
}

// planned is the run once its plan is made.
func (c *crowd) planned() attributes {
	return attributes{
		"class": {S: c.class}, "run": {S: c.run}, "startedAt": {S: startOfAll}, "cutoff": {S: "2026-01-01T00:00:00Z"},
		"planned": {N: strconv.Itoa(c.due)}, "next": {S: string(purge.NextDelete)},
	}
}

// The manifest's files of a page, in the order of their names.
func manifestFiles() []string { return []string{".ids.json", ".outcomes.json"} }

// serveFiles is S3: the manifest of a purge that deleted everything. What is
// written is taken, and nothing else is there.
func (c *crowd) serveFiles(w http.ResponseWriter, req *http.Request) {
	_, key, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	switch {
	case req.Method == http.MethodPut:
		_, _ = io.Copy(io.Discard, req.Body)
	case req.URL.Query().Has("list-type"):
		c.list(w, req.URL.Query().Get("prefix"), req.URL.Query().Get("continuation-token"))
	case strings.HasPrefix(key, names.ManifestPages):
		parts := strings.Split(strings.TrimPrefix(key, names.ManifestPages), "/") // class, run, shard, page
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
