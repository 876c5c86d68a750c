//go:build store

package purge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithy "github.com/aws/smithy-go/middleware"

	"stille/shared/aws/objects/objectstest"
	"stille/shared/certificate"
	"stille/shared/names"
	"stille/shared/purge"
	"stille/shared/purge/purgetest"
)

// fence is the prefix of the fences' keys.
const fence = "fence#"

// wire sends requests to DynamoDB Local from inside a bubble: a connection
// outlives the bubble, and neither may wait for the other.
type wire struct {
	requests chan *http.Request
	answers  chan answered
}

type answered struct {
	status int
	body   []byte
	err    error
}

func newWire(t *testing.T, server aws.HTTPClient) *wire {
	w := &wire{make(chan *http.Request), make(chan answered)}
	t.Cleanup(func() { close(w.requests) })
	go func() {
		for req := range w.requests {
			w.answers <- exchange(server, req)
		}
	}()
	return w
}

func exchange(server aws.HTTPClient, req *http.Request) answered {
	resp, err := server.Do(req)
	if err != nil {
		return answered{err: err}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answered{resp.StatusCode, body, err}
}

// carry sends a request and waits for its answer.
func (w *wire) carry(req *http.Request, body []byte) answered {
	// The request's context belongs to the bubble and must not be used.
	copied := req.Clone(context.Background())
	copied.Body, copied.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	w.requests <- copied
	return <-w.answers
}

// Do sends the test's own reads, which no schedule orders.
func (w *wire) Do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	return w.carry(req, body).response()
}

func (a answered) response() (*http.Response, error) {
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: a.status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)),
	}, nil
}

// over returns a client that makes each request once, through this HTTP client.
func over(client *dynamodb.Client, this aws.HTTPClient, with ...func(*smithy.Stack) error) *dynamodb.Client {
	return dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.HTTPClient, o.Retryer, o.APIOptions = this, aws.NopRetryer{}, with
	})
}

// elsewhere answers for the fences of other shards. A hold raises one in every
// shard; all records of a story are in one shard, and other stories use the
// others. The tests of the holds check that a hold raises all fences.
func (s *story) elsewhere(stack *smithy.Stack) error {
	return stack.Initialize.Add(smithy.InitializeMiddlewareFunc("elsewhere",
		func(ctx context.Context, in smithy.InitializeInput, next smithy.InitializeHandler) (smithy.InitializeOutput, smithy.Metadata, error) {
			if update, ok := in.Parameters.(*dynamodb.UpdateItemInput); ok {
				target, _ := update.Key[names.AttrTarget].(*types.AttributeValueMemberS)
				if target != nil && strings.HasPrefix(target.Value, fence) && target.Value != fence+s.shard {
					return smithy.InitializeOutput{Result: &dynamodb.UpdateItemOutput{}}, smithy.Metadata{}, nil
				}
			}
			return next.HandleInitialize(ctx, in)
		}), smithy.Before)
}

// as is the client of an actor.
func (s *story) as(a *actor) *dynamodb.Client {
	return over(s.db, scheduled{a, s}, s.elsewhere)
}

// scheduled sends an actor's requests when the schedule allows, and reports
// their effects to the story.
type scheduled struct {
	*actor
	*story
}

func (s scheduled) Do(req *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(req.Header.Get("X-Amz-Target"), ".")
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	step, err := s.await(operation + s.about(body))
	if err != nil {
		return nil, err
	}
	answer := s.wire.carry(req, body)
	if answer.err == nil {
		s.saw(s.actor, step, operation, body, answer)
	}
	return answer.response()
}

// about describes a request in the story's terms.
func (s *story) about(body []byte) string {
	about := ""
	for _, part := range [][2]string{
		{`"fence#`, " the fence"}, {`"subject#`, " a subject's hold"}, {`"record#`, " a record's hold"},
		{`"IndexName":"due"`, " by start"}, {`"IndexName":"withdrawn"`, " by withdrawal"}, {`"IndexName":"subject"`, " by subject"},
	} {
		if bytes.Contains(body, []byte(part[0])) {
			about += part[1]
		}
	}
	for _, name := range storyIDs {
		if id := s.id(name); bytes.Contains(body, []byte(`"`+id+`"`)) || bytes.Contains(body, []byte("#"+id+`"`)) {
			about += " " + name
		}
	}
	return about
}

// writes is a TransactWriteItems, limited to its writes to a class table.
type writes struct {
	TransactItems []struct {
		Delete, Update *struct {
			TableName string
			Key       struct{ ID struct{ S string } }
		}
	}
}

// refused is the answer to a cancelled transaction.
type refused struct {
	CancellationReasons []struct {
		Code string
		Item json.RawMessage
	}
}

// scheduledS3 is one actor's S3.
type scheduledS3 struct {
	*actor
	*story
	*objectstest.Memory
}

func (s scheduledS3) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, o ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	if _, err := s.await("ListObjectVersions of " + (*in.Prefix)[:1]); err != nil {
		return nil, err
	}
	return s.Memory.ListObjectVersions(ctx, in, o...)
}

func (s scheduledS3) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput, o ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error) {
	key := *in.Delete.Objects[0].Key
	if _, err := s.await("DeleteObjects of " + key[:1]); err != nil {
		return nil, err
	}
	s.objectGone(s.actor, key)
	return s.Memory.DeleteObjects(ctx, in, o...)
}

func (s *story) manifestOf(a *actor) scheduledManifest {
	return scheduledManifest{a, s, &s.manifest, map[string][]string{}}
}

// scheduledManifest is one actor's manifest.
type scheduledManifest struct {
	*actor
	*story
	*purgetest.Memory
	begun map[string][]string // page -> ids
}

func (m scheduledManifest) Begin(ctx context.Context, class, run, shard string, ids []string) (string, error) {
	if _, err := m.await("Begin a page"); err != nil {
		return "", err
	}
	page, err := m.Memory.Begin(ctx, class, run, shard, ids)
	m.begun[page] = ids
	return page, err
}

func (m scheduledManifest) NoteObjects(ctx context.Context, page string, objects map[string]certificate.Objects) error {
	if _, err := m.await("note a page's objects"); err != nil {
		return err
	}
	return m.Memory.NoteObjects(ctx, page, objects)
}

func (m scheduledManifest) Finish(ctx context.Context, page string, outcomes map[string]purge.Outcome) error {
	if _, err := m.await("Finish a page"); err != nil {
		return err
	}
	m.finished(m.actor, m.begun[page], outcomes)
	return m.Memory.Finish(ctx, page, outcomes)
}

func (m scheduledManifest) Pages(ctx context.Context, class, run, shard string) iter.Seq2[purge.Page, error] {
	if shard == m.shard {
		if _, err := m.await("read the manifest"); err != nil {
			return func(yield func(purge.Page, error) bool) { yield(purge.Page{}, err) }
		}
	}
	return m.Memory.Pages(ctx, class, run, shard)
}

// neverStopped has no stopped run.
func neverStopped(context.Context, string, string) (bool, error) { return false, nil }
