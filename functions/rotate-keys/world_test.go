package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"stille/shared/aws/keyring"
	"stille/shared/names"
	"stille/shared/retention"
)

const stack names.Stack = "unit"

var errCrash = errors.New("crash")

var midnight = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// world is the secrets and the tables, with a log of what was written in which
// order. It crashes instead of the write of number crashAt, counted from 1.
type world struct {
	now      time.Time
	values   map[string]string // of the secrets that exist; "" is no value
	binary   map[string][]byte
	versions map[string]string // values by secret and version id
	current  map[string]string // version ids by secret
	stored   map[string]time.Time
	canaries map[string]string
	items    int

	unmerged, holds map[uint32]int
	records         map[string]map[uint32]int // by class
	depths          map[string]int            // of the queues

	writes  []string
	crashAt int
	// beforePut runs before a secret is written, as a second run would.
	beforePut func()
	readErr   error
	log       bytes.Buffer
}

func newWorld() *world {
	return &world{
		now:      midnight,
		values:   map[string]string{stack.ContactKeys(): "", stack.LinkKeys(): "", stack.ProofKeys(): ""},
		binary:   make(map[string][]byte),
		versions: make(map[string]string),
		current:  make(map[string]string),
		stored:   make(map[string]time.Time),
		unmerged: make(map[uint32]int),
		depths:   make(map[string]int),
		holds:    make(map[uint32]int),
		records:  map[string]map[uint32]int{"communication": {}, "messaging": {}},
	}
}

// begun is a world after the first deploy.
func begun(t *testing.T) *world {
	t.Helper()
	w := newWorld()
	if err := w.handle(t, cfn.RequestCreate); err != nil {
		t.Fatal(err)
	}
	w.writes, w.items = nil, 1
	return w
}

func (w *world) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if w.readErr != nil {
		return nil, w.readErr
	}
	value := w.values[*in.SecretId]
	if value == "" && len(w.binary[*in.SecretId]) == 0 {
		return nil, fmt.Errorf("operation error: %w", &types.ResourceNotFoundException{})
	}
	return &secretsmanager.GetSecretValueOutput{
		SecretString: &value, SecretBinary: w.binary[*in.SecretId],
		VersionId: aws.String(w.current[*in.SecretId]), CreatedDate: aws.Time(w.stored[*in.SecretId]),
	}, nil
}

// PutSecretValue stores a version once; the same one again is no error.
func (w *world) PutSecretValue(_ context.Context, in *secretsmanager.PutSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error) {
	if w.beforePut != nil {
		w.beforePut()
	}
	if n := len(*in.ClientRequestToken); n < 32 || n > 64 {
		return nil, fmt.Errorf("a token of %d characters", n)
	}
	version := *in.SecretId + " " + *in.ClientRequestToken
	if value, there := w.versions[version]; there {
		if value == *in.SecretString {
			return &secretsmanager.PutSecretValueOutput{}, nil
		}
		return nil, fmt.Errorf("operation error: %w", &types.ResourceExistsException{})
	}
	if err := w.write(*in.SecretId); err != nil {
		return nil, err
	}
	w.versions[version], w.values[*in.SecretId] = *in.SecretString, *in.SecretString
	w.current[*in.SecretId], w.stored[*in.SecretId] = *in.ClientRequestToken, w.now
	return &secretsmanager.PutSecretValueOutput{}, nil
}

func (w *world) Canaries(context.Context) (map[string]string, error) {
	return maps.Clone(w.canaries), nil
}

func (w *world) PutCanaries(_ context.Context, canaries map[string]string) error {
	if err := w.write("canaries"); err != nil {
		return err
	}
	w.canaries = canaries
	return nil
}

func (w *world) AddCanaries(_ context.Context, canaries map[string]string) error {
	for id, canary := range canaries {
		if there, ok := w.canaries[id]; ok && there != canary || canary == "" {
			return errors.New("not that key's canary")
		} else if ok {
			continue
		}
		if err := w.write("canary added"); err != nil {
			return err
		}
		w.canaries[id] = canary
	}
	return nil
}

func (w *world) RemoveCanary(_ context.Context, id string) error {
	if _, ok := w.canaries[id]; !ok {
		return nil
	}
	if err := w.write("canary removed"); err != nil {
		return err
	}
	delete(w.canaries, id)
	return nil
}

func (w *world) Empty(context.Context) (bool, error) { return w.items == 0 && w.canaries == nil, nil }

func (w *world) CountUnmerged(_ context.Context, keyID uint32) (int, error) {
	return w.unmerged[keyID], nil
}

// subjects is the holds of a world.
type subjects struct{ *world }

func (s subjects) CountSubjects(_ context.Context, keyID uint32) (int, error) {
	return s.holds[keyID], nil
}

// recorded is the records of a world.
type recorded struct{ *world }

func (r recorded) CountSubjects(_ context.Context, class string, keyID uint32) (int, error) {
	counts, ok := r.records[class]
	if !ok {
		return 0, errors.New("there is no such class")
	}
	return counts[keyID], nil
}

func (w *world) write(what string) error {
	if len(w.writes)+1 == w.crashAt {
		w.crashAt = 0
		return errCrash
	}
	w.writes = append(w.writes, what)
	return nil
}

func (w *world) handler() handler {
	return handler{
		secrets: w, suppressions: w, countHolds: subjects{w}.CountSubjects, countRecords: recorded{w}.CountSubjects,
		config: keyring.Config{Retention: "classes: []\n", Scopes: "scopes: []\n"},
		queues: map[string]string{names.QueueOutage: names.QueueOutage, names.QueueOutageDead: names.QueueOutageDead},
		depth:  func(_ context.Context, url string) (int, error) { return w.depths[url], w.readErr },
		policy: &retention.Policy{Classes: []retention.Class{{Name: "communication"}, {Name: "messaging"}}},
		stack:  stack, now: func() time.Time { return w.now }, log: slog.New(slog.NewJSONHandler(&w.log, nil)),
	}
}

func (w *world) handle(t *testing.T, request cfn.RequestType) error {
	t.Helper()
	id, data, err := w.handler().handle(t.Context(), cfn.Event{RequestType: request, PhysicalResourceID: "unit-keys"})
	if id != "unit-keys" || data != nil {
		t.Errorf("physical id %q and data %v, want unit-keys and none", id, data)
	}
	return err
}

// order has the function do something and returns what it answers, which is
// looked through for keys, as is what it logs.
func order[T any](t *testing.T, w *world, payload string) (T, error) {
	t.Helper()
	var answer T
	got, err := w.handler().serve(t.Context(), json.RawMessage(payload))
	text, encodeErr := json.Marshal(got)
	if encodeErr != nil {
		t.Fatal(encodeErr)
	}
	w.mustNotShow(t, string(text), fmt.Sprint(err), w.log.String())
	if err != nil {
		return answer, err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer, nil
}

// change is order for those that change something.
func (w *world) change(t *testing.T, payload string) keyring.Answer {
	t.Helper()
	answer, err := order[keyring.Answer](t, w, payload)
	if err != nil {
		t.Fatal(err)
	}
	if (answer.Done == "") == (answer.Refused == "") {
		t.Errorf("it answers %+v, want done or refused", answer)
	}
	return answer
}

// ring is another function's, in a container that just started.
func (w *world) ring() *keyring.Ring {
	return keyring.NewRing(w, stack, w, func() time.Time { return w.now })
}

// mustServe fails unless the key ring of every other function works.
func (w *world) mustServe(t *testing.T) {
	t.Helper()
	ring := w.ring()
	_, contactErr := ring.Contact(t.Context())
	_, linkErr := ring.Link(t.Context())
	_, proofErr := ring.Proof(t.Context())
	if err := errors.Join(contactErr, linkErr, proofErr); err != nil {
		t.Errorf("the key ring does not work: %v", err)
	}
}
